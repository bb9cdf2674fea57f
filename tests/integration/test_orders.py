"""Orders: created, paid from the wallet or by a gateway, cancelled."""

import asyncio

import pytest
from msgspec.structs import replace

from batua.contract import Money
from batua.errors import Conflict, IdempotencyConflict, InvalidRequest, NotFound
from batua.orders import CreateOrder, RefundTo
from batua.outbox import Announcer
from batua.wallets import NO_RULES
from tests.support.shop import claim


async def test_an_order_waits_to_be_paid(shop):
    created = await shop.create_order(30_000, reference="A-1")

    assert created.status == 201
    assert (created["status"], created["reference"]) == ("pending", "A-1")
    assert await shop.transfers() == []
    assert await shop.messages() == []


async def test_one_tap_creates_and_pays(shop):
    await shop.give(200_000)

    order = await shop.create_order(30_000, pay=True)

    assert (order["status"], order["paid_from_wallet"], order["paid_by_gateway"]) == (
        "paid", 30_000, 0
    )  # fmt: skip
    assert order["paid_at"] is not None
    assert await shop.balance() == 170_000
    (paid,) = await shop.transfers(kind="order_payment")
    assert (paid["id"], paid["order_id"], paid["amount"]) == (
        f"{order['id']}.payment", order["id"], 30_000
    )  # fmt: skip
    (message,) = await shop.messages()
    assert (message["template"], message["order_id"]) == ("order_paid", order["id"])
    assert '"balance":{"amount":170000,"currency":"INR"}' in message["parameters"]


async def test_one_tap_without_the_money_leaves_nothing_behind(shop):
    refused = await shop.create_order(30_000, customer="nobody", pay=True)

    assert (refused.status, refused["code"]) == (402, "insufficient_funds")
    for table in ("order", "customer", "account", "transfer", "outbox"):
        assert await shop.rows(table) == [], table


async def test_one_tap_takes_no_held_money(shop):
    top_up = await shop.topped_up(50_000)
    await shop.provider.refunds_end("pending")
    await shop.refund_top_up(top_up, 30_000)

    refused = await shop.create_order(20_001, pay=True)
    taken = await shop.create_order(20_000, pay=True)

    assert (refused["code"], taken["status"]) == ("insufficient_funds", "paid")
    assert await shop.rows("order", "reference = 'A-1'") == []


async def test_the_last_paisa_can_be_spent(shop):
    await shop.give(30_000)

    assert (await shop.create_order(30_000, pay=True))["status"] == "paid"
    assert (await shop.create_order(1, pay=True))["code"] == "insufficient_funds"
    assert await shop.balance() == 0


async def test_a_reference_belongs_to_one_order(shop):
    first = await shop.create_order(30_000, reference="A-1")
    second = await shop.create_order(30_000, customer="ravi", reference="A-1")

    assert (second.status, second["code"]) == (409, "order_reference_exists")
    for customer, by, is_named in (
        ("ravi", "customer:ravi", False),
        ("asha", "customer:asha", True),
        ("ravi", "service:shop", True),
    ):
        new = replace(shop.new_order(reference="A-1", customer=customer), created_by=by)
        operation = CreateOrder(
            new=new,
            pay=False,
            announcer=Announcer(shop.batua.new_id),
            newcomers=shop.batua.newcomers,
            new_id=shop.batua.new_id,
            rules=NO_RULES,
        )
        with pytest.raises(Conflict) as refusal:
            await shop.batua.engine.submit(operation)
        assert (first["id"] in str(refusal.value)) is is_named, by
    assert [row["id"] for row in await shop.rows("order")] == [first["id"]]
    assert await shop.rows("customer", "id = 'ravi'") == []


async def test_a_reference_stays_unique_under_concurrency(shop):
    await shop.give(100_000)

    answers = await asyncio.gather(
        *(shop.create_order(1_000, reference="A-1", pay=True) for _ in range(20))
    )

    assert sorted(answer.status for answer in answers) == [201] + [409] * 19
    assert await shop.balance() == 99_000


async def test_concurrent_one_tap_payments_never_overdraw(shop):
    await shop.give(10_000)

    answers = await asyncio.gather(*(shop.create_order(1_000, pay=True) for _ in range(60)))

    assert sorted(answer.status for answer in answers) == [201] * 10 + [402] * 50
    assert await shop.balance() == 0
    assert len(await shop.rows("order")) == 10


async def test_a_pending_order_is_paid_from_the_wallet_once(shop):
    await shop.give(100_000)
    order = (await shop.create_order(30_000))["id"]

    paid = await shop.pay_from_wallet(order)
    again = await shop.pay_from_wallet(order)

    assert (paid.status, paid["order"]["status"], paid["payment"]) == (201, "paid", None)
    assert (again.status, again["code"]) == (409, "order_not_pending")
    assert await shop.balance() == 70_000


async def test_many_taps_on_one_order_pay_it_once(shop):
    await shop.give(100_000)
    order = (await shop.create_order(30_000))["id"]

    answers = await asyncio.gather(*(shop.pay_from_wallet(order) for _ in range(20)))

    assert sorted(answer.status for answer in answers) == [201] + [409] * 19
    assert await shop.balance() == 70_000


async def test_the_same_key_again_replays_the_answer_and_moves_nothing(shop):
    await shop.give(100_000)

    first = await shop.create_order(30_000, pay=True, key="k", reference="A-1")
    again = await shop.create_order(30_000, pay=True, key="k", reference="A-1")

    assert again.body == first.body
    assert (first.replayed, again.replayed) == (False, True)
    assert await shop.balance() == 70_000


async def test_a_refusal_is_replayed_although_there_is_money_by_now(shop):
    refused = await shop.create_order(30_000, pay=True, key="k", reference="A-1")
    await shop.give(100_000)
    again = await shop.create_order(30_000, pay=True, key="k", reference="A-1")

    assert (refused.status, again.status, again.replayed) == (402, 402, True)
    assert await shop.balance() == 100_000


async def test_a_key_with_another_body_is_refused(shop):
    new = shop.new_order(30_000)
    await shop.batua.orders.create(new, claim("k", body="one"), pay=False)

    with pytest.raises(IdempotencyConflict):
        await shop.batua.orders.create(new, claim("k", body="two"), pay=False)


async def test_an_order_is_paid_by_the_gateway(shop):
    order = (await shop.create_order(30_000))["id"]
    opened = await shop.pay_by_gateway(order)
    assert opened["order"]["status"] == "pending"
    assert opened["payment"]["status"] == "pending"

    await shop.provider.pay(opened["payment"]["provider_reference"])
    await shop.hear()

    row = await shop.row("order", order)
    assert (row["status"], row["paid_by_gateway"], row["paid_from_wallet"]) == ("paid", 30_000, 0)
    assert (await shop.row("payment", opened["payment"]["id"]))["status"] == "succeeded"
    (capture,) = await shop.rows("capture")
    assert (capture["destination"], capture["order_id"], capture["amount"]) == (
        "order", order, 30_000
    )  # fmt: skip
    assert [message["template"] for message in await shop.messages()] == ["order_paid"]
    assert await shop.balance() == 0


async def test_paying_by_the_gateway_is_replayed_under_its_key(shop):
    order = (await shop.create_order(30_000))["id"]

    first = await shop.pay_by_gateway(order, key="k")
    again = await shop.pay_by_gateway(order, key="k")

    assert again.body == first.body
    assert len(await shop.rows("payment")) == 1


async def test_an_order_below_the_gateways_minimum_is_refused(shop):
    order = (await shop.create_order(99))["id"]

    with pytest.raises(InvalidRequest) as refusal:
        await shop.pay_by_gateway(order)

    assert refusal.value.code == "amount_below_minimum"
    assert await shop.rows("payment") == []


async def test_a_paid_order_opens_no_payment_at_the_gateway(shop):
    order = await shop.paid_order()

    with pytest.raises(Conflict) as refusal:
        await shop.pay_by_gateway(order)

    assert refusal.value.code == "order_not_pending"


async def test_a_payment_at_the_gateway_closes_the_others_of_its_order(shop):
    order = (await shop.create_order(30_000))["id"]
    first, second = [await shop.pay_by_gateway(order) for _ in range(2)]
    other = (await shop.create_order(40_000))["id"]
    unrelated = await shop.pay_by_gateway(other)

    await shop.provider.pay(second["payment"]["provider_reference"])
    await shop.hear()

    states = {
        name: (await shop.row("payment", opened["payment"]["id"]))["status"]
        for name, opened in (("first", first), ("second", second), ("unrelated", unrelated))
    }
    assert states == {"first": "cancelled", "second": "succeeded", "unrelated": "pending"}
    assert (await shop.row("order", other))["status"] == "pending"


@pytest.mark.parametrize("first", ["wallet", "gateway", "cancelled"])
async def test_money_for_an_order_that_wants_none_becomes_paid_credit(shop, first):
    order = (await shop.create_order(30_000))["id"]
    late = await shop.pay_by_gateway(order)
    if first == "wallet":
        await shop.give(30_000)
        await shop.pay_from_wallet(order)
    elif first == "gateway":
        other = await shop.pay_by_gateway(order)
        await shop.provider.pay(other["payment"]["provider_reference"])
        await shop.hear()
    else:
        await shop.cancel(order)
    before = await shop.row("order", order)

    await shop.provider.pay(late["payment"]["provider_reference"])
    await shop.hear()

    assert await shop.balance() == 30_000
    (credit,) = await shop.transfers(kind="paid_credit")
    status = "cancelled" if first == "cancelled" else "paid"
    assert (credit["reason"], credit["order_id"]) == (f"order_is_{status}", order)
    assert (await shop.row("order", order))["paid_by_gateway"] == before["paid_by_gateway"]
    assert (await shop.row("order", order))["status"] == status
    (message,) = await shop.messages("top_up_succeeded")
    assert message["order_id"] == order
    assert '"amount":{"amount":30000,"currency":"INR"}' in message["parameters"]


async def test_a_second_capture_on_one_payment_becomes_paid_credit(shop):
    order = (await shop.create_order(30_000))["id"]
    opened = await shop.pay_by_gateway(order)
    for _ in range(2):
        await shop.provider.pay(opened["payment"]["provider_reference"])
        await shop.hear(times=3)

    assert (await shop.row("order", order))["paid_by_gateway"] == 30_000
    assert await shop.balance() == 30_000
    assert len(await shop.rows("capture")) == 2


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"amount": 29_999}, "amount_differs"),
        ({"amount": 30_001}, "amount_differs"),
        ({"currency": "USD"}, "currency_differs"),
    ],
)
async def test_another_amount_or_currency_goes_to_suspense(shop, changes, reason):
    order = (await shop.create_order(30_000))["id"]
    opened = await shop.pay_by_gateway(order)

    await shop.provider.pay(opened["payment"]["provider_reference"], **changes)
    await shop.hear()

    (capture,) = await shop.rows("capture")
    assert (capture["destination"], capture["reason"]) == ("suspense", reason)
    assert capture["amount"] == changes.get("amount", 30_000)
    assert capture["currency"] == changes.get("currency", "INR")
    assert (await shop.row("order", order))["status"] == "pending"
    assert await shop.balance() == 0
    assert await shop.messages() == []


async def test_a_failed_try_leaves_the_order_pending_and_payable(shop):
    order = (await shop.create_order(30_000))["id"]
    opened = await shop.pay_by_gateway(order)
    reference = opened["payment"]["provider_reference"]

    await shop.provider.pay(reference, "failed")
    await shop.hear()
    assert (await shop.row("payment", opened["payment"]["id"]))["status"] == "failed"
    assert (await shop.row("order", order))["status"] == "pending"

    await shop.provider.pay(reference)
    await shop.hear()
    assert (await shop.row("order", order))["status"] == "paid"


async def test_a_frozen_wallet_pays_nothing(shop):
    await shop.give(100_000)
    order = (await shop.create_order(30_000))["id"]
    await shop.freeze()

    one_tap = await shop.create_order(30_000, pay=True)
    paid = await shop.pay_from_wallet(order)

    assert (one_tap["code"], paid["code"]) == ("wallet_frozen", "wallet_frozen")
    assert await shop.balance() == 100_000
    assert len(await shop.rows("order")) == 1


async def test_a_frozen_wallet_still_takes_captures_and_refunds(shop):
    order = await shop.paid_order(30_000)
    other = (await shop.create_order(20_000))["id"]
    late = await shop.pay_by_gateway(other)
    await shop.cancel(other)
    await shop.freeze()

    await shop.provider.pay(late["payment"]["provider_reference"])
    await shop.hear()
    refunded = await shop.refund(order, "wallet")

    assert refunded["status"] == "succeeded"
    assert await shop.balance() == 50_000
    assert (await shop.wallet()).status == "frozen"


async def test_cancelling_closes_its_payments_and_may_be_repeated(shop):
    order = (await shop.create_order(30_000))["id"]
    opened = await shop.pay_by_gateway(order)

    first, again = await shop.cancel(order), await shop.cancel(order)

    assert (first["status"], again["status"]) == ("cancelled", "cancelled")
    assert (await shop.row("payment", opened["payment"]["id"]))["status"] == "cancelled"
    refused = await shop.pay_from_wallet(order)
    assert refused["code"] == "order_not_pending"


async def test_a_paid_order_is_not_cancelled(shop):
    order = await shop.paid_order()

    assert (await shop.cancel(order))["code"] == "order_not_pending"
    assert (await shop.row("order", order))["status"] == "paid"


async def test_what_does_not_exist_is_not_found(shop):
    orders = shop.batua.orders
    for call in (
        orders.read("ord_none"),
        orders.find("A-none"),
        orders.read_refund("ref_none"),
        orders.cancel("ord_none", claim()),
        orders.pay_from_wallet("ord_none", claim(), actor="customer:asha"),
        orders.pay_by_gateway("ord_none", "razorpay", "https://shop.example", claim()),
        orders.refund("ord_none", RefundTo.AUTO, shop.new_refund(), claim()),
        orders.refund_by_staff("ord_none", RefundTo.AUTO, shop.new_refund()),
        orders.decide_refund("ref_none", approver="staff:ravi", approve=True),
    ):
        with pytest.raises(NotFound):
            await call


async def test_orders_are_listed_newest_first_by_customer_status_and_reference(shop):
    await shop.give(100_000)
    made = [await shop.create_order(1_000, pay=number % 2 == 0) for number in range(4)]
    await shop.create_order(1_000, customer="ravi", reference="B-1")
    orders = shop.batua.orders

    def ids(rows):
        return [row["id"] for row in rows]

    mine = ids(await orders.page("asha", None, None, before=None, limit=10))
    assert mine == sorted((order["id"] for order in made), reverse=True)
    assert ids(await orders.page("asha", None, None, before=mine[1], limit=1)) == mine[2:3]
    paid = await orders.page(None, "paid", None, before=None, limit=10)
    assert len(paid) == 2
    (named,) = await orders.page(None, None, "B-1", before=None, limit=10)
    assert named["customer_id"] == "ravi"
    assert (await orders.find("B-1"))["id"] == named["id"]


async def test_an_order_in_another_currency_uses_that_wallet(shop):
    await shop.give(5_000, currency="USD")

    paid = await shop.create_order(5_000, pay=True, currency="USD")
    refused = await shop.create_order(1, pay=True, currency="INR")

    assert (paid["status"], refused["code"]) == ("paid", "insufficient_funds")
    assert (await shop.wallet(currency="USD")).posted == 0
    assert Money(5_000, "USD") == Money(paid["amount"], paid["currency"])
