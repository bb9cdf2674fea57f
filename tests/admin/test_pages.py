"""Pages of ours beside the generated panel: what they show, to whom, and what their forms do."""

import asyncio
import json
import re
from contextlib import asynccontextmanager
from itertools import count
from weakref import WeakKeyDictionary

import httpx
import jwt
import pytest
import pytest_asyncio

from batua.audit import Act, Actor, Note
from batua.contract import Money
from batua.identity import Role
from batua.orders import NewOrder
from batua.staff import ROLES, Word
from batua.wallets import NO_RULES, Adjust, AdjustmentReason, Direction, read_wallet
from tests.support.shop import claim
from tests.support.staff import open_office

pytestmark = [
    # These tests serve plain http on loopback, and Piccolo says what that means in production.
    pytest.mark.filterwarnings("ignore:If running sessions in production"),
    pytest.mark.asyncio(loop_scope="module"),
]

ROLE_NAMES = [str(role) for role in Role]
HOSTILE = (
    "<script>alert(1)</script><svg onload=alert(2)>", "=cmd|' /C calc'!A0", "\u202eevil\u202c",
    "x" * 10_000, "</title></textarea><img src=x onerror=alert(3)>",
)  # fmt: skip
_numbers = count(1)
_sessions = WeakKeyDictionary()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(shop_url):
    async with open_office(
        shop_url,
        staff_mfa="optional",
        approval_limit=1_000_000,
        login_limit_address=1_000,
        login_limit_name=1_000,
    ) as opened_one:
        for role in ROLE_NAMES:
            await opened_one.add(role, role)
        yield opened_one


@asynccontextmanager
async def signed_in(office, name):
    """A browser of somebody's: a password takes a third of a second to check, so once each."""
    known = _sessions.setdefault(office.batua.database, {})
    async with office.browser() as http:
        if name not in known:
            answer = await office.sign_in(http, name)
            assert answer.status_code == 200, answer.text
            known[name] = http.cookies
        http.cookies = known[name]
        http.headers["X-CSRFToken"] = http.cookies["csrftoken"]
        yield http


async def give(batua, customer, amount):
    await batua.engine.submit(
        Adjust(
            id=batua.new_id("adj"), customer_id=customer, money=Money(amount, "INR"),
            direction=Direction.CREDIT, reason_code=AdjustmentReason.OPENING_BALANCE, note="",
            requested_by="test", approval_limit=10**12, newcomers=batua.newcomers,
            new_id=batua.new_id, rules=NO_RULES,
        )
    )  # fmt: skip


async def paid_order(batua, amount, customer=None, **words):
    number = next(_numbers)
    customer = customer or f"customer{number}"
    await give(batua, customer, amount)
    new = NewOrder(
        id=batua.new_id("ord"), reference=words.get("reference", f"R-{number}"),
        customer_id=customer, money=Money(amount, "INR"),
        description=words.get("description", ""), items="[]", created_by=f"customer:{customer}",
    )  # fmt: skip
    await batua.orders.create(new, claim(), pay=True)
    return await batua.orders.read(new.id)


async def posted(batua, customer):
    return (await read_wallet(batua.database, customer, "INR")).posted


async def opened_form(http, slug, **filled):
    """The fields of a form's page, hidden ones too."""
    page = await http.get(f"/pages/do/{slug}/", params=filled)
    assert page.status_code == 200, page.text
    fields = dict(re.findall(r'name="(\w+)"[^>]* value="([^"]*)"', page.text))
    return fields | {"csrftoken": http.headers["X-CSRFToken"]}


async def file(http, slug, fields):
    return await http.post(f"/pages/do/{slug}/", data=fields)


async def by_api(office, order_id, amount):
    """A refund by a staff token, as a back office of the shop's own asks for it."""
    claims = {"sub": "meera", "iss": "batua", "aud": "batua", "scope": "staff", "role": "finance",
              "exp": int(office.clock.unix()) + 600}  # fmt: skip
    token = jwt.encode(claims, "x" * 32, algorithm="HS256")
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": order_id}
    async with httpx.AsyncClient(base_url=office.base, trust_env=False, headers=headers) as api:
        wanted = {"amount": amount, "to": "wallet", "reason": "damaged"}
        return await api.post(f"/api/v1/orders/{order_id}/refunds", json=wanted)


async def acts(batua, subject):
    return await batua.database.fetch(
        "select * from batua_audit where subject = $1 order by seq", subject
    )


# --- who may -------------------------------------------------------------------------------------


async def test_the_service_refuses_whoever_comes_past_the_page(office):
    batua = office.batua
    order = await paid_order(batua, 1_000)
    viewer = Actor(name="staff:vera", role=Role.VIEWER)
    with pytest.raises(Exception, match="needs the role support"):
        await batua.desk.orders.refund(viewer, "ref_x", order["id"], None, "wallet", "no")
    assert set(ROLES) == set(Word)


# --- refunds -------------------------------------------------------------------------------------


async def test_a_form_that_is_sent_twice_refunds_once(office):
    order = await paid_order(office.batua, 30_000)
    async with signed_in(office, "support") as http:
        back = f"orders/{order['id']}/"
        fields = await opened_form(http, "refund-an-order", order=order["reference"], back=back)
        fields |= {"amount": "100", "reason": "damaged"}
        answers = await asyncio.gather(*(file(http, "refund-an-order", fields) for _ in range(3)))
        assert {answer.status_code for answer in answers} == {303}
        assert {answer.headers["location"] for answer in answers} == {f"/admin/pages/{back}"}
        page = await http.get(f"/pages/{back}")
        assert "₹100.00 of order" in page.text
        assert "was refunded" not in (await http.get(f"/pages/{back}")).text  # said once
    assert await posted(office.batua, order["customer_id"]) == 10_000
    (act,) = await acts(office.batua, f"order:{order['id']}")
    assert (act["actor"], act["role"], act["act"]) == ("staff:support", "support", "refund_order")
    assert (act["reason"], act["address"]) == ("damaged", "127.0.0.1")
    assert json.loads(act["after"])[f"batua_order {order['id']}"]["refunded"] == 10_000


async def test_two_of_staff_and_the_api_at_once_never_refund_more_than_was_paid(office):
    batua = office.batua
    order = await paid_order(batua, 10_000)
    async with signed_in(office, "support") as one, signed_in(office, "finance") as other:
        forms = [
            await opened_form(http, "refund-an-order", order=order["reference"])
            for http in (one, other)
        ]
        filled = [form | {"amount": "60", "reason": "damaged"} for form in forms]
        generated = {"order": order["reference"], "amount": "60", "reason": "damaged"}
        answers = await asyncio.gather(
            file(one, "refund-an-order", filled[0]),
            file(other, "refund-an-order", filled[1]),
            one.post("/api/forms/refund-an-order/", json=generated),
            by_api(office, order["id"], 6_000),
        )
    statuses = [answer.status_code for answer in answers]
    refused = [status for status in statuses if status >= 400]
    assert len(refused) == 3, statuses
    assert set(refused) <= {422, 409}
    assert await posted(batua, order["customer_id"]) == 6_000
    assert (await batua.orders.read(order["id"]))["refunded"] == 6_000


async def test_a_large_refund_waits_for_somebody_else(office):
    batua = office.batua
    order = await paid_order(batua, 2_000_000)
    async with signed_in(office, "finance") as http:
        fields = await opened_form(http, "refund-an-order", order=order["reference"])
        asked = await file(http, "refund-an-order", fields | {"reason": "whole house"})
        assert asked.status_code == 303
        (refund,) = await batua.database.fetch(
            "select * from batua_refund where order_id = $1", order["id"]
        )
        assert refund["status"] == "awaiting_approval"
        listed = await http.get("/pages/approvals/")
        assert "yours: somebody else decides" in listed.text
        own = await opened_form(http, "decide-on-a-refund", id=refund["id"])
        refused = await file(http, "decide-on-a-refund", own | {"decision": "approve"})
        assert refused.status_code == 422
        assert "Somebody else must decide" in refused.text
    assert await posted(batua, order["customer_id"]) == 0
    async with signed_in(office, "owner") as http:
        fields = await opened_form(http, "decide-on-a-refund", id=refund["id"])
        done = await file(http, "decide-on-a-refund", fields | {"decision": "approve"})
        assert done.status_code == 303
    assert await posted(batua, order["customer_id"]) == 2_000_000
    (decided,) = await acts(batua, f"refund:{refund['id']}")
    assert (decided["actor"], decided["act"]) == ("staff:owner", "decide_refund")


async def test_what_was_typed_stays_when_it_is_refused(office):
    order = await paid_order(office.batua, 1_000)
    async with signed_in(office, "support") as http:
        fields = await opened_form(http, "refund-an-order", order=order["reference"])
        refused = await file(http, "refund-an-order", fields | {"amount": "10.01", "reason": "x"})
        assert refused.status_code == 422
        assert "left to refund" in refused.text
        assert 'value="10.01"' in refused.text
        wrong = await file(http, "refund-an-order", fields | {"amount": "ten", "reason": "x"})
        assert "write it as 250" in wrong.text
        nothing = await file(http, "refund-an-order", fields | {"order": ""})
        assert "Look at the fields below." in nothing.text
    assert await posted(office.batua, order["customer_id"]) == 0


@pytest.mark.parametrize("back", ["//evil.example/", "https://evil.example", "/admin/", "../x"])
async def test_a_form_leads_nowhere_else(office, back):
    order = await paid_order(office.batua, 1_000)
    async with signed_in(office, "support") as http:
        fields = await opened_form(http, "refund-an-order", order=order["reference"], back=back)
        assert fields["back"] == ""
        done = await file(http, "refund-an-order", fields | {"reason": "x", "back": back})
        assert done.headers["location"] == "/admin/pages/"


async def test_a_form_without_the_token_of_the_panel_does_nothing(office):
    order = await paid_order(office.batua, 1_000)
    async with signed_in(office, "support") as http:
        fields = await opened_form(http, "refund-an-order", order=order["reference"])
        del http.headers["X-CSRFToken"]
        for token in ({}, {"csrftoken": "another"}):
            sent = {**fields, "reason": "x"} | token
            if not token:
                sent.pop("csrftoken")
            answer = await file(http, "refund-an-order", sent)
            assert answer.status_code == 403
    assert await posted(office.batua, order["customer_id"]) == 0


# --- wallets -------------------------------------------------------------------------------------


async def test_a_wallet_is_frozen_and_unfrozen(office):
    batua = office.batua
    order = await paid_order(batua, 1_000)
    customer = order["customer_id"]
    async with signed_in(office, "finance") as http:
        for slug, status in (("freeze-a-wallet", "frozen"), ("unfreeze-a-wallet", "active")):
            fields = await opened_form(http, slug, customer=customer, back=f"customers/{customer}/")
            assert (await file(http, slug, fields | {"reason": "stolen"})).status_code == 303
            wallet = await read_wallet(batua.database, customer, "INR")
            assert wallet.status == status
    words = [row["act"] for row in await acts(batua, f"customer:{customer}")]
    assert words == ["freeze_wallet", "unfreeze_wallet"]


# --- the pages -----------------------------------------------------------------------------------


async def test_hostile_words_are_words_on_every_page(office):
    batua = office.batua
    for number, hostile in enumerate(HOSTILE):
        customer = f"hostile{number}"
        order = await paid_order(
            batua, 5_000, customer, reference=f"H{number}{hostile[:150]}", description=hostile
        )
        async with batua.database.transaction() as transaction:
            await transaction.execute(
                "update batua_customer set name = $2 where id = $1", customer, hostile
            )
        async with signed_in(office, "owner") as http:
            for path in (
                f"customers/{customer}/", f"orders/{order['id']}/", "approvals/", "audit/",
                "attention/", "find/?q=hostile", "",
            ):  # fmt: skip
                page = await http.get(f"/pages/{path}")
                assert page.status_code == 200, path
                for raw in ("<script", "<svg onload", "<img src=x", "</title></text"):
                    assert raw not in page.text, (path, raw)


async def test_whatever_is_read_out_on_the_phone_is_found(office):
    batua = office.batua
    customer = "zubeida-7"
    order = await paid_order(batua, 5_000, customer)
    async with batua.database.transaction() as transaction:
        await transaction.execute(
            "update batua_customer set name = 'Zubeida Ansari', phone = '+15550123' where id = $1",
            customer,
        )
    async with signed_in(office, "viewer") as http:
        for wanted, path in (
            (order["reference"], f"orders/{order['id']}/"),
            (order["id"], f"orders/{order['id']}/"),
            (customer, f"customers/{customer}/"),
        ):
            answer = await http.get("/pages/find/", params={"q": wanted})
            assert answer.headers["location"] == f"/admin/pages/{path}"
        for wanted in ("zubeida a", "Zubeida", "+1 555 0123", "zubeida-"):
            answer = await http.get("/pages/find/", params={"q": wanted})
            assert f"customers/{customer}/" in answer.text, wanted
        nothing = await http.get("/pages/find/", params={"q": "nobody's"})
        assert "Nothing is found" in nothing.text


async def test_the_customer_page_shows_all_that_is_theirs(office):
    order = await paid_order(office.batua, 250_000)
    customer = order["customer_id"]
    async with signed_in(office, "support") as http:
        page = (await http.get(f"/pages/customers/{customer}/")).text
    for words in ("₹0.00", "₹2,500.00", "-₹2,500.00", order["reference"], "order payment"):
        assert words in page, words
    assert "250000" not in page


async def test_the_log_is_read_by_who_did_what_to_what(office):
    batua = office.batua
    order = await paid_order(batua, 1_000)
    actor = Actor(name="staff:asked-for", role=Role.OWNER)

    await batua.engine.submit(
        Note(Act(id=batua.new_id("aud"), actor=actor, word="sign_in", subject=order["id"]))
    )
    async with signed_in(office, "finance") as http:
        for query in ({"actor": "staff:asked-for"}, {"subject": order["id"]}):
            page = await http.get("/pages/audit/", params=query)
            assert page.text.count("staff:asked-for</bdi>") == 1
        other = await http.get("/pages/audit/", params={"actor": "staff:nobody"})
        assert "Nothing yet." in other.text


async def test_an_owner_writes_a_gateways_settings_and_nobody_reads_its_secrets(office):
    secret = "a-secret-that-nobody-reads"
    async with signed_in(office, "owner") as http:
        page = (await http.get("/pages/gateways/")).text
        for name in ("Razorpay", "PayPal", "Google Pay"):
            assert name in page
        page = await http.get("/pages/gateways/razorpay/")
        # Enter presses the first button.
        assert re.search(r"<button[^>]*>(\w+)", page.text.split("</header>")[1])[1] == "Store"
        token = {"csrftoken": http.headers["X-CSRFToken"], "reason": "new account"}
        wrong = await http.post(
            "/pages/gateways/razorpay/", data=token | {"key_id": "rzp_live_1", "none_such": "x"}
        )
        assert wrong.status_code == 422
        filled = {"key_id": "rzp_test_1", "key_secret": secret, "webhook_secret": f"{secret}-2"}
        stored = await http.post("/pages/gateways/razorpay/", data=token | filled)
        assert stored.status_code == 303, stored.text
        page = (await http.get("/pages/gateways/razorpay/")).text
        assert "Stored: key_id, key_secret, webhook_secret." in page
        assert "by staff:owner" in page
        assert secret not in page
        assert "test" in (await http.get("/pages/gateways/")).text
        log = (await http.get("/pages/audit/", params={"subject": "gateway:razorpay"})).text
        assert "new account" in log
        assert secret not in log
        forgotten = await http.post(
            "/pages/gateways/razorpay/", data=token | {"forget": "webhook_secret"}
        )
        assert forgotten.status_code == 303, forgotten.text
    async with signed_in(office, "finance") as http:
        assert (await http.get("/pages/gateways/razorpay/")).status_code == 403


async def test_an_owner_adds_somebody_who_must_choose_a_password_of_their_own(office):
    async with signed_in(office, "owner") as http:
        fields = await opened_form(http, "add-somebody-to-the-staff", back="staff/")
        shown = await file(http, "add-somebody-to-the-staff", fields | {"name": "newcomer"})
        assert shown.status_code == 200, shown.text
        assert shown.headers["cache-control"] == "no-store"
        password = re.search(r"with the password (\S+)\. It is shown", shown.text)[1]
        assert "newcomer" in (await http.get("/pages/staff/")).text
        again = await file(http, "add-somebody-to-the-staff", fields | {"name": "newcomer"})
        assert "There is a staff account" in again.text
        own = await opened_form(http, "shut-somebody-out", name="owner")
        refused = await file(http, "shut-somebody-out", own)
        assert refused.status_code == 422
    async with office.browser() as http:
        assert (await office.sign_in(http, "newcomer", password=password)).status_code == 200
        # Nothing but a password of their own.
        assert (await http.get("/pages/do/refund-an-order/")).status_code == 403
    entered = await acts(office.batua, "staff:newcomer")
    assert (entered[0]["actor"], entered[0]["act"]) == ("staff:owner", "create_staff")
    assert password not in str([dict(act) for act in entered])


@pytest.mark.parametrize("body", [b"", b"[1]", b"{", b'"x"', b"\xff", b"null"])
async def test_what_is_no_form_is_told_so(office, body):
    async with signed_in(office, "owner") as http:
        answer = await http.post(
            "/api/forms/refund-an-order/",
            content=body,
            headers={"Content-Type": "application/json"},
        )
    assert (answer.status_code, answer.json()) == (400, {"detail": "Send a JSON object."})
