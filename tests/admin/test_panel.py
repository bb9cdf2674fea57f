"""The staff panel over real HTTP: what it shows, what it refuses, and to whom."""

from contextlib import asynccontextmanager

import httpx
import pytest

from batua.bootstrap import TABLES
from batua.contract import Money
from batua.settings import read_settings
from batua.testing.serving import serving
from batua.wallets import Adjust, AdjustmentReason, Direction, read_wallet
from batua_admin import create_staff
from batua_admin.tables import Staff
from batua_api import BatuaPlugin, create_app

# These tests serve plain http on loopback, and Piccolo says what that means in production.
pytestmark = pytest.mark.filterwarnings("ignore:If running sessions in production")

PASSWORD = "a long password"
ROLES = ("viewer", "support", "finance", "owner")


@asynccontextmanager
async def signed_in(base, role):
    """A browser that has signed in, with the CSRF token that every write needs."""
    async with httpx.AsyncClient(base_url=f"{base}/admin", trust_env=False) as http:
        await http.get("/")
        http.headers["X-CSRFToken"] = http.cookies["csrftoken"]
        answer = await http.post("/public/login/", json={"username": role, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        yield http


@pytest.fixture
async def panel(database_url):
    settings = read_settings({}, database_url=database_url, jwt_secret="x" * 32)
    app = create_app(BatuaPlugin(settings, {}))
    async with serving(app) as base:
        for role in ROLES:
            await create_staff(app.state.batua, username=role, password=PASSWORD, role=role)
        batua = app.state.batua
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
            )
        )
        yield base, batua


@pytest.mark.parametrize("role", ROLES)
async def test_no_table_of_ours_takes_a_write_from_anybody(panel, role):
    base, batua = panel
    before = [dict(row) for row in await batua.database.fetch("select * from batua_account")]
    async with signed_in(base, role) as http:
        for table in TABLES:
            path = f"/api/tables/{table._meta.tablename}/"
            for method, target in (
                ("POST", path),
                ("PUT", f"{path}1/"),
                ("PATCH", f"{path}1/"),
                ("DELETE", f"{path}1/"),
                ("DELETE", path),
            ):
                answer = await http.request(method, target, json={"posted": 1})
                assert answer.status_code in {403, 404, 405}, (method, target, answer.text)
    after = [dict(row) for row in await batua.database.fetch("select * from batua_account")]
    assert after == before


async def test_every_table_is_shown_to_staff_and_to_nobody_else(panel):
    base, _ = panel
    async with signed_in(base, "viewer") as http:
        for table in TABLES:
            path = f"/api/tables/{table._meta.tablename}/"
            for part in ("", "schema/", "count/"):
                assert (await http.get(path + part)).status_code == 200, path + part
        adjustments = (await http.get("/api/tables/batua_adjustment/")).json()["rows"]
        assert adjustments[0]["amount"] == 5_000_000_000
        assert adjustments[0]["note"] == "<img src=x onerror=alert(1)>"
    async with httpx.AsyncClient(base_url=f"{base}/admin", trust_env=False) as stranger:
        for table in TABLES:
            answer = await stranger.get(f"/api/tables/{table._meta.tablename}/")
            assert answer.status_code == 401


async def test_staff_are_shown_to_owners_alone_and_passwords_to_nobody(panel):
    base, _ = panel
    for role in ROLES:
        async with signed_in(base, role) as http:
            answer = await http.get("/api/tables/batua_staff/")
            assert answer.status_code == (200 if role == "owner" else 403)
            assert "pbkdf2" not in answer.text


async def test_a_wrong_password_and_a_missing_csrf_token_are_refused(panel):
    base, _ = panel
    async with httpx.AsyncClient(base_url=f"{base}/admin", trust_env=False) as http:
        wrong = {"username": "owner", "password": "not the password"}
        assert (await http.post("/public/login/", json=wrong)).status_code == 403
        await http.get("/")
        http.headers["X-CSRFToken"] = http.cookies["csrftoken"]
        assert (await http.post("/public/login/", json=wrong)).status_code == 401


async def test_staff_who_were_made_inactive_see_nothing(panel):
    base, _ = panel
    await Staff.update({Staff.active: False}).where(Staff.username == "finance")
    async with signed_in(base, "finance") as http:
        assert (await http.get("/api/tables/batua_account/")).status_code == 401


@pytest.mark.parametrize(
    ("role", "status"), [("viewer", 403), ("support", 403), ("finance", 200), ("owner", 200)]
)
async def test_an_adjustment_needs_finance(panel, role, status):
    base, batua = panel
    asked = {
        "customer": "ravi",
        "direction": "credit",
        "amount": "10000",
        "currency": "INR",
        "reason_code": "goodwill",
        "note": "",
    }
    async with signed_in(base, role) as http:
        answer = await http.post("/api/forms/adjust-a-wallet/", json=asked)
        assert answer.status_code == status, answer.text
        balance = (await read_wallet(batua.database, "ravi", "INR")).posted
        assert balance == (10_000 if status == 200 else 0)
        if status == 200:
            again = await http.post("/api/forms/adjust-a-wallet/", json=asked)
            assert again.status_code == 422
            assert "less than 10 seconds ago" in again.text


@pytest.mark.parametrize("amount", ["0", "-1", "1.5", "abc", "", True, 1.0, 2**63, None])
async def test_an_amount_that_can_not_be_meant_is_refused(panel, amount):
    base, batua = panel
    asked = {"customer": "ravi", "direction": "credit", "amount": amount, "currency": "INR"}
    async with signed_in(base, "finance") as http:
        answer = await http.post("/api/forms/adjust-a-wallet/", json=asked)
    assert answer.status_code == 422
    assert (await read_wallet(batua.database, "ravi", "INR")).posted == 0


async def test_over_the_limit_a_second_person_decides(panel):
    base, batua = panel
    asked = {"customer": "ravi", "direction": "credit", "amount": "1000001", "currency": "INR"}
    async with signed_in(base, "finance") as http:
        said = (await http.post("/api/forms/adjust-a-wallet/", json=asked)).text
        assert "waits for a second person" in said
        row = await batua.database.fetch_one(
            "select id from batua_adjustment where amount = 1000001"
        )
        decision = {"id": row["id"], "decision": "approve"}
        same = await http.post("/api/forms/decide-on-an-adjustment/", json=decision)
        assert same.status_code == 422
        assert "Somebody else must decide" in same.text
    assert (await read_wallet(batua.database, "ravi", "INR")).posted == 0
    async with signed_in(base, "owner") as http:
        other = await http.post("/api/forms/decide-on-an-adjustment/", json=decision)
        assert other.status_code == 200
        unknown = {"id": "adj_none", "decision": "approve"}
        assert (
            await http.post("/api/forms/decide-on-an-adjustment/", json=unknown)
        ).status_code == 422
    assert (await read_wallet(batua.database, "ravi", "INR")).posted == 1_000_001


async def test_refusals_are_sentences(panel):
    base, _ = panel
    async with signed_in(base, "owner") as http:
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
        assert "is not a reason code" in answer.text


async def test_every_answer_below_the_panel_forbids_frames_and_foreign_scripts(panel):
    base, _ = panel
    async with httpx.AsyncClient(base_url=base, trust_env=False) as http:
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
        ({"role": "king"}, "'king' is not a valid StaffRole"),
        ({"password": "short"}, "at least 10 characters"),
        ({"username": "owner"}, "already"),
        ({"username": ""}, "1 to 100 printable"),
    ],
)
async def test_a_staff_account_that_can_not_be_made_says_why(panel, change, sentence):
    _, batua = panel
    wanted = {"username": "new", "password": PASSWORD, "role": "viewer"} | change
    with pytest.raises(ValueError, match=sentence):
        await create_staff(batua, **wanted)
