"""Every route of the contract: it is there, and answers in the shape that was promised."""

import asyncio
import csv
import io
from datetime import timedelta

import msgspec
import pytest

from batua_api import schemas
from tests.support.provider import signed

pytestmark = pytest.mark.asyncio(loop_scope="session")


def shaped(answer, view, status=200):
    """The answer's body, which has the fields of ``view`` and no other."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    if isinstance(body, dict):
        fields = msgspec.structs.fields(view)
        optional = {field.name for field in fields if not field.required}
        assert body.keys() | optional == {field.name for field in fields}
    msgspec.json.decode(answer.content, type=view)
    return body


async def deliver(api):
    for _, body, headers in await api.shop.provider.new_events():
        answer = await api.http.post("/webhooks/razorpay", content=body, headers=headers)
        assert (answer.status_code, answer.json()) == (200, {"status": "stored"})


async def until(api, path, who, status):
    for _ in range(200):
        body = (await api.get(path, who)).json()
        if body["status"] == status:
            return body
        await asyncio.sleep(0.01)
    pytest.fail(f"{path} is {body['status']}, not {status}")


async def test_the_main_job_from_top_up_to_refund(api):
    who = api.newcomer()
    empty = shaped(await api.get("/wallet", who), schemas.WalletView)
    assert (empty["customer"], empty["balance"], empty["held"], empty["available"]) == (
        who,
        0,
        0,
        0,
    )

    made = await api.post(
        "/topups", {"amount": 50_000, "currency": "INR", "gateway": "razorpay"}, who
    )
    top_up = shaped(made, schemas.TopUpView, 201)
    assert (top_up["status"], top_up["amount"], top_up["credited"]) == ("pending", 50_000, 0)
    checkout = top_up["checkout"]
    assert checkout["gateway"] == "razorpay"
    assert checkout["url"].startswith("http://")
    assert "secret" not in made.text

    await api.shop.provider.pay(checkout["provider_reference"])
    await deliver(api)
    paid = await until(api, f"/topups/{top_up['id']}", who, "succeeded")
    assert paid["credited"] == 50_000

    order = shaped(
        await api.post(
            "/orders",
            {"reference": api.reference(), "amount": 30_000, "currency": "INR",
             "pay_with": "wallet", "description": "Chai", "items": [{"sku": "chai"}]},
            who,
        ),
        schemas.OrderView,
        201,
    )  # fmt: skip
    assert (order["status"], order["paid_from_wallet"]) == ("paid", 30_000)
    assert order["paid_at"] is not None
    assert shaped(await api.get(f"/orders/{order['id']}", who), schemas.OrderView) == order

    refund = shaped(
        await api.post(f"/orders/{order['id']}/refunds", {"to": "auto", "reason": "=1+1"}, "owner"),
        schemas.RefundView,
        201,
    )
    assert (refund["status"], refund["to_wallet"], refund["to_source"]) == ("succeeded", 30_000, 0)
    assert shaped(await api.get(f"/refunds/{refund['id']}", who), schemas.RefundView) == refund
    assert (await api.get(f"/orders/{order['id']}", who)).json()["status"] == "refunded"
    assert (await api.get("/wallet", who)).json()["balance"] == 50_000

    page = shaped(await api.get("/wallet/transactions", who), schemas.Page)
    assert page["next_cursor"] is None
    for item in page["items"]:
        msgspec.convert(item, schemas.StatementItem)
    assert [(item["kind"], item["amount"], item["balance_after"]) for item in page["items"]] == [
        ("refund_to_wallet", 30_000, 50_000),
        ("order_payment", -30_000, 20_000),
        ("top_up", 50_000, 50_000),
    ]
    await assert_csv(api, who)


async def assert_csv(api, who):
    answer = await api.get("/wallet/transactions", who, headers={"Accept": "text/csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="statement.csv"'
    lines = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert lines[0].keys() == set(schemas.StatementItem.__struct_fields__)
    # What staff wrote as the reason stays out of the chain; a negative number stays a number.
    assert [(line["reason"], line["amount"]) for line in lines] == [
        ("refund", "30000"), ("order", "-30000"), ("top_up", "50000")
    ]  # fmt: skip
    assert lines[0]["created_at"].endswith("Z")


async def test_an_order_by_the_gateway_goes_back_to_its_source(api):
    who = api.newcomer()
    order = await api.order(who=who)
    body = shaped(
        await api.post(
            f"/orders/{order}/payments", {"method": "gateway", "gateway": "razorpay"}, who
        ),
        schemas.OrderPaymentView,
        201,
    )
    assert (body["payment"]["method"], body["payment"]["status"]) == ("gateway", "pending")
    await api.shop.provider.pay(body["checkout"]["provider_reference"])
    await deliver(api)
    await until(api, f"/orders/{order}", who, "paid")

    refund = await api.post(f"/orders/{order}/refunds", {"to": "auto", "reason": "r"}, "support")
    assert (refund.json()["status"], refund.json()["to_source"]) == ("pending", 30_000)
    await deliver(api)
    await until(api, f"/refunds/{refund.json()['id']}", who, "succeeded")
    assert (await api.get(f"/orders/{order}", who)).json()["status"] == "refunded"


async def test_an_order_is_split_between_wallet_and_gateway(api):
    who = api.newcomer()
    await api.shop.give(10_000, who)
    order = await api.order(who=who)
    wanted, path = {"method": "split", "gateway": "razorpay"}, f"/orders/{order}/payments"

    opened = await api.post(path, wanted, who, key="split")
    body = shaped(opened, schemas.OrderPaymentView, 201)
    again = await api.post(path, wanted, who, key="split")
    assert (again.content, again.headers["Idempotency-Replayed"]) == (opened.content, "true")
    assert (body["order"]["status"], body["payment"]["amount"]) == ("pending", 20_000)
    assert (body["payment"]["method"], body["payment"]["status"]) == ("gateway", "pending")
    assert body["checkout"]["gateway"] == "razorpay"
    wallet = (await api.get("/wallet", who)).json()
    assert (wallet["balance"], wallet["held"], wallet["available"]) == (10_000, 10_000, 0)

    await api.shop.provider.pay(body["checkout"]["provider_reference"])
    await deliver(api)
    await until(api, f"/orders/{order}", who, "paid")
    paid = (await api.get(f"/orders/{order}", who)).json()
    assert (paid["paid_from_wallet"], paid["paid_by_gateway"]) == (10_000, 20_000)
    wallet = (await api.get("/wallet", who)).json()
    assert (wallet["balance"], wallet["held"]) == (0, 0)


async def test_a_split_that_the_wallet_covers_is_paid_at_once(api):
    who = api.newcomer()
    await api.shop.give(30_000, who)
    order = await api.order(who=who)

    wanted = {"method": "split", "gateway": "razorpay"}
    paid = await api.post(f"/orders/{order}/payments", wanted, who)

    body = shaped(paid, schemas.OrderPaymentView, 201)
    assert (body["order"]["status"], body["payment"]["method"]) == ("paid", "wallet")
    assert "checkout" not in body


async def test_cancelling_a_split_order_gives_the_share_back(api):
    who = api.newcomer()
    await api.shop.give(10_000, who)
    order = await api.order(who=who)
    wanted = {"method": "split", "gateway": "razorpay"}
    await api.post(f"/orders/{order}/payments", wanted, who)

    await api.post(f"/orders/{order}/cancel", None, who)

    assert (await api.get("/wallet", who)).json()["available"] == 10_000


async def test_an_order_is_paid_from_the_wallet_or_cancelled(api):
    who = api.newcomer()
    await api.shop.give(30_000, who)
    first, second = [await api.order(who=who) for _ in range(2)]

    paid = await api.post(f"/orders/{first}/payments", {"method": "wallet"}, who)
    body = shaped(paid, schemas.OrderPaymentView, 201)
    assert (body["payment"]["method"], body["payment"]["amount"]) == ("wallet", 30_000)
    assert "checkout" not in body
    poor = await api.post(f"/orders/{second}/payments", {"method": "wallet"}, who)
    assert (poor.status_code, poor.json()["code"]) == (402, "insufficient_funds")
    for method in ("gateway", "split"):
        nameless = await api.post(f"/orders/{second}/payments", {"method": method}, who)
        assert nameless.json()["errors"][0]["pointer"] == "/gateway"

    cancelled = await api.post(f"/orders/{second}/cancel", b"", who)
    assert shaped(cancelled, schemas.OrderView)["status"] == "cancelled"
    again = await api.post(f"/orders/{first}/cancel", None, who)
    assert (again.status_code, again.json()["code"]) == (409, "order_not_pending")


async def test_a_top_up_is_confirmed_and_refunded(api):
    who = api.newcomer()
    made = (
        await api.post("/topups", {"amount": 5_000, "currency": "INR", "gateway": "razorpay"}, who)
    ).json()
    proof = await api.shop.provider.pay(made["checkout"]["provider_reference"])
    path = f"/topups/{made['id']}"

    confirmed = shaped(await api.post(f"{path}/confirm", proof, who), schemas.TopUpView)
    assert (confirmed["status"], confirmed["credited"]) == ("succeeded", 5_000)
    refund = await api.post(f"{path}/refunds", {"amount": 2_000}, "finance")
    body = shaped(refund, schemas.RefundView, 201)
    assert (body["top_up"], body["order"], body["to_source"]) == (made["id"], None, 2_000)
    wallet = (await api.get("/wallet", who)).json()
    assert (wallet["balance"], wallet["held"], wallet["available"]) == (5_000, 2_000, 3_000)
    await deliver(api)
    await until(api, path, who, "partially_refunded")


async def test_gateways_are_shown_with_what_the_browser_needs(api):
    answer = await api.get("/gateways")

    (gateway,) = answer.json()
    msgspec.convert(gateway, schemas.GatewayView)
    assert (gateway["code"], gateway["state"], gateway["minimums"]) == (
        "razorpay", "test", {"INR": 100}
    )  # fmt: skip
    assert "INR" in gateway["currencies"]
    assert gateway["capabilities"]["refund"] == "partial"


async def test_customers_are_put_and_seen(api):
    who = api.newcomer()
    body = {"name": "Asha Rao", "phone": "+919876543210", "consents": {"whatsapp": True}}

    put = await api.post(f"/customers/{who}", body, "service", method="PUT")

    assert shaped(put, schemas.CustomerView) == {"id": who, **body, "enabled": True}
    for wrong in ({"phone": "98765"}, {"consents": {"sms": True}}, {"consents": {"whatsapp": 1}},
                  {"name": ""}, {"id": "x"}):  # fmt: skip
        answer = await api.post(f"/customers/{who}", wrong, "service", method="PUT")
        assert answer.status_code == 400, wrong
    wallet = shaped(await api.get(f"/customers/{who}/wallet", "viewer"), schemas.StaffWalletView)
    assert wallet["balance"] == 0


async def test_adjustments_have_a_reason_and_wait_over_the_limit(api):
    who = api.newcomer()
    path = f"/customers/{who}/adjustments"

    given = await api.post(path, {"amount": 1_000_000, "reason_code": "goodwill"}, "finance")
    taken = await api.post(
        path, {"amount": 400, "reason_code": "correction", "direction": "debit"}, "finance"
    )
    waits = await api.post(path, {"amount": 1_000_001, "reason_code": "goodwill"}, "owner")
    poor = await api.post(
        path, {"amount": 1_000_000, "reason_code": "correction", "direction": "debit"}, "owner"
    )

    assert shaped(given, schemas.AdjustmentView, 201)["status"] == "posted"
    assert taken.status_code == 201
    assert shaped(waits, schemas.AdjustmentView, 201)["status"] == "awaiting_approval"
    assert (poor.status_code, poor.json()["code"]) == (402, "insufficient_funds")
    assert (await api.get("/wallet", who)).json()["balance"] == 999_600
    for wrong in ({"amount": 1}, {"amount": 1, "reason_code": "because"},
                  {"amount": 1, "reason_code": "goodwill", "direction": "up"}):  # fmt: skip
        assert (await api.post(path, wrong, "owner")).status_code == 400


async def test_a_refund_over_the_limit_awaits_approval(api):
    who = api.newcomer()
    order = await api.order(pay=True, amount=1_000_001, who=who)

    waits = await api.post(f"/orders/{order}/refunds", {"to": "wallet", "reason": "r"}, "finance")
    over = await api.post(
        f"/orders/{order}/refunds", {"to": "wallet", "reason": "r", "amount": 1}, "finance"
    )

    assert (waits.status_code, waits.json()["status"]) == (201, "awaiting_approval")
    assert (over.status_code, over.json()["code"]) == (409, "refund_exceeds_refundable")
    shown = (await api.get(f"/orders/{order}", who)).json()
    assert (shown["status"], shown["refund_reserved"]) == ("paid", 1_000_001)


async def test_statement_pages_are_cursors_and_filters_hold(api):
    who = api.newcomer()
    started = api.clock.now()
    for number in range(1, 8):
        await api.shop.give(number, who)
        api.clock.advance(60)
    path = "/wallet/transactions"

    seen, cursor = [], None
    while True:
        params = {"limit": 3, **({"cursor": cursor} if cursor else {})}
        page = (await api.get(path, who, params=params)).json()
        seen += [item["amount"] for item in page["items"]]
        await api.shop.give(1_000, who)  # what arrives meanwhile shifts nothing
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == [7, 6, 5, 4, 3, 2, 1]

    between = {
        "from": (started + timedelta(seconds=60)).isoformat(),
        "to": (started + timedelta(seconds=180)).isoformat(),
    }
    amounts = [
        item["amount"] for item in (await api.get(path, who, params=between)).json()["items"]
    ]
    assert amounts == [3, 2]
    none = await api.get(path, who, params={"kind": "order_payment"})
    assert none.json() == {"items": [], "next_cursor": None}
    other = await api.get(path, who, params={"currency": "USD"})
    assert other.json()["items"] == []


async def test_order_pages_are_cursors(api):
    who = api.newcomer()
    made = [await api.order(who=who, amount=1) for _ in range(5)]

    first = (await api.get("/orders", who, params={"limit": 2})).json()
    await api.order(who=who, amount=1)
    second = (
        await api.get("/orders", who, params={"limit": 4, "cursor": first["next_cursor"]})
    ).json()

    ids = [order["id"] for order in first["items"] + second["items"]]
    assert ids == sorted(made, reverse=True)
    assert second["next_cursor"] is None
    by_status = (await api.get("/orders", who, params={"status": "paid"})).json()
    assert by_status["items"] == []
    reference = first["items"][0]["reference"]
    (named,) = (await api.get("/orders", who, params={"reference": reference})).json()["items"]
    assert named["reference"] == reference


async def test_service_orders_say_whose_they_are(api):
    fine = {"reference": api.reference(), "amount": 1_000, "currency": "INR"}

    nobodys = await api.post("/orders", fine, "service")
    somebodys = await api.post("/orders", {**fine, "customer": "asha"}, "service")

    assert nobodys.json()["errors"][0]["pointer"] == "/customer"
    assert nobodys.status_code == 400
    assert somebodys.json()["customer"] == "asha"


async def test_webhooks_are_acknowledged_known_or_refused(api):
    unknown = await api.post("/webhooks/paytm", b"{}", None)
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    body = b'{"event":"a.%s"}' % api.reference().encode()
    for expected in ("stored", "known"):
        answer = await api.http.post("/webhooks/razorpay", content=body, headers=signed(body))
        assert (answer.status_code, answer.json()) == (200, {"status": expected})
        while await api.shop.rows("inbox", "status = 'received'"):
            await api.shop.pause()
    count = len(await api.shop.rows("inbox"))
    for headers in ({}, {"x-razorpay-signature": "0" * 64}, {"x-razorpay-signature": b"\xe9"},
                    {"x-razorpay-signature": signed(body)["x-razorpay-signature"][:-1]},
                    signed(body + b" ")):  # fmt: skip
        answer = await api.http.post("/webhooks/razorpay", content=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "webhook_rejected")
    assert len(await api.shop.rows("inbox")) == count
    for code in ("console", "whatsapp", "razorpay", "paytm"):
        challenge = await api.get(f"/webhooks/{code}", None, params={"hub.mode": "subscribe"})
        assert challenge.status_code == 404
    for code in ("console", "whatsapp"):  # the one reports nothing, the other is off
        assert (await api.post(f"/webhooks/{code}", b"{}", None)).status_code == 404


async def test_health_says_what_is_there(api):
    whole = (await api.get("/health", None)).json()

    assert whole["status"] == "ok"
    assert whole["gateways"]["razorpay"] == "test"
    assert whole["gateways"]["paypal"].startswith("paypal is off: set BATUA_PAYPAL_CLIENT_ID")
    assert whole["queues"].keys() == {
        "inbox", "inbox_since", "attention", "outbox", "outbox_since", "outbox_dead",
    }  # fmt: skip
    assert whole["workers"] == {"alive": 0, "last": None}
    assert whole["verify"] == {"last": None, "sound": None}
    root = str(api.http.base_url).replace("/api/v1/", "")
    for path in ("/health/live", "/health/ready", "/health"):
        assert (await api.http.get(root + path)).json()["status"] == "ok"
        assert (await api.get(path, None)).json()["status"] == "ok"


async def test_what_is_not_there_is_a_problem_too(api):
    for path, method, status, code in (
        ("/nothing", "GET", 404, "not_found"),
        ("/orders/ord_none", "GET", 404, "not_found"),
        ("/topups/top_none", "GET", 404, "not_found"),
        ("/refunds/ref_none", "GET", 404, "not_found"),
        ("/wallet", "POST", 405, "method_not_allowed"),
        ("/orders", "DELETE", 405, "method_not_allowed"),
    ):
        answer = await api.post(path, b"", method=method)
        assert (answer.status_code, answer.json()["code"]) == (status, code), path
        assert answer.headers["content-type"] == "application/problem+json"
