"""The Razorpay simulator, asked over real HTTP the way Razorpay would be."""

import asyncio
import hmac
import json
import re
from contextlib import asynccontextmanager
from hashlib import sha256

import httpx
import pytest
from litestar import Litestar, Request, asgi, post

from batua.certificates import trusted_certificates
from batua.testing.serving import serving
from batua.testing.simulators.razorpay import RazorpaySimulator

# Loading certificates takes longer than a test.
AUTH = ("rzp_test_simulator", "simulator_key_secret")
SECRET = b"simulator_webhook_secret"
ORDER = {"amount": 50_000, "currency": "INR", "receipt": "r1"}


class Shop:
    """Takes webhooks and answers with the next of ``answers``, else 200."""

    def __init__(self):
        self.taken = []
        self.answers = []
        self.has_taken = asyncio.Event()

        @post("/hook", status_code=200)
        async def hook(request: Request) -> None:
            self.taken.append((dict(request.headers), await request.body()))
            self.has_taken.set()
            if self.answers:
                raise self.answers.pop(0)

        self.app = Litestar([hook], logging_config=None, openapi_config=None)

    def events(self):
        return [json.loads(body)["event"] for _, body in self.taken]

    async def wait_for(self, count):
        async with asyncio.timeout(3):
            while len(self.taken) < count:
                self.has_taken.clear()
                await self.has_taken.wait()
        return self.events()


@asynccontextmanager
async def running(**settings):
    settings = {"webhook_backoff_s": 0.02, "hang_s": 3.0, "webhook_url": None} | settings
    simulator = RazorpaySimulator(**settings)
    async with serving(simulator.app) as url:
        try:
            async with httpx.AsyncClient(
                base_url=url, auth=AUTH, trust_env=False, verify=trusted_certificates()
            ) as http:
                yield simulator, http
        finally:
            await simulator.stop()


@pytest.fixture
async def http():
    async with running() as (_, client):
        yield client


@pytest.fixture
async def shop():
    shop = Shop()
    async with serving(shop.app) as url:
        shop.url = f"{url}/hook"
        yield shop


async def ordered(http, **changes):
    answer = await http.post("/v1/orders", json=ORDER | changes)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def paid(http, outcome="captured", order=None, **changes):
    order = order or await ordered(http)
    body = {"reference": order["id"], "outcome": outcome} | changes
    answer = await http.post("/_control/pay", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def payment_of(http, payment):
    return (await http.get(f"/v1/payments/{payment['razorpay_payment_id']}")).json()


async def refund(http, payment, body=None, **headers):
    path = f"/v1/payments/{payment['razorpay_payment_id']}/refund"
    return await http.post(path, json=body or {}, headers=headers)


def said(answer):
    return answer.status_code, answer.json()["error"]["description"]


async def test_order_goes_from_created_to_attempted_to_paid(http):
    order = await ordered(http)
    assert re.fullmatch(r"order_[A-Za-z0-9]{14}", order["id"])
    assert (order["status"], order["notes"], order["amount_due"]) == ("created", [], 50_000)
    await paid(http, "failed", order)
    assert (await http.get(f"/v1/orders/{order['id']}")).json()["status"] == "attempted"
    payment = await paid(http, "captured", order)
    found = (await http.get(f"/v1/orders/{order['id']}")).json()
    assert (found["status"], found["amount_paid"], found["attempts"]) == ("paid", 50_000, 2)
    attempts = (await http.get(f"/v1/orders/{order['id']}/payments")).json()
    assert [item["status"] for item in attempts["items"]] == ["failed", "captured"]
    message = f"{order['id']}|{payment['razorpay_payment_id']}".encode()
    expected = hmac.new(AUTH[1].encode(), message, sha256).hexdigest()
    assert payment["razorpay_signature"] == expected


async def test_fee_appears_with_the_capture(http):
    payment = await paid(http, "authorized")
    before = await payment_of(http, payment)
    assert (before["fee"], before["tax"], before["status"]) == (None, None, "authorized")
    path = f"/v1/payments/{before['id']}/capture"
    for body, text in (
        ({"amount": 49_999, "currency": "INR"}, "Capture amount must be equal"),
        ({"amount": "50000"}, "The amount must be an integer."),
        ({"amount": 50_000, "x": 1}, "x is/are not required and should not be sent"),
    ):
        status, description = said(await http.post(path, json=body))
        assert status == 400
        assert description.startswith(text)
    captured = (await http.post(path, json={"amount": 50_000, "currency": "INR"})).json()
    assert (captured["fee"], captured["tax"], captured["captured"]) == (1_180, 180, True)
    again = await http.post(path, json={"amount": 50_000})
    assert said(again) == (400, "Your payment has been declined as the order is already paid.")
    failed = await paid(http, "failed")
    path = f"/v1/payments/{failed['razorpay_payment_id']}/capture"
    assert (await http.post(path, json={"amount": 50_000})).status_code == 400


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"amount": 99}, "The amount must be at least INR 1.00"),
        ({"amount": 100.5}, "The amount must be an integer."),
        ({"amount": True}, "The amount must be an integer."),
        ({"amount": None}, "The amount field is required."),
        ({"amount": 0, "currency": "USD"}, "Order amount less than minimum amount allowed"),
        ({"amount": 295_991, "currency": "KWD"}, "The last digit of the amount must be 0."),
        ({"currency": "XXX"}, "Currency is not supported"),
        ({"receipt": "x" * 41}, "The receipt may not be greater than 40 characters."),
        ({"colour": "red"}, "colour is/are not required and should not be sent"),
        ({"notes": 5}, "The notes must be an array."),
        ({"notes": {"a": "x" * 257}}, "The notes may not be greater than 256 characters."),
        (
            {"notes": {str(n): "" for n in range(16)}},
            "Number of fields in notes should be less than or equal to 15",
        ),
    ],
)
async def test_order_is_validated(http, changes, text):
    assert said(await http.post("/v1/orders", json=ORDER | changes)) == (400, text)


async def test_order_bodies_that_are_no_object_are_refused(http):
    for body in (b"[]", b"{", b"\xff"):
        answer = await http.post("/v1/orders", content=body)
        assert said(answer) == (400, "The request body is not valid JSON.")


async def test_credentials_and_the_spelling_of_basic(http):
    right = httpx.BasicAuth(*AUTH)._auth_header
    for header in ("", right.replace("Basic", "basic"), right.replace("Basic", "BASIC"), right[6:]):
        answer = await http.get("/v1/orders", headers={"authorization": header}, auth=None)
        assert said(answer) == (401, "Authentication failed"), header
    assert (await http.get("/v1/orders", auth=("rzp_test_simulator", "x"))).status_code == 401
    assert (await http.get("/v1/orders")).status_code == 200


async def test_what_is_not_there_is_a_400(http):
    gone = "The id provided does not exist"
    assert said(await http.get("/v1/orders/order_00000000000000")) == (400, gone)
    assert said(await http.get("/v1/refunds/rfnd_00000000000000")) == (400, gone)
    assert said(await http.get("/v1/payments/_29QQoUBi66xm2f")) == (
        400,
        "_29QQoUBi66xm2f is not a valid id",
    )
    unknown = "The requested URL was not found on the server."
    assert said(await http.get("/v1/nothing")) == (400, unknown)
    assert said(await http.delete("/v1/orders")) == (400, unknown)


async def test_receipts_by_switch_and_by_flag(http):
    first = await ordered(http)
    assert (await ordered(http))["id"] != first["id"]
    assert (await ordered(http, unique_receipt=True))["id"] == first["id"]
    other = await http.post("/v1/orders", json=ORDER | {"amount": 1_000, "unique_receipt": True})
    assert said(other) == (400, "Order receipt should be unique.")
    await http.post("/_control/faults", json={"strict_receipts": True})
    answer = await http.post("/v1/orders", json=ORDER)
    assert said(answer) == (400, "Order receipt should be unique.")
    found = (await http.get("/v1/orders", params={"receipt": "r1"})).json()
    assert (found["count"], found["items"][1]["id"]) == (2, first["id"])


async def test_lists_are_paged_newest_first(http):
    made = [(await ordered(http, receipt=f"r{number}"))["id"] for number in range(12)]
    listed = (await http.get("/v1/orders")).json()
    assert [item["id"] for item in listed["items"]] == made[::-1][:10]
    rest = (await http.get("/v1/orders", params={"skip": 10, "count": 5})).json()
    assert [item["id"] for item in rest["items"]] == made[::-1][10:]
    assert (await http.get("/v1/orders", params={"from": 4_000_000_000})).json()["count"] == 0
    assert (await http.get("/v1/orders", params={"to": 1})).json()["count"] == 0
    assert (await http.get("/v1/orders", params={"count": "x"})).status_code == 400
    assert (await http.get("/v1/payments")).json()["items"] == []


async def test_partial_refunds_then_a_full_one(http):
    payment = await paid(http)
    first = (await refund(http, payment, {"amount": 20_000, "speed": "optimum"})).json()
    assert (first["status"], first["notes"], first["amount"]) == ("pending", [], 20_000)
    found = await payment_of(http, payment)
    assert (found["status"], found["refund_status"]) == ("captured", "partial")
    too_much = await refund(http, payment, {"amount": 30_001})
    assert said(too_much) == (400, "The refund amount provided is greater than amount captured.")
    assert (await refund(http, payment)).json()["amount"] == 30_000
    found = await payment_of(http, payment)
    assert (found["status"], found["refund_status"]) == ("refunded", "full")
    assert said(await refund(http, payment)) == (
        400,
        "The payment has been fully refunded already.",
    )
    pay_id = found["id"]
    listed = (await http.get(f"/v1/payments/{pay_id}/refunds")).json()
    assert listed["count"] == 2
    by_payment = await http.get(f"/v1/payments/{pay_id}/refunds/{first['id']}")
    assert by_payment.json()["status"] == "processed"
    other = await paid(http, "authorized", await ordered(http))
    assert (await refund(http, other)).status_code == 400
    strange = await http.get(f"/v1/payments/{other['razorpay_payment_id']}/refunds/{first['id']}")
    assert strange.status_code == 400
    assert (await refund(http, payment, {"speed": "slow"})).status_code == 400


async def test_idempotency_key_of_refunds(http):
    payment, key = await paid(http), {"X-Refund-Idempotency": "ref_0123456789"}
    first = await refund(http, payment, {"amount": 1_000}, **key)
    again = await refund(http, payment, {"amount": 1_000}, **key)
    assert again.json()["id"] == first.json()["id"]
    other = await refund(http, payment, {"amount": 2_000}, **key)
    assert said(other) == (
        409,
        "Different request with the same idempotency key has already been processed.",
    )
    for bad in ("short", "with spaces in it", "x" * 9):
        assert (await refund(http, payment, **{"X-Refund-Idempotency": bad})).status_code == 400
    assert (await payment_of(http, payment))["amount_refunded"] == 1_000


async def test_refund_that_waits_is_settled_by_hand_and_may_fail_late(http):
    await http.post("/_control/faults", json={"refund_outcome": "pending"})
    payment = await paid(http)
    body = {"payment": payment["razorpay_payment_id"], "amount": 50_000}
    begun = (await http.post("/_control/refund", json=body)).json()
    assert (begun["status"], begun["receipt"]) == ("pending", None)
    for status, total in (("processed", 50_000), ("failed", 0)):
        settled = {"refund": begun["id"], "status": status}
        assert (await http.post("/_control/settle_refund", json=settled)).json()["status"] == status
        assert (await payment_of(http, payment))["amount_refunded"] == total
    assert (await payment_of(http, payment))["status"] == "captured"
    (shown,) = (await http.get("/_control/payments")).json()["payments"]
    assert shown["order"]["id"] == payment["razorpay_order_id"]
    assert shown["refunds"][0]["id"] == begun["id"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("pay", {}),
        ("pay", {"reference": "order_00000000000000", "outcome": "captured"}),
        ("pay", {"reference": "x", "outcome": "stolen"}),
        ("pay", {"reference": "x", "outcome": "captured", "amount": "5"}),
        ("pay", {"reference": "x", "outcome": "captured", "tip": 5}),
        ("faults", {"api": {"next": "earthquake"}}),
        ("faults", {"weather": "bad"}),
        ("refund", {"payment": "pay_00000000000000", "amount": 1}),
        ("settle_refund", {"refund": "rfnd_00000000000000", "status": "processed"}),
    ],
)
async def test_control_bodies_are_strict(http, path, body):
    answer = await http.post(f"/_control/{path}", json=body, auth=None)
    assert answer.status_code == 400
    assert answer.json()["error"]


async def test_faults_change_by_parts_and_reset(http):
    async def change(body):
        return (await http.post("/_control/faults", json=body)).json()

    await change({"webhooks": {"lose": True}, "refund_outcome": "failed"})
    shown = await change({"strict_receipts": True, "api": {"next": "429", "times": 2}})
    assert shown["webhooks"]["lose"]
    assert (shown["strict_receipts"], shown["refund_outcome"]) == (True, "failed")
    assert shown["api"] == {"next": "429", "times": 2, "path": ""}
    shown = await change({})
    assert (shown["webhooks"]["lose"], shown["api"]) == (False, None)
    assert (shown["strict_receipts"], shown["refund_outcome"]) == (False, "processed")


@pytest.mark.parametrize(
    ("fault", "has_effect"),
    [
        ("500_after_effect", True),
        ("html", True),
        ("429", False),
        ("connection_reset", True),
        ("timeout_after_effect", True),
    ],
)
async def test_api_faults_come_after_the_effect_but_429(http, fault, has_effect):
    body = {"api": {"next": fault, "times": 1, "path": "/orders"}}
    await http.post("/_control/faults", json=body)
    assert (await http.get("/v1/payments")).status_code == 200
    statuses = {"500_after_effect": 500, "html": 200, "429": 429}
    asking = http.post("/v1/orders", json=ORDER, timeout=0.3)
    if fault in statuses:
        assert (await asking).status_code == statuses[fault]
    else:
        with pytest.raises(httpx.TransportError):
            await asking
    assert (await http.get("/v1/orders")).json()["count"] == int(has_effect)


async def test_capture_fires_two_signed_events(shop):
    async with running(webhook_url=shop.url) as (_, http):
        await paid(http)
        assert sorted(await shop.wait_for(2)) == ["order.paid", "payment.captured"]
        for headers, body in shop.taken:
            expected = hmac.new(SECRET, body, sha256).hexdigest()
            assert headers["x-razorpay-signature"] == expected
            assert headers["x-razorpay-event-id"].startswith("evt_")
        order_paid = next(json.loads(b) for _, b in shop.taken if b"order.paid" in b)
        assert order_paid["contains"] == ["payment", "order"]


async def test_every_change_fires_its_events(shop):
    async with running(webhook_url=shop.url) as (_, http):
        await paid(http, "failed")
        await paid(http, "authorized", await ordered(http))
        await shop.wait_for(2)
        payment = await paid(http, "captured", await ordered(http))
        await shop.wait_for(4)
        await refund(http, payment, {"amount": 1_000})
        await shop.wait_for(6)
        second = await paid(http, order={"id": payment["razorpay_order_id"]}, amount=7_000)
        assert second["status"] == "captured"
        events = await shop.wait_for(7)
        assert set(events[:2]) == {"payment.failed", "payment.authorized"}
        assert set(events[4:6]) == {"refund.created", "refund.processed"}
        assert events[6] == "payment.captured"


async def test_webhook_is_retried_with_the_same_id_until_2xx(shop):
    shop.answers = [RuntimeError("down")] * 3
    async with running(webhook_url=shop.url) as (_, http):
        await paid(http, "failed")
        await shop.wait_for(4)
        assert len({headers["x-razorpay-event-id"] for headers, _ in shop.taken}) == 1
        assert len({body for _, body in shop.taken}) == 1
        await until(http, "delivered")


async def until(http, state):
    """Ask until the first event has come to ``state``; each question is a round trip."""
    async with asyncio.timeout(2):
        while True:
            events = (await http.get("/_control/webhooks")).json()["webhooks"]
            if events[0]["state"] == state:
                return


async def test_webhook_is_dropped_after_a_day(shop):
    now = [1_000_000.0]
    shop.answers = [RuntimeError("down")] * 2
    async with running(webhook_url=shop.url, clock=lambda: now[0]) as (simulator, http):
        await paid(http, "failed")
        await shop.wait_for(1)
        now[0] += 24 * 3600
        await simulator.stop()
        await simulator.start()
        await shop.wait_for(2)
        await until(http, "dropped")


async def test_webhooks_are_lost_then_replayed(shop):
    async with running(webhook_url=shop.url) as (_, http):
        await http.post("/_control/faults", json={"webhooks": {"lose": True}})
        await paid(http, "failed")
        await asyncio.sleep(0.05)
        assert shop.taken == []
        await http.post("/_control/faults", json={})
        assert (await http.post("/_control/send_webhooks")).json() == {"events": 1}
        assert await shop.wait_for(1) == ["payment.failed"]


async def test_webhooks_are_duplicated_delayed_and_reordered(shop):
    async with running(webhook_url=shop.url) as (_, http):
        await http.post("/_control/faults", json={"webhooks": {"duplicate": 3}})
        await paid(http, "failed")
        assert await shop.wait_for(4) == ["payment.failed"] * 4
        shop.taken.clear()
        body = {"webhooks": {"reorder": True, "delay_s": 0.05}}
        await http.post("/_control/faults", json=body)
        await paid(http, "captured", await ordered(http))
        assert shop.taken == []
        assert await shop.wait_for(2) == ["order.paid", "payment.captured"]


async def test_books_and_undelivered_webhooks_survive_a_restart(shop, tmp_path):
    store = tmp_path / "razorpay.sqlite"
    async with running(store=store, webhook_url="http://127.0.0.1:9/hook") as (_, http):
        payment = await paid(http)
        made = (await refund(http, payment, **{"X-Refund-Idempotency": "ref_0123456789"})).json()
    assert shop.taken == []
    async with running(store=store, webhook_url=shop.url) as (_, http):
        assert (await payment_of(http, payment))["status"] == "refunded"
        again = await refund(http, payment, **{"X-Refund-Idempotency": "ref_0123456789"})
        assert again.json()["id"] == made["id"]
        assert set(await shop.wait_for(4)) == {
            "payment.captured",
            "order.paid",
            "refund.created",
            "refund.processed",
        }


async def test_answer_is_committed_before_it_is_given(tmp_path):
    store = tmp_path / "razorpay.sqlite"
    async with running(store=store) as (_, http):
        order = await ordered(http)
        async with running(store=store) as (_, other):
            assert (await other.get(f"/v1/orders/{order['id']}")).json() == order


async def test_stop_and_start_may_be_called_twice():
    simulator = RazorpaySimulator()
    before = asyncio.all_tasks()
    await simulator.start()
    await simulator.start()
    await simulator.stop()
    await simulator.stop()
    assert asyncio.all_tasks() == before


async def test_stop_cuts_off_a_delivery_and_keeps_it_due(shop, tmp_path):
    connected = asyncio.Event()

    async def hang(reader, writer):
        connected.set()
        await reader.read()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    store = tmp_path / "razorpay.sqlite"
    async with server, running(store=store, webhook_url=url) as (simulator, http):
        await paid(http, "failed")
        await asyncio.wait_for(connected.wait(), 2)
        await asyncio.wait_for(simulator.stop(), 1)
    async with running(store=store, webhook_url=shop.url):
        assert await shop.wait_for(1) == ["payment.failed"]


@pytest.fixture(params=["", "/simulators/razorpay"])
async def page(request):
    """The checkout page, alone and below a prefix."""
    simulator = RazorpaySimulator()
    await simulator.start()
    outer = Litestar(
        [asgi(request.param or "/", is_mount=True, copy_scope=True)(simulator.app)],
        logging_config=None,
        openapi_config=None,
    )
    async with serving(outer) as url:
        base = url + request.param
        async with httpx.AsyncClient(
            base_url=base, auth=AUTH, trust_env=False, verify=trusted_certificates()
        ) as http:
            yield http
    await simulator.stop()


async def test_person_pays_on_the_page_without_a_script(page):
    order = await ordered(page)
    query = {
        "order_id": order["id"],
        "key_id": AUTH[0],
        "return_url": "https://shop.example/back?a=1",
    }
    shown = (await page.get("/v1/checkout", params=query, auth=None)).text
    assert "simulator" in shown
    assert "₹500.00" in shown
    assert "<script" not in shown
    assert not re.search(r"(action|src|href)=.(/|http)", shown)
    failed = await page.post("/v1/checkout", params=query, data={"outcome": "fail"}, auth=None)
    assert "Payment failed" in failed.text
    assert "signature" not in failed.text
    cancelled = await page.post("/v1/checkout", params=query, data={"outcome": "cancel"})
    assert "without paying" in cancelled.text
    done = (await page.post("/v1/checkout", params=query, data={"outcome": "pay"})).text
    assert "captured" in done
    back = re.search(r"href='(https://shop.example/back\?a=1&amp;razorpay_payment_id[^']*)'", done)
    assert "razorpay_signature=" in back[1]
    again = (await page.post("/v1/checkout", params=query, data={"outcome": "pay"})).text
    assert "takes no more payments" in again
    found = (await page.get(f"/v1/orders/{order['id']}/payments")).json()
    assert [item["status"] for item in found["items"]] == ["failed", "captured"]


async def test_page_trusts_neither_key_nor_return_address(http):
    order = await ordered(http, payment_capture=False)
    for query in (
        {"order_id": order["id"], "key_id": "rzp_test_other"},
        {"order_id": "order_<script>", "key_id": AUTH[0]},
        {},
    ):
        answer = await http.get("/v1/checkout", params=query)
        assert answer.status_code == 400
        assert "<script" not in answer.text
    query = {"order_id": order["id"], "key_id": AUTH[0], "return_url": "javascript:alert(1)"}
    done = (await http.post("/v1/checkout", params=query, data={"outcome": "pay"})).text
    assert "Back to the shop" not in done
    assert "javascript" not in done
    assert "authorized" in done


async def test_manual_capture_is_asked_by_either_field(http):
    for changes in ({"payment_capture": 0}, {"payment": {"capture": "manual"}}):
        order = await ordered(http, **changes)
        query = {"order_id": order["id"], "key_id": AUTH[0]}
        await http.post("/v1/checkout", params=query, data={"outcome": "pay"})
        (payment,) = (await http.get(f"/v1/orders/{order['id']}/payments")).json()["items"]
        assert payment["status"] == "authorized"


async def test_credentials_are_refused_by_either_status(http):
    await http.post("/_control/faults", json={"refused_key_status": 400})
    assert said(await http.get("/v1/orders", auth=("a", "b"))) == (400, "Authentication failed")


async def test_count_of_a_page_and_time_of_settlements_are_checked(http):
    assert said(await http.get("/v1/refunds?count=0")) == (400, "The count must be at least 1.")
    status, text = said(await http.get("/v1/settlements?from=1"))
    assert (status, text) == (400, "from must be between 946684800 and 4765046400.")


async def test_customers_are_told_apart_by_all_their_details(http):
    details = {"name": "Asha Rao", "email": "a@example.test", "contact": "+919876543210"}
    first = (await http.post("/v1/customers", json=details)).json()
    assert re.fullmatch(r"cust_[A-Za-z0-9]{14}", first["id"])
    assert (await http.post("/v1/customers", json=details)).status_code == 400
    again = await http.post("/v1/customers", json=details | {"fail_existing": "0"})
    assert again.json()["id"] == first["id"]
    other = await http.post("/v1/customers", json=details | {"name": "Asha", "fail_existing": "0"})
    assert other.json()["id"] != first["id"]
    assert (await http.get(f"/v1/customers/{first['id']}")).json() == first
    assert (await http.post("/v1/customers", json={"name": "A"})).status_code == 400
    short = await http.post("/v1/customers", json={"contact": "12345"})
    assert short.json()["error"]["reason"] == "invalid_contact_number"


async def mandate(http, **token):
    customer = (await http.post("/v1/customers", json={"contact": "+919876543210"})).json()["id"]
    wanted = {"max_amount": 60_000, "expire_at": 2_000_000_000, "frequency": "monthly"} | token
    return {"customer_id": customer, "method": "upi", "token": wanted}


@pytest.mark.parametrize(
    ("token", "changes"),
    [
        ({"max_amount": 99}, {}),
        ({"max_amount": 20_000_001}, {}),
        ({"expire_at": None}, {}),
        ({"frequency": "hourly"}, {}),
        ({"colour": "red"}, {}),
        ({}, {"currency": "USD"}),
        ({}, {"customer_id": None}),
        ({}, {"customer_id": "cust_00000000000000"}),
        ({}, {"method": ""}),
        ({}, {"token": 5}),
    ],
)
async def test_order_of_a_mandate_is_validated(http, token, changes):
    answer = await http.post("/v1/orders", json=ORDER | await mandate(http, **token) | changes)
    assert answer.status_code == 400


async def test_token_is_saved_by_the_first_success_and_belongs_to_its_customer(http):
    wanted = await mandate(http)
    order = await ordered(http, **wanted)
    await paid(http, "failed", order)
    path = f"/v1/customers/{wanted['customer_id']}/tokens"
    assert (await http.get(path)).json()["items"] == []
    payment = await payment_of(http, await paid(http, "captured", order))
    (token,) = (await http.get(path)).json()["items"]
    assert payment["token_id"] == token["id"]
    assert "customer_id" not in token
    assert (await http.get(f"{path}/{token['id']}")).json() == token
    stranger = (await http.post("/v1/customers", json={"contact": "+918888888888"})).json()["id"]
    assert (await http.get(f"/v1/customers/{stranger}/tokens/{token['id']}")).status_code == 400
    cancelled = await http.put(f"{path}/{token['id']}/cancel")
    assert cancelled.json() == {"status": "cancellation_initiated"}
    (token,) = (await http.get(path)).json()["items"]
    assert token["recurring_details"]["status"] == "cancelled"


@pytest.mark.parametrize("outcome", ["confirmed", "rejected", "initiated"])
async def test_token_ends_as_it_is_told(http, outcome):
    await http.post("/_control/faults", json={"token_outcome": outcome})
    await paid(http, order=await ordered(http, **await mandate(http)))
    events = [each["event"] for each in (await http.get("/_control/webhooks")).json()["webhooks"]]
    told = [event for event in events if event.startswith("token.")]
    assert told == ([] if outcome == "initiated" else [f"token.{outcome}"])


async def debit(http, **changes):
    """A token's charge, whose body has ``changes``."""
    wanted = await mandate(http)
    payment = await payment_of(http, await paid(http, order=await ordered(http, **wanted)))
    order = await ordered(http, receipt="r2")
    body = {
        "email": "a@example.test",
        "contact": "+919876543210",
        "amount": 50_000,
        "currency": "INR",
        "order_id": order["id"],
        "customer_id": wanted["customer_id"],
        "token": payment["token_id"],
        "recurring": True,
    }
    return body | changes


async def test_debit_is_accepted_once_for_an_order(http):
    body = await debit(http)
    made = (await http.post("/v1/payments/create/recurring", json=body)).json()
    payment = await payment_of(http, made)
    assert (payment["status"], payment["token_id"]) == ("captured", body["token"])
    again = await http.post("/v1/payments/create/recurring", json=body)
    assert said(again)[1] == "Your payment has been declined as the order is already paid."


@pytest.mark.parametrize(
    "changes",
    [
        {"recurring": False},
        {"recurring": 2},
        {"email": ""},
        {"amount": 49_000},
        {"order_id": "order_00000000000000"},
        {"customer_id": "cust_00000000000000"},
        {"token": "token_00000000000000"},
        {"surprise": 1},
    ],
)
async def test_debit_is_validated(http, changes):
    body = await debit(http, **changes)
    answer = await http.post("/v1/payments/create/recurring", json=body)
    assert answer.status_code == 400


async def test_upi_intent_waits_until_its_payer_is_done(http):
    order = await ordered(http)
    body = {
        "amount": 50_000,
        "currency": "INR",
        "order_id": order["id"],
        "email": "a@example.test",
        "contact": "+919876543210",
        "method": "upi",
        "upi": {"flow": "intent"},
    }
    path = "/v1/payments/create/upi"
    made = (await http.post(path, json=body)).json()
    assert made["link"].startswith("upi://pay?pa=success%40razorpay&")
    assert (await payment_of(http, made))["status"] == "created"
    collect = body | {"upi": {"flow": "collect"}}
    assert (await http.post(path, json=collect)).status_code == 400
    done = {"payment": made["razorpay_payment_id"], "outcome": "captured"}
    assert (await http.post("/_control/advance", json=done)).json()["status"] == "captured"
    assert (await http.post("/_control/advance", json=done)).status_code == 400


async def test_ledger_speaks_the_words_of_every_provider(http):
    payment = await paid(http)
    payment_id = payment["razorpay_payment_id"]
    await paid(http, "authorized", await ordered(http))
    await refund(http, payment, {"amount": 1_000})
    await http.post("/_control/faults", json={"refund_outcome": "pending"})
    await refund(http, payment, {"amount": 2_000})
    disputed = {"payment": payment_id, "status": "open", "amount": 500, "word": "under_review"}
    await http.post("/_control/move_dispute", json=disputed)
    (line,) = (await http.get("/_control/ledger")).json()["captures"]
    assert (line["id"], line["amount"], line["currency"]) == (payment_id, 50_000, "INR")
    assert line["reference"] == payment["razorpay_order_id"]
    assert [(each["amount"], each["status"]) for each in line["refunds"]] == [
        (1_000, "succeeded"),
        (2_000, "pending"),
    ]
    assert [(each["amount"], each["status"]) for each in line["disputes"]] == [(500, "open")]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("advance", {"payment": "pay_00000000000000", "outcome": "captured"}),
        ("dispute", {"payment": "pay_00000000000000", "status": "open"}),
        ("move_dispute", {"payment": "x", "status": "open", "word": "odd"}),
        ("move_token", {"token": "token_00000000000000", "status": "paused"}),
        ("return_authorizations", {"all": True}),
        ("pay_out", {"status": "odd"}),
    ],
)
async def test_further_control_bodies_are_strict(http, path, body):
    answer = await http.post(f"/_control/{path}", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]


async def test_settlement_pays_each_capture_out_once(http):
    payment = await paid(http)
    first = (await http.post("/_control/pay_out", json={})).json()
    assert (first["amount"], first["fees"], first["tax"]) == (48_820, 1_180, 180)
    assert (await http.post("/_control/pay_out", json={})).json()["amount"] == 0
    assert (await http.get(f"/v1/settlements/{first['id']}")).json() == first
    assert (await payment_of(http, payment))["fee"] == 1_180


async def test_settings_are_those_of_the_gateway():
    simulator = RazorpaySimulator(public_url="http://x.test/")
    assert simulator.settings() == {
        "BATUA_RAZORPAY_KEY_ID": AUTH[0],
        "BATUA_RAZORPAY_KEY_SECRET": AUTH[1],
        "BATUA_RAZORPAY_WEBHOOK_SECRET": SECRET.decode(),
        "BATUA_RAZORPAY_BASE_URL": "http://x.test",
        "BATUA_RAZORPAY_CHECKOUT_URL": "http://x.test/v1/checkout",
        "BATUA_RAZORPAY_PAYER_EMAIL": "payer@shop.example",
        "BATUA_RAZORPAY_PAYER_PHONE": "+915550000000",
    }
