"""The panel's doors: who gets a session, what it is worth, and how it ends."""

import hashlib
import json
import re

import pytest
import pytest_asyncio

from batua.audit import Actor
from batua.errors import Conflict, Forbidden
from batua.failpoints import Action, Failpoint, arm
from batua.identity import Role
from batua_admin import (
    disable_staff,
    enable_staff,
    reseal_second_factors,
    reset_password,
    reset_second_factor,
    set_staff_role,
)
from tests.support.staff import PASSWORD, open_office, shown

pytestmark = pytest.mark.asyncio(loop_scope="module")

DAY_S = 86_400
STAFF = "/api/tables/batua_staff/"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(shop_url):
    async with open_office(shop_url, login_limit_name=100, login_limit_address=1000) as office:
        await office.add("olga", "owner")
        yield office


async def rows(office, table):
    return [dict(row) for row in await office.batua.database.fetch(f"select * from {table}")]


async def test_a_session_is_in_the_browser_and_its_hash_in_the_database(office):
    async with office.signed_in("olga") as http:
        (cookie,) = [each for each in http.cookies.jar if each.name == "batua_session"]
        assert (cookie.path, cookie.has_nonstandard_attr("HttpOnly")) == ("/admin/", True)
        (session,) = await rows(office, "batua_session")
        assert session["token_sha256"] == hashlib.sha256(cookie.value.encode()).hexdigest()
        assert cookie.value not in str(session)
        assert (session["address"], bool(session["has_second_factor"])) == ("127.0.0.1", False)
        assert (await http.get("/api/user/")).json()["username"] == "olga"
        for used_for_s in (50 * 60, 50 * 60):  # it lives on while it is used
            office.clock.advance(used_for_s)
            assert (await http.get("/api/user/")).status_code == 200
        office.clock.advance(61 * 60)
        assert (await http.get("/api/user/")).status_code == 401
    async with office.signed_in("olga") as http:
        for _ in range(15):  # and twelve hours at most
            office.clock.advance(50 * 60)
            last = (await http.get("/api/user/")).status_code
        assert last == 401
    async with office.signed_in("olga") as http:
        before = dict(http.cookies)
        assert (await http.post("/public/logout/")).status_code == 200
        assert "batua_session" not in http.cookies
        http.cookies.set("batua_session", before["batua_session"], path="/admin/")
        assert (await http.get("/api/user/")).status_code == 401
    assert await rows(office, "batua_session") == []


async def test_a_second_factor_from_its_first_code_to_its_last(office):
    await office.add("fay", "finance")
    async with office.signed_in("fay") as http:
        refused = await http.post("/api/forms/adjust-a-wallet/", json=ADJUSTMENT)
        assert refused.status_code == 403
        assert "yours is viewer. You came in without a second factor" in refused.text
        assert "You came in without" in (await http.get("/pages/security/")).text
        await wrong_is_refused(office, http)
        recovery = await office.enrol(http, "fay")
        assert len(set(recovery)) == 10
        assert (await http.get("/api/user/")).status_code == 401, "signed out everywhere"
    stored = str([await rows(office, t) for t in ("batua_second_factor", "batua_recovery_code")])
    assert office.keys["fay"].secret not in stored
    assert not any(code in stored or code.replace("-", "") in stored for code in recovery)

    used = office.keys["fay"].at(int(office.clock.unix()))
    async with office.browser() as http:
        asked = await office.sign_in(http, "fay")
        assert (asked.status_code, asked.json()) == (401, {"detail": "MFA code required"})
        for code in (used, "", "000", "12345a", "\uff11" * 6, office.keys["fay"].at(0)):
            assert (await office.sign_in(http, "fay", mfa_code=code)).status_code == 401, code
        code = office.code("fay")
        assert (await office.sign_in(http, "fay", mfa_code=code)).status_code == 200
        assert (await office.sign_in(http, "fay", mfa_code=code)).status_code == 401, "once"
        done = await http.post("/api/forms/adjust-a-wallet/", json=ADJUSTMENT)
        assert done.status_code == 200, done.text
        assert (await office.sign_in(http, "fay", mfa_code=recovery[0].upper())).status_code == 200
        assert (await office.sign_in(http, "fay", mfa_code=recovery[0])).status_code == 401
        assert len(await rows(office, "batua_recovery_code")) == 9

        office.clock.advance(DAY_S)
        assert (await office.sign_in(http, "fay", mfa_code=recovery[1])).status_code == 200
        assert (await office.act(http, "drop", code="123456")).status_code == 422
        answer = await office.act(http, "drop", code=office.code("fay"), password="no")
        assert (answer.status_code, "password is not right" in answer.text) == (422, True)
        assert len(await rows(office, "batua_second_factor")) == 1
        assert (await office.act(http, "drop", code=office.code("fay"))).status_code == 200
        assert (await http.get("/api/user/")).status_code == 401
    assert await rows(office, "batua_second_factor") == []
    assert await rows(office, "batua_recovery_code") == []


ADJUSTMENT = {
    "customer": "asha", "direction": "credit", "amount": "10000", "currency": "INR",
    "reason_code": "goodwill", "note": "",
}  # fmt: skip


async def wrong_is_refused(office, http):
    """Neither a wrong password nor a wrong code nor another's offer sets anything up."""
    offered = await office.act(http, "offer")
    sealed = shown(offered, r'name="sealed" value="([^"]+)"')
    for wrong, sentence in (
        ({"sealed": sealed, "password": "no", "code": "123456"}, "That password is not right"),
        ({"sealed": sealed, "code": "123456"}, "That code is not right"),
        ({"sealed": "x", "code": "123456"}, "Begin again"),
    ):
        answer = await office.act(http, "enrol", **wrong)
        assert (answer.status_code, sentence in answer.text) == (422, True), answer.text
    assert (await office.act(http, "something else")).status_code == 400
    assert await rows(office, "batua_second_factor") == []


async def test_codes_are_guessed_twenty_times_a_day_by_whoever_knows_the_password(office):
    await office.add("gus", "support")
    async with office.signed_in("gus") as http:
        await office.enrol(http, "gus")  # with one of the day's twenty
    (sealed,) = await rows(office, "batua_second_factor")
    assert await reseal_second_factors(office.batua) == 1
    (again,) = await rows(office, "batua_second_factor")
    assert again["secret"] != sealed["secret"]
    tried = []
    async with office.browser() as http:
        for _ in range(22):
            tried.append((await office.sign_in(http, "gus", mfa_code="12345x")).status_code)
            office.clock.advance(300)  # as slowly as passwords may be tried
        assert tried == [401] * 19 + [429] * 3
        late = await office.sign_in(http, "gus", mfa_code=office.code("gus"))
        assert late.status_code == 429
        assert int(late.headers["retry-after"]) > 3600
        assert "More than 20 codes in 24 hours" in late.json()["detail"]
        office.clock.advance(DAY_S)
        right = await office.sign_in(http, "gus", mfa_code=office.code("gus"))
        assert right.status_code == 200


async def test_who_may_not_come_in_gets_no_session(office):
    await office.add("ina", "support")
    async with office.batua.database.transaction() as transaction:
        await transaction.execute("update batua_staff set admin = $1 where username = 'ina'", False)
    await office.add("ivo", "support")
    await disable_staff(office.batua, "ivo")
    told, before = set(), await rows(office, "batua_session")
    async with office.browser() as http:
        for name, password in (
            ("ina", PASSWORD), ("ivo", PASSWORD), ("ivo", "wrong"), ("nobody", PASSWORD),
            ("no\0body", PASSWORD), ("olga", "wrong"), ("olga", f"{PASSWORD}{'x' * 200}"),
        ):  # fmt: skip
            answer = await office.sign_in(http, name, password=password)
            told.add((answer.status_code, answer.text))
        assert "batua_session" not in http.cookies
    assert told == {(401, '{"detail":"Login failed"}')}
    assert await rows(office, "batua_session") == before


async def test_each_change_of_an_account_is_in_the_log_with_what_was_and_is(office):
    await office.add("lea", "viewer")
    olga = Actor(name="staff:olga", role=Role.OWNER, address="192.0.2.7")
    for change in (
        set_staff_role(office.batua, "lea", Role.SUPPORT, actor=olga),
        set_staff_role(office.batua, "lea", Role.SUPPORT, actor=olga),  # nothing changes
        disable_staff(office.batua, "lea", actor=olga),
        enable_staff(office.batua, "lea", actor=olga),
        reset_password(office.batua, "lea", PASSWORD, actor=olga),
    ):
        await change
    async with office.signed_in("lea") as http:
        await http.post("/public/logout/")
    log = [row for row in await rows(office, "batua_audit") if row["subject"] == "staff:lea"]
    assert [(row["actor"], row["act"], row["address"]) for row in log] == [
        ("command line", "create_staff", ""),
        ("staff:olga", "set_staff_role", "192.0.2.7"),
        ("staff:olga", "disable_staff", "192.0.2.7"),
        ("staff:olga", "enable_staff", "192.0.2.7"),
        ("staff:olga", "reset_staff_password", "192.0.2.7"),
        ("staff:lea", "sign_in", "127.0.0.1"),
        ("staff:lea", "sign_out", "127.0.0.1"),
    ]
    assert [json.loads(log[1][when]) for when in ("before", "after")] == [
        {"staff:lea": {"role": "viewer"}}, {"staff:lea": {"role": "support"}},
    ]  # fmt: skip
    entered = await rows(office, "batua_audit")
    fay = Actor(name="staff:fay", role=Role.FINANCE)
    for change, refused in (
        (disable_staff(office.batua, "lea", actor=fay), Forbidden),
        (enable_staff(office.batua, "lea", actor=fay), Forbidden),
        (set_staff_role(office.batua, "fay", Role.OWNER, actor=fay), Forbidden),
        (reset_password(office.batua, "lea", PASSWORD, actor=fay), Forbidden),
        (reset_second_factor(office.batua, "lea", actor=fay), Forbidden),
        (office.add("mel", "owner", actor=fay), Forbidden),
        (disable_staff(office.batua, "olga", actor=olga), Conflict),
        (set_staff_role(office.batua, "olga", Role.VIEWER, actor=olga), Conflict),
        (reset_password(office.batua, "olga", PASSWORD, actor=olga), Conflict),
        (reset_second_factor(office.batua, "olga", actor=olga), Conflict),
    ):
        with pytest.raises(refused):
            await change
    assert await rows(office, "batua_audit") == entered


async def test_wherever_it_breaks_off_no_account_is_changed_without_an_entry(office):
    await office.add("kim", "viewer")
    batua, broken = office.batua, 0
    for at in range(1, 200):
        before = await state_of(batua, "kim")
        wanted = Role.SUPPORT if before["role"] == "viewer" else Role.VIEWER
        with arm(Failpoint(Action.RAISE, at)) as failpoint:
            try:
                await set_staff_role(batua, "kim", wanted)
            except Exception:
                broken += 1
        after = await state_of(batua, "kim")
        assert after["role"] == before["role"] or after["entries"] > before["entries"], at
        if len(failpoint.passed) < at:
            break
    assert (broken > 5, after["role"]) == (True, str(wanted))


async def state_of(batua, name):
    return await batua.database.fetch_one(
        "select role, (select count(*) from batua_audit where subject = $2) as entries"
        " from batua_staff where username = $1",
        name, f"staff:{name}",
    )  # fmt: skip


async def test_what_changes_an_account_ends_its_sessions(office):
    await office.add("sam", "support")
    for change in (
        lambda: set_staff_role(office.batua, "sam", Role.FINANCE),
        lambda: reset_password(office.batua, "sam", PASSWORD),
        lambda: reset_second_factor(office.batua, "sam"),
        lambda: disable_staff(office.batua, "sam"),
    ):
        async with office.signed_in("sam") as http:
            assert (await http.get("/api/user/")).status_code == 200
            await change()
            assert (await http.get("/api/user/")).status_code == 401
            await enable_staff(office.batua, "sam")
            assert (await http.get("/api/user/")).status_code == 401
        office.clock.advance(300)


async def test_a_one_time_password_opens_nothing_but_the_way_to_another(office):
    await office.add("una", "support", is_one_time=True)
    new = {"current_password": PASSWORD, "new_password": "chosen by una"}
    async with office.signed_in("una") as http:
        for path in ("/api/tables/batua_order/", "/api/forms/refund-an-order/"):
            assert "choose your own first" in (await http.get(path)).json()["detail"], path
        assert (await http.get("/pages/security/")).status_code == 403
        for wrong, sentence in (
            ({"confirm_new_password": "another"}, "do not match"),
            ({"new_password": "short", "confirm_new_password": "short"}, "at least 10"),
            ({"new_password": PASSWORD, "confirm_new_password": PASSWORD}, "another one"),
            ({"current_password": "wrong"}, "Incorrect password"),
        ):
            answer = await http.post("/api/change-password/", json=new | wrong)
            assert (answer.status_code, sentence in answer.text) == (422, True), answer.text
        chosen = new | {"confirm_new_password": new["new_password"]}
        assert (await http.post("/api/change-password/", json=chosen)).status_code == 200
        assert (await http.get("/api/user/")).status_code == 401
        again = await office.sign_in(http, "una", password=new["new_password"])
        assert again.status_code == 200
        assert (await http.get("/api/tables/batua_order/")).status_code == 200


async def test_every_answer_has_our_headers_and_none_a_foreign_address(office):
    async with office.signed_in("olga") as http:
        for path, status in (
            ("/", 200), ("/api/user/", 200), ("/api/nothing/", 404), ("/nothing/", 404),
            ("/api/tables/batua_order/?__order=no", 400), ("/public/login/", 405),
            ("/api/docs/", 404), ("/public/docs/", 404), ("/docs/", 404), ("/openapi.json", 404),
            ("/api/openapi.json", 404), ("/api/mfa-setup/", 303), ("/pages/security/", 200),
            ("/public/meta/?x=%00", 400), (STAFF, 403),
        ):  # fmt: skip
            answer = await http.get(path)
            assert answer.status_code == status, path
            policy = answer.headers.get_list("content-security-policy")
            assert [each.split(";")[0] for each in policy] == ["default-src 'none'"], path
            # Piccolo's page alone makes styles in the browser.
            assert ("unsafe-inline" in policy[0]) == (not path.startswith("/pages/")), path
            assert path == "/" or " style=" not in answer.text, path
            assert answer.headers["x-frame-options"] == "DENY"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "same-origin"
            assert answer.headers["cache-control"] == "no-store"
            assert not re.search(r"(src|href)=.?(https?:)?//", answer.text), path
        page = (await http.get("/")).text
        asset = await http.get(shown_asset(page))
        assert (asset.status_code, "no-store" in str(asset.headers)) == (200, False)
        assert "content-security-policy" in asset.headers


def shown_asset(page):
    return re.search(r'src="\.(/assets/[^"]+)"', page)[1]


async def test_a_panel_that_fails_says_so_with_our_headers(office, monkeypatch):
    def broken():
        raise RuntimeError("the clock has stopped")

    async with office.signed_in("olga") as http:
        monkeypatch.setattr(office.batua.database, "fetch_one", lambda *_: broken())
        answer = await http.get("/api/user/")
        assert (answer.status_code, "clock" in answer.text) == (500, False)
        assert answer.headers["x-frame-options"] == "DENY"
