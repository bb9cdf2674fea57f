"""Every route of the app's own OpenAPI against every kind of caller, good and bad.

Whoever may not use a route is told so before anything else is looked at; whoever may gets any
other answer. What those answers are is for ``test_access.py``.
"""

import shutil
from dataclasses import dataclass

import httpx
import pytest
import pytest_asyncio

from batua.identity import Permission
from tests.api.test_access import Things
from tests.support.api import CALLERS, open_api, token
from tests.support.clock import FakeClock
from tests.support.issuer import forged_with, serving_issuer
from tests.support.shop import JWT_SECRET

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROLES = ("viewer", "support", "finance", "owner")


@dataclass(frozen=True)
class Who:
    """For whom a route is: customers, staff from a role on, services with a permission.

    What is ``owned`` is not found by another customer.
    """

    customer: bool = False
    owned: bool = False
    staff: str | None = None
    permission: str | None = None

    def lets_in(self, caller):
        if caller in {"asha", "ravi"}:
            return self.customer
        if caller in ROLES:
            return self.staff is not None and ROLES.index(caller) >= ROLES.index(self.staff)
        if caller == "service":
            return self.permission is not None
        return caller == self.permission  # an API key that may do this and nothing else


MINE = {"customer": True, "owned": True}
MATRIX = {
    "list_gateways": Who(customer=True),
    "create_top_up": Who(customer=True),
    "get_top_up": Who(**MINE, staff="viewer"),
    "confirm_top_up": Who(**MINE),
    "refund_top_up": Who(staff="support"),
    "get_wallet": Who(customer=True),
    "list_transactions": Who(customer=True),
    "watch_wallet": Who(customer=True),
    "create_order": Who(customer=True, permission="orders:write"),
    "list_orders": Who(customer=True, staff="viewer", permission="orders:read"),
    "get_order": Who(**MINE, staff="viewer", permission="orders:read"),
    "pay_order": Who(**MINE),
    "confirm_order_payment": Who(**MINE),
    "refund_order": Who(staff="support"),
    "cancel_order": Who(**MINE, staff="support"),
    "get_refund": Who(**MINE, staff="viewer"),
    "put_customer": Who(staff="support", permission="customers:write"),
    "get_customer_wallet": Who(staff="viewer"),
    "adjust_wallet": Who(staff="finance"),
}
"""Every operation that needs a caller. A route without a line fails."""
PUBLIC = {"health", "live", "ready", "metrics", "receive_webhook", "answer_challenge"}
ENDLESS = {"watch_wallet"}
"""Whose answer goes on: that it begins is all that is looked at here."""
BODIES = {"pay_order": {"method": "wallet"}}


class Door:
    """A served shop whose tokens are signed in one way."""

    def __init__(self, api, issuer, mode):
        self.api, self.issuer, self.mode = api, issuer, mode

    def sign(self, without=(), **claims):
        if self.mode == "secret":
            return token(self.api.clock, without=without, **claims)
        now = int(self.api.clock.now().timestamp())
        wanted = {"iss": "batua", "aud": "batua", "exp": now + 3600, **claims}
        for name in without:
            del wanted[name]
        return self.issuer.sign(wanted)

    async def prepare(self):
        things = Things(self.api)
        await things.prepare()
        self.ids = {
            "top_up_id": things.top_up,
            "order_id": things.by_gateway,
            "payment_id": things.payment,
            "refund_id": things.refund,
            "customer_id": "asha",
        }
        self.good = {who: self.sign(**claims) for who, claims in CALLERS.items()}
        keys = self.api.shop.batua.identity.keys
        for each in Permission:
            made = await keys.create(each, [each], expires_in=None, by="test")
            self.good[str(each)] = made.plain

    def bad(self):
        past = int(self.api.clock.now().timestamp())
        good = {"sub": "asha", "iss": "batua", "aud": "batua", "exp": past + 3600}
        known = self.good["orders:read"]
        made = {
            "expired": self.sign(sub="asha", exp=past),
            "no expiry": self.sign(sub="asha", without=("exp",)),
            "wrong issuer": self.sign(sub="asha", iss="batua.evil"),
            "wrong audience": self.sign(sub="asha", aud="evil"),
            "not yet": self.sign(sub="asha", nbf=past + 60),
            "issued later": self.sign(sub="asha", iat=past + 60),
            "alg none": forged_with(b"", good, alg="none").rpartition(".")[0] + ".",
            "a key with another secret": f"{known[:-4]}AAAA",
            "a key that never was": "batua_sk_0123456789abcdef_" + "A" * 43,
        }
        for number, public in enumerate(self.issuer.public_bytes()):
            made[f"key confusion {number}"] = forged_with(public, good, kid="RS256")
        if self.mode == "jwks":
            made["by the shared secret"] = forged_with(JWT_SECRET.encode(), good)
            made["key as none's"] = self.issuer.sign(good, kid="unknown")
        else:
            made["by the issuer"] = self.issuer.sign(good)
        return made

    async def call(self, method, path, operation, bearer):
        headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
        if operation in ENDLESS:
            async with self.api.http.stream(method, path, headers=headers) as answer:
                content = await answer.aread() if answer.is_error else b""
                return httpx.Response(answer.status_code, headers=answer.headers, content=content)
        body = BODIES.get(operation, {})
        return await self.api.post(
            path.format(**self.ids), body, None, method=method, headers=headers
        )

    async def routes(self):
        answer = await self.api.http.get("/docs/openapi.json")
        prefix = "/api/v1"
        for path, methods in answer.json()["paths"].items():
            for method, about in methods.items():
                assert path.startswith(prefix), path
                yield method.upper(), path.removeprefix(prefix), about["operationId"]


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=["secret", "jwks"])
async def door(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("matrix") / "shop.sqlite"
    shutil.copyfile(request.getfixturevalue("_migrated_file"), path)
    async with serving_issuer() as issuer:
        by_jwks = {"jwt_secret": "", "jwt_jwks_url": issuer.url}
        settings = by_jwks if request.param == "jwks" else {}
        url = f"sqlite:///{path}"
        async with open_api(url, FakeClock(), rate_limit=False, **settings) as api:
            opened = Door(api, issuer, request.param)
            await opened.prepare()
            yield opened


async def test_every_operation_has_a_line(door):
    found = {operation async for _, _, operation in door.routes()}
    assert found == set(MATRIX) | PUBLIC


async def test_every_route_lets_in_whom_it_is_for(door):
    async for method, path, operation in door.routes():
        if operation in PUBLIC:
            continue
        who = MATRIX[operation]
        for caller, bearer in door.good.items():
            answer = await door.call(method, path, operation, bearer)
            cell = operation, caller, answer.status_code, answer.text
            if not who.lets_in(caller):
                assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), cell
            elif who.owned and caller == "ravi":
                assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), cell
            else:
                assert answer.status_code not in {401, 403, 404, 405, 500, 503}, cell


async def test_every_route_refuses_whoever_proves_nothing(door):
    for name, bearer in {"no token": None, **door.bad()}.items():
        async for method, path, operation in door.routes():
            if operation in PUBLIC:
                continue
            if name.startswith("a key") and operation != "list_orders":
                continue  # made-up keys are looked for, two a second: one route is enough
            answer = await door.call(method, path, operation, bearer)
            cell = operation, name, answer.status_code, answer.text
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized"), cell
            assert answer.headers["www-authenticate"] == "Bearer"


async def test_what_is_public_asks_nobody(door):
    async for method, path, operation in door.routes():
        if operation in PUBLIC:
            answer = await door.api.post(path.format(code="razorpay"), {}, None, method=method)
            assert answer.status_code != 403
            assert answer.json()["code"] == "webhook_rejected" if operation == "receive_webhook" \
                else answer.status_code in {200, 404}  # fmt: skip


async def test_a_disabled_customer_is_told_so_on_every_route(door):
    who = door.api.newcomer()
    bearer = door.sign(sub=who)
    finance = {"Authorization": f"Bearer {door.good['finance']}"}
    put = await door.api.http.put(f"/customers/{who}", json={"enabled": False}, headers=finance)
    assert (put.status_code, put.json()["enabled"]) == (200, False), put.text

    async for method, path, operation in door.routes():
        if operation in MATRIX and MATRIX[operation].customer:
            answer = await door.call(method, path, operation, bearer)
            assert (answer.status_code, answer.json()["code"]) == (403, "customer_disabled")
    order = {"reference": "D-1", "amount": 100, "currency": "INR", "customer": who}
    service = {"Authorization": f"Bearer {door.good['service']}"}
    answer = await door.api.http.post("/orders", json=order, headers=service)
    assert (answer.status_code, answer.json()["code"]) == (403, "customer_disabled")
    put = await door.api.http.put(f"/customers/{who}", json={"enabled": True}, headers=service)
    assert put.json()["enabled"] is True
    assert (await door.api.http.post("/orders", json=order, headers=service)).status_code == 201


async def test_to_shut_somebody_out_takes_more_than_to_name_them(door):
    for caller, status in (("support", 403), ("finance", 200), ("customers:write", 403),
                           ("service", 200)):  # fmt: skip
        headers = {"Authorization": f"Bearer {door.good[caller]}"}
        answer = await door.api.http.put("/customers/x1", json={"enabled": True}, headers=headers)
        assert answer.status_code == status, (caller, answer.text)
