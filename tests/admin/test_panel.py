"""The staff panel over real HTTP: what it shows, what it refuses, and to whom."""

import hashlib
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count

import httpx
import pytest
import pytest_asyncio

from batua.bootstrap import Batua
from batua.certificates import trusted_certificates
from batua.contract import Money
from batua.database import migrate
from batua.identity import Role
from batua.settings import read_settings
from batua.testing.serving import serving
from batua.wallets import NO_RULES, Adjust, AdjustmentReason, Direction, read_wallet
from batua_admin import (
    create_staff,
    disable_staff,
    enable_staff,
    list_staff,
    set_staff_role,
)
from batua_api import BatuaPlugin, create_app
from tests.support.clock import START, FakeClock
from tests.support.databases import opened

pytestmark = [
    # These tests serve plain http on loopback, and Piccolo says what that means in production.
    pytest.mark.filterwarnings("ignore:If running sessions in production"),
    pytest.mark.asyncio(loop_scope="module"),
]

PASSWORD = "a long password"
ROLES = ("viewer", "support", "finance", "owner")
_customers = (f"customer{number}" for number in count(1))


@dataclass
class Panel:
    """One for a module's tests: it takes a second to build, and a password a third to check."""

    base: str
    batua: Batua
    sessions: dict[str, httpx.Cookies] = field(default_factory=dict)

    @asynccontextmanager
    async def signed_in(self, name):
        """A browser that has signed in, with the CSRF token that every write needs."""
        cookies = self.sessions.get(name)
        async with httpx.AsyncClient(
            base_url=f"{self.base}/admin",
            trust_env=False,
            verify=trusted_certificates(),
            cookies=cookies,
            timeout=30,
        ) as http:
            if cookies is None:
                await http.get("/")
            http.headers["X-CSRFToken"] = http.cookies["csrftoken"]
            if cookies is None:
                answer = await http.post(
                    "/public/login/", json={"username": name, "password": PASSWORD}
                )
                assert answer.status_code == 200, answer.text
                self.sessions[name] = http.cookies
            yield http

    async def staff(self, name, role):
        await create_staff(self.batua, username=name, password=PASSWORD, role=role)

    async def posted(self, customer):
        return (await read_wallet(self.batua.database, customer, "INR")).posted


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def panel(shop_url):
    await migrated(shop_url)
    settings = read_settings({}, database_url=shop_url, jwt_secret="x" * 32, staff_mfa="optional")
    app = create_app(BatuaPlugin(settings, {}))
    async with serving(app) as base:
        batua = app.state.batua
        panel = Panel(base, batua)
        for role in ROLES:
            await panel.staff(role, role)
        await batua.engine.submit(
            Adjust(
                id="adj_1",
                customer_id="asha",
                money=Money(5_000_000_000, "INR"),
                direction=Direction.CREDIT,
                reason_code=AdjustmentReason.OPENING_BALANCE,
                note="<img src=x onerror=alert(1)>",
                requested_by="test",
                approval_limit=10**12,
                newcomers=batua.newcomers,
                new_id=batua.new_id,
                rules=NO_RULES,
            )
        )
        yield panel


async def migrated(url):
    async with opened(url) as database:
        await migrate(database)


async def test_a_row_is_shown_as_it_is_and_says_what_it_is_worth(panel):
    async with panel.signed_in("viewer") as http:
        adjustments = (await http.get("/api/tables/batua_adjustment/")).json()["rows"]
        (adjustment,) = (row for row in adjustments if row["id"] == "adj_1")
        assert adjustment["amount"] == "₹5,00,00,000.00"
        adjustment = (await http.get("/api/tables/adjustments/adj_1/")).json()
        assert adjustment["note"] == "<img src=x onerror=alert(1)>"


async def test_nobody_is_shown_a_password(panel):
    async with panel.signed_in("owner") as http:
        for path in ("/api/tables/staff/", "/api/tables/staff/1/", "/api/tables/staff/schema/"):
            answer = await http.get(path)
            assert (answer.status_code, "pbkdf2" in answer.text) == (200, False), path


async def test_a_wrong_password_and_a_missing_csrf_token_are_refused(panel):
    async with httpx.AsyncClient(
        base_url=f"{panel.base}/admin", trust_env=False, verify=trusted_certificates()
    ) as http:
        wrong = {"username": "owner", "password": "not the password"}
        assert (await http.post("/public/login/", json=wrong)).status_code == 403
        await http.get("/")
        http.headers["X-CSRFToken"] = http.cookies["csrftoken"]
        assert (await http.post("/public/login/", json=wrong)).status_code == 401


async def test_staff_who_are_disabled_or_demoted_are_signed_out_at_once(panel):
    await panel.staff("leaver", "finance")
    for change in (
        lambda: disable_staff(panel.batua, "leaver"),
        lambda: set_staff_role(panel.batua, "leaver", Role.VIEWER),
    ):
        async with panel.signed_in("leaver") as http:
            assert (await http.get("/api/tables/batua_account/")).status_code == 200
            await change()
            assert (await http.get("/api/tables/batua_account/")).status_code == 401
            await enable_staff(panel.batua, "leaver")
            assert (await http.get("/api/tables/batua_account/")).status_code == 401
        del panel.sessions["leaver"]
    async with panel.signed_in("leaver") as http:
        (row,) = [r for r in await list_staff(panel.batua) if r["username"] == "leaver"]
        assert (row["role"], f"{row['last_login']:%Y-%m}"[:2]) == ("viewer", "20")
        await set_staff_role(panel.batua, "leaver", Role.VIEWER)  # as before: nothing changes
        assert (await http.get("/api/tables/batua_account/")).status_code == 200
        await set_staff_role(panel.batua, "leaver", Role.SUPPORT)
        assert (await http.get("/api/tables/batua_account/")).status_code == 401


@pytest.mark.parametrize(
    ("role", "status"), [("viewer", 403), ("support", 403), ("finance", 200), ("owner", 200)]
)
async def test_an_adjustment_needs_finance(panel, role, status):
    customer = next(_customers)
    asked = {
        "customer": customer,
        "direction": "credit",
        "amount": "₹100.00",
        "currency": "INR",
        "reason_code": "goodwill",
        "note": "",
    }
    async with panel.signed_in(role) as http:
        answer = await http.post("/api/forms/adjust-a-wallet/", json=asked)
        assert answer.status_code == status, answer.text
        balance = await panel.posted(customer)
        assert balance == (10_000 if status == 200 else 0)
        if status == 200:
            again = await http.post("/api/forms/adjust-a-wallet/", json=asked)
            assert again.status_code == 422
            assert "less than 10 seconds ago" in again.text


@pytest.mark.parametrize(
    "amount", ["0", "-1", "1.555", "1,0", "1e2", "abc", "", True, 1.0, 5, "9" * 18, None]
)
async def test_an_amount_that_can_not_be_meant_is_refused(panel, amount):
    customer = next(_customers)
    asked = {"customer": customer, "direction": "credit", "amount": amount, "currency": "INR"}
    async with panel.signed_in("finance") as http:
        answer = await http.post("/api/forms/adjust-a-wallet/", json=asked)
    assert answer.status_code == 422
    assert await panel.posted(customer) == 0


async def test_over_the_limit_a_second_person_decides(panel):
    customer = next(_customers)
    asked = {"customer": customer, "direction": "credit", "amount": "10,000.01", "currency": "INR"}
    async with panel.signed_in("finance") as http:
        said = (await http.post("/api/forms/adjust-a-wallet/", json=asked)).text
        assert "waits for a second person" in said
        row = await panel.batua.database.fetch_one(
            "select id from batua_adjustment where amount = 1000001"
        )
        decision = {"id": row["id"], "decision": "approve"}
        same = await http.post("/api/forms/decide-on-an-adjustment/", json=decision)
        assert same.status_code == 422
        assert "Somebody else must decide" in same.text
    assert await panel.posted(customer) == 0
    async with panel.signed_in("owner") as http:
        other = await http.post("/api/forms/decide-on-an-adjustment/", json=decision)
        assert other.status_code == 200
        unknown = {"id": "adj_none", "decision": "approve"}
        assert (
            await http.post("/api/forms/decide-on-an-adjustment/", json=unknown)
        ).status_code == 422
    assert await panel.posted(customer) == 1_000_001


async def test_refusals_are_sentences(panel):
    async with panel.signed_in("owner") as http:
        refund = {"order": "A-404", "to": "wallet", "amount": None, "reason": "damaged"}
        answer = await http.post("/api/forms/refund-an-order/", json=refund)
        assert answer.status_code == 422
        assert "There is no order 'A-404'." in answer.json()["custom_form_error"]
        switch = {"gateway": "razorpay", "state": "enabled"}
        answer = await http.post("/api/forms/switch-a-gateway/", json=switch)
        assert answer.status_code == 422
        assert "razorpay is off" in answer.text
        odd = {"customer": "ravi", "direction": "credit", "amount": "1", "reason_code": "because"}
        answer = await http.post("/api/forms/adjust-a-wallet/", json=odd)
        assert answer.status_code == 422
        assert "goodwill" in answer.text


@pytest.mark.parametrize("role", ROLES)
async def test_gateways_are_switched_by_owners_alone(panel, role):
    asked = {"gateway": "razorpay", "state": "enabled"}
    async with panel.signed_in(role) as http:
        answer = await http.post("/api/forms/switch-a-gateway/", json=asked)
    if role == "owner":  # let in, and told that this shop has no such secret
        assert (answer.status_code, "razorpay is off" in answer.text) == (422, True)
    else:
        assert (answer.status_code, "needs the role owner" in answer.text) == (403, True)
    assert await panel.batua.database.fetch("select * from batua_gateway") == []


async def test_an_unknown_name_costs_as_much_as_a_wrong_password(panel, monkeypatch):
    hashed = []
    real = hashlib.pbkdf2_hmac

    def counting(name, password, salt, iterations):
        hashed.append((name, iterations))
        return real(name, password, salt, iterations)

    monkeypatch.setattr(hashlib, "pbkdf2_hmac", counting)
    told, work = set(), []
    await panel.staff("shut-out", "viewer")
    await disable_staff(panel.batua, "shut-out")
    async with httpx.AsyncClient(
        base_url=f"{panel.base}/admin", trust_env=False, verify=trusted_certificates()
    ) as http:
        await http.get("/")
        http.headers["X-CSRFToken"] = http.cookies["csrftoken"]
        for name in ("owner", "shut-out", "nobody"):
            hashed.clear()
            wrong = {"username": name, "password": "not the password"}
            answer = await http.post("/public/login/", json=wrong)
            told.add((answer.status_code, answer.text))
            work.append(list(hashed))
    assert len(told) == 1, told
    assert [len(each) for each in work] == [1, 1, 1]
    assert work[0] == work[1] == work[2]


TRICKS = (
    "' or '1'='1", "'; drop table batua_entry; --", "1 union select password from batua_staff",
    "\\' or 1=1 --", "{}", "%s", "$1", "id; select 1", "-id,(select 1)", "__class__", "a.b.c",
    "customer_id->id", "\x00", "*",
)  # fmt: skip
PLACES = {
    "__order": TRICKS, "__visible_fields": TRICKS, "key": TRICKS,
    **dict.fromkeys(("__page", "__page_size", "__cursor", "__readable", "__range_header_name",
                     "owner__match", "posted", "posted__operator", "x"), TRICKS[:2]),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:(?s).*ILIKE")  # Piccolo uses LIKE there
async def test_no_filter_and_no_order_of_the_panel_becomes_sql(panel):
    path = "/api/tables/batua_account/"
    database = panel.batua.database
    before = await database.fetch("select key, posted from batua_account order by key")
    statuses = Counter()
    async with panel.signed_in("viewer") as http:
        for place, tricks in PLACES.items():
            for trick in tricks:
                answer = await http.get(path, params={place: trick})
                statuses[answer.status_code] += 1
                assert answer.status_code in {200, 400, 404, 422}, (place, trick, answer.text)
                if answer.status_code == 200:
                    keys = {row.get("key", "") for row in answer.json()["rows"]}
                    assert keys <= {"", *(row["key"] for row in before)}, (place, trick)
                for secret in ("pbkdf2", "syntax error", "near "):
                    assert secret not in answer.text, (place, trick)
        for trick in TRICKS[:4]:
            for place in ("key", "owner"):
                found = await http.get(path, params={place: trick, f"{place}__match": "exact"})
                assert found.json()["rows"] == [], (place, trick)
    assert statuses[200], statuses
    assert await database.fetch("select key, posted from batua_account order by key") == before


async def test_every_answer_below_the_panel_forbids_frames_and_foreign_scripts(panel):
    async with httpx.AsyncClient(
        base_url=panel.base, trust_env=False, verify=trusted_certificates()
    ) as http:
        moved = await http.get("/admin")
        assert (moved.status_code, moved.headers["location"]) == (307, "/admin/")
        for path in ("/admin/", "/admin/public/meta/", "/admin/api/tables/batua_account/"):
            headers = (await http.get(path)).headers
            assert headers["x-frame-options"] == "DENY"
            assert "script-src 'self'" in headers["content-security-policy"]
        assert "://" not in (await http.get("/admin/")).text


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"role": "king"}, "'king' is not a valid Role"),
        ({"password": "short"}, "at least 10 characters"),
        ({"username": "owner"}, "already"),
        ({"username": ""}, "1 to 100 printable"),
    ],
)
async def test_a_staff_account_that_can_not_be_made_says_why(panel, change, sentence):
    wanted = {"username": "new", "password": PASSWORD, "role": "viewer"} | change
    with pytest.raises(ValueError, match=sentence):
        await create_staff(panel.batua, **wanted)


JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def test_a_login_is_counted_under_the_name_that_is_tried(panel, monkeypatch):
    monkeypatch.setattr(panel.batua.rate_limits, "_now", FakeClock(START + timedelta(days=1)).now)
    async with httpx.AsyncClient(
        base_url=f"{panel.base}/admin", trust_env=False, verify=trusted_certificates()
    ) as http:
        await http.get("/")
        token = http.cookies["csrftoken"]

        async def log_in(content, *headers):
            headers = [pair for each in headers for pair in each.items()]
            return await http.post("/public/login/", content=content, headers=headers)

        # JSON that names one, and to whoever reads it as a form, with its token, another.
        both = '{"username": "nobody", "a": "&csrftoken=%s&username=owner&password=%s&"}'
        both %= token, PASSWORD.replace(" ", "+")
        for kinds in ([FORM], [FORM, JSON], [JSON, FORM], [{}], [{"Content-Type": "text/json"}]):
            assert (await log_in(both, *kinds)).status_code in {403, 415}, kinds
        assert (await log_in(both, JSON)).status_code == 403  # the token is in a header, or nowhere

        # Of two names in one object both readers take the last, however it is written.
        sent = {"X-CSRFToken": token}
        with_charset = {"Content-Type": "application/json; charset=utf-8"}
        twice = '{"username": "%s", "user\\u006eame": "%s", "password": "%s"}'
        tried = await log_in(twice % ("nobody", "owner", PASSWORD), sent, with_charset)
        assert tried.status_code == 200
        tried = await log_in(twice % ("owner", "nobody", PASSWORD), sent, JSON)
        assert tried.status_code == 401
        tried = [await log_in(twice % ("nobody", "owner", ""), sent, JSON) for _ in range(10)]
        assert [answer.status_code for answer in tried] == [422] * 9 + [429]


async def test_the_panel_takes_small_shallow_bodies_and_so_many_logins(panel, monkeypatch):
    # A day of its own: what other tests have counted is not in it, and no window ends in it.
    monkeypatch.setattr(panel.batua.rate_limits, "_now", FakeClock().now)
    async with httpx.AsyncClient(
        base_url=f"{panel.base}/admin", trust_env=False, verify=trusted_certificates()
    ) as http:
        await http.get("/")
        http.headers["X-CSRFToken"] = http.cookies["csrftoken"]
        login = "/public/login/"
        deep = b'{"username": ' + b"[" * 10_000 + b"]" * 10_000 + b"}"
        for sent, status in (
            ({"content": deep, "headers": JSON}, 400),
            ({"content": b"not json", "headers": JSON}, 400),
            ({"content": b'{"username": "owner", "x": "\xff"}', "headers": JSON}, 400),
            ({"content": '{"username": "owner"}'.encode("utf-16"), "headers": JSON}, 400),
            ({"json": {"username": ["owner"], "password": "x"}}, 400),
            ({"data": {"username": "owner", "password": PASSWORD}}, 415),
            ({"content": b"x" * 1_000_001}, 413),
            ({"files": {"username": ("a", b"owner")}}, 415),
        ):
            answer = await http.post(login, **sent)
            assert (answer.status_code, list(answer.json())) == (status, ["detail"]), sent.keys()

        wrong = {"username": "owner", "password": ""}  # refused (422) where a password is checked
        tried = [await http.post(login, json=wrong) for _ in range(12)]
        assert [answer.status_code for answer in tried] == [422] * 10 + [429] * 2
        assert 1 <= int(tried[-1].headers["retry-after"]) <= 300
        assert "More than 10 logins in 5 minutes" in tried[-1].json()["detail"]
        # Twenty from one address: by then under whatever name.
        names = [{"username": f"nobody{number}", "password": ""} for number in range(11)]
        tried = [await http.post(login, json=name) for name in names]
        assert [answer.status_code for answer in tried] == [422] * 10 + [429]
