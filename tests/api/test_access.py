"""Who may call what: every route of the contract against every kind of caller."""

import base64
import json

import pytest

from tests.support.api import CALLERS, token

pytestmark = pytest.mark.asyncio(loop_scope="session")

TOP_UP = {"amount": 50_000, "currency": "INR", "gateway": "razorpay"}
STAFF = ("viewer", "support", "finance", "owner")
FROM_SUPPORT = STAFF[1:]
FROM_FINANCE = STAFF[2:]
CUSTOMERS = ("asha", "ravi")
EVERYBODY = tuple(CALLERS)


class Things:
    """What asha has, made anew wherever a call would use it up."""

    def __init__(self, api):
        self.api = api
        self.numbers = iter(range(1000))

    async def prepare(self):
        shop = self.api.shop
        self.top_up = await self.paid_top_up()
        self.order = await self.api.order(pay=True)
        self.refund = (await shop.refund(self.order, "wallet", 1))["id"]
        self.by_gateway = await self.api.order(amount=1_000)
        opened = await shop.pay_by_gateway(self.by_gateway)
        self.payment = opened["payment"]["id"]
        self.order_proof = await shop.provider.pay(opened["payment"]["provider_reference"])
        del self.order_proof["status"]

    async def paid_top_up(self):
        opened = await self.api.shop.open_top_up()
        self.proof = await self.api.shop.provider.pay(opened["payment"]["provider_reference"])
        del self.proof["status"]
        await self.api.shop.batua.top_ups.confirm(opened["top_up"]["id"], self.proof)
        return opened["top_up"]["id"]

    async def pending(self):
        return await self.api.order(amount=1_000)


async def order_body(things, who):
    customer = {"customer": "asha"} if who == "service" else {}
    return {"reference": things.api.reference(), "amount": 1_000, "currency": "INR", **customer}


def body(value):
    async def make(*_):
        return value

    return make


async def proof(things, _):
    return things.proof


async def order_proof(things, _):
    return things.order_proof


# method, path, body, and for whom it works: everybody else gets 403, but who is told 404.
ROUTES = [
    ("GET", "/gateways", None, 200, CUSTOMERS, ()),
    ("POST", "/topups", body(TOP_UP), 201, CUSTOMERS, ()),
    ("GET", "/topups/{top_up}", None, 200, ("asha", *STAFF), ("ravi",)),
    ("POST", "/topups/{top_up}/confirm", proof, 200, ("asha",), ("ravi",)),
    ("POST", "/topups/{top_up}/refunds", body({"amount": 100}), 201, FROM_SUPPORT, ()),
    ("GET", "/wallet", None, 200, CUSTOMERS, ()),
    ("GET", "/wallet/transactions", None, 200, CUSTOMERS, ()),
    ("POST", "/orders", order_body, 201, (*CUSTOMERS, "service"), ()),
    ("GET", "/orders", None, 200, EVERYBODY, ()),
    ("GET", "/orders/{order}", None, 200, ("asha", *STAFF, "service"), ("ravi",)),
    ("POST", "/orders/{pending}/payments", body({"method": "wallet"}), 201, ("asha",), ("ravi",)),
    ("POST", "/orders/{by_gateway}/payments/{payment}/confirm", order_proof, 200, ("asha",),
     ("ravi",)),
    ("POST", "/orders/{order}/refunds", body({"to": "wallet", "reason": "r", "amount": 1}), 201,
     FROM_SUPPORT, ()),
    ("POST", "/orders/{pending}/cancel", body({}), 200, ("asha", *FROM_SUPPORT), ("ravi",)),
    ("GET", "/refunds/{refund}", None, 200, ("asha", *STAFF), ("ravi",)),
    ("PUT", "/customers/asha", body({"name": "Asha"}), 200, (*FROM_SUPPORT, "service"), ()),
    ("GET", "/customers/asha/wallet", None, 200, STAFF, ()),
    ("POST", "/customers/asha/adjustments", body({"amount": 5, "reason_code": "goodwill"}), 201,
     FROM_FINANCE, ()),
]  # fmt: skip
PUBLIC = ["/health", "/health/live", "/health/ready"]


async def call(things, route, who, headers=None):
    method, template, make, *_ = route
    pending = await things.pending() if "{pending}" in template else ""
    path = template.format(
        top_up=things.top_up,
        order=things.order,
        refund=things.refund,
        pending=pending,
        by_gateway=things.by_gateway,
        payment=things.payment,
    )
    sent = await make(things, who) if make else b""
    return await things.api.post(path, sent, who, method=method, headers=headers)


async def test_every_route_knows_its_callers(api):
    things = Things(api)
    await things.prepare()
    await api.shop.give(100_000)

    for route in ROUTES:
        method, template, _, status, allowed, not_theirs = route
        for who in CALLERS:
            answer = await call(things, route, who)
            expected = status if who in allowed else 404 if who in not_theirs else 403
            assert answer.status_code == expected, (method, template, who, answer.text)
            if expected in {403, 404}:
                code = {403: "forbidden", 404: "not_found"}[expected]
                assert answer.json()["code"] == code


def bad_tokens(clock):
    good = token(clock, sub="asha")
    head, payload, signature = good.split(".")
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').rstrip(b"=").decode()
    staff = base64.urlsafe_b64encode(
        json.dumps({"sub": "asha", "iss": "batua", "aud": "batua", "exp": 2**31,
                    "scope": "staff", "role": "owner"}).encode()
    ).rstrip(b"=").decode()  # fmt: skip
    past = int(clock.now().timestamp())
    return {
        "expired": token(clock, sub="asha", exp=past),
        "long expired": token(clock, sub="asha", exp=1),
        "no exp": token(clock, sub="asha", without=("exp",)),
        "exp is no number": token(clock, sub="asha", exp=float(past + 60)),
        "wrong issuer": token(clock, sub="asha", iss="evil"),
        "no issuer": token(clock, sub="asha", without=("iss",)),
        "wrong audience": token(clock, sub="asha", aud="evil"),
        "no audience": token(clock, sub="asha", without=("aud",)),
        "other key": token(clock, sub="asha", secret="y" * 32),
        "other algorithm": token(clock, sub="asha", secret="x" * 64, algorithm="HS512"),
        "same key, other algorithm": token(clock, sub="asha", algorithm="HS384", secret="x" * 48),
        "alg none": f"{unsigned}.{payload}.",
        "alg none with a signature": f"{unsigned}.{payload}.{signature}",
        "payload changed": f"{head}.{staff}.{signature}",
        "signature cut": good[:-2],
        "wrong typ": token(clock, sub="asha", headers={"typ": "refresh"}),
        "wrong typ claim": token(clock, sub="asha", typ="refresh"),
        "no subject": token(clock),
        "empty subject": token(clock, sub=""),
        "long subject": token(clock, sub="a" * 129),
        "subject with a newline": token(clock, sub="asha\n"),
        "subject with a slash": token(clock, sub="asha/ravi"),
        "subject with NUL": token(clock, sub="asha\0"),
        "unknown scope": token(clock, sub="asha", scope="root"),
        "unknown role": token(clock, sub="asha", scope="staff", role="god"),
        "scope is a list": token(clock, sub="asha", scope=["staff"]),
        "not a token": "asha",
        "dots": "..",
        "blank": "%20",
        "not ascii": "é.é.é",
    }


async def test_every_route_refuses_every_bad_token(api, clock):
    things = Things(api)
    await things.prepare()
    before = await api.shop.transfers()

    for name, bad in bad_tokens(clock).items():
        # Every route for the plainest ones, a few for the others: the door is the same.
        routes = ROUTES if name in {"expired", "alg none"} else ROUTES[::6]
        for route in routes:
            header = {"Authorization": f"Bearer {bad}".encode()}
            answer = await call(things, route, None, headers=header)
            assert answer.status_code == 401, (name, route[1], answer.text)
            assert answer.json()["code"] == "unauthorized"
            assert answer.headers["www-authenticate"] == "Bearer"
    for header in ({}, {"Authorization": ""}, {"Authorization": f"Basic {api.token('asha')}"},
                   {"Authorization": api.token("asha")}):  # fmt: skip
        for route in ROUTES:
            answer = await call(things, route, None, headers=header)
            assert answer.status_code == 401, (header, route[1])
    assert await api.shop.transfers() == before


async def test_fine_tokens_of_other_spellings_are_let_in(api, clock):
    for fine in (
        token(clock, sub="asha", scope="customer"),
        token(clock, sub="asha", typ="access"),
        token(clock, sub="asha", headers={"typ": "at+jwt"}),
        token(clock, sub="asha", headers={"typ": None}),
        token(clock, sub="asha", aud=["other", "batua"]),
        token(clock, sub="a" * 128),
        token(clock, sub="आशा"),
    ):
        answer = await api.get("/wallet", None, headers={"Authorization": f"bearer {fine}"})
        assert answer.status_code == 200, answer.text


async def test_a_token_that_was_let_in_expires_all_the_same(api, clock):
    bearer = api.headers("asha")
    assert (await api.http.get("/wallet", headers=bearer)).status_code == 200

    clock.advance(3601)

    assert (await api.http.get("/wallet", headers=bearer)).status_code == 401


async def test_health_and_webhooks_need_no_token(api):
    for path in PUBLIC:
        assert (await api.get(path, None)).status_code == 200
    answer = await api.post("/webhooks/razorpay", b"{}", None)
    assert (answer.status_code, answer.json()["code"]) == (401, "webhook_rejected")


async def test_customers_order_for_themselves_only(api):
    for customer, status in (("ravi", 403), ("asha", 201)):
        order = {"reference": api.reference(), "amount": 1_000, "currency": "INR"}
        answer = await api.post("/orders", {**order, "customer": customer})
        assert answer.status_code == status


async def test_a_list_of_orders_shows_customers_their_own(api):
    mine, other = api.newcomer(), api.newcomer()
    for who in (mine, other):
        await api.order(who=who)

    for who, query, count in (
        (mine, {}, 1),
        (mine, {"customer": other}, 1),
        ("support", {"customer": other}, 1),
        ("service", {"customer": "nobody"}, 0),
    ):
        items = (await api.get("/orders", who, params=query)).json()["items"]
        assert len(items) == count, (who, query)
        assert who != mine or items[0]["customer"] == mine
    assert len((await api.get("/orders", "viewer")).json()["items"]) > 1
