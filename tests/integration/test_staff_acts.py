"""What staff do by hand beside refunds and adjustments: each once, and each in the log."""

import asyncio

import pytest

from batua.audit import Act, Actor, acting, note_act
from batua.contract import DisputeStatus
from batua.errors import Conflict, InvalidRequest, NotFound, Refusal
from batua.identity import Role
from batua.outbox import retry_message
from batua.wallets import FreezeWallet
from tests.support.disputes import balances, dispute, provider_payment
from tests.support.shop import STAFF, open_shop, with_phone

MEERA = Actor(name=STAFF, role=Role.FINANCE)


def act(number=1, word="some_act"):
    return acting(Act(id=f"aud_{number}", actor=MEERA, word=word))


async def acts(shop):
    return [row["id"] for row in await shop.rows("audit", order="seq")]


async def code_of(doing):
    try:
        await doing
    except Refusal as refusal:
        return refusal.code
    return ""


# --- freezing -------------------------------------------------------------------------------------


async def set_frozen(shop, freezes, customer="asha", currency="INR"):
    await shop.batua.engine.submit(
        FreezeWallet(
            customer_id=customer, currency=currency, freezes=freezes, new_id=shop.batua.new_id
        )
    )


async def status_of(shop):
    return (await shop.wallet()).status


async def events(shop):
    return [row["type"] for row in await shop.rows("event", "type like 'wallet.%frozen'", "id")]


async def test_a_frozen_wallet_pays_nothing_and_takes_what_comes(shop):
    await shop.run("update batua_ledger set announces = true, version = version + 1")
    await shop.give(30_000)
    with act():
        await set_frozen(shop, True)
    assert (await shop.create_order(10_000, pay=True))["code"] == "wallet_frozen"
    await shop.give(5_000)
    with act(2):
        await set_frozen(shop, False)
        await set_frozen(shop, False)
    assert (await shop.create_order(10_000, pay=True)).status == 201
    assert await shop.balance() == 25_000
    assert await acts(shop) == ["aud_1", "aud_2"]
    assert await events(shop) == ["wallet.frozen", "wallet.unfrozen"]
    assert await code_of(set_frozen(shop, True, customer="nobody")) == "not_found"
    assert await code_of(set_frozen(shop, True, currency="XYZ")) == "unknown_currency"


@pytest.mark.parametrize("is_first", [True, False], ids=["before", "after"])
async def test_what_staff_froze_outlives_a_won_dispute(shop, is_first):
    payment = await provider_payment(shop, top_up_id=await shop.topped_up())
    if is_first:
        await set_frozen(shop, True)
    await dispute(shop, payment, "open")
    if not is_first:
        await set_frozen(shop, True)
    await dispute(shop, payment, "won")
    assert await status_of(shop) == "frozen"
    await set_frozen(shop, False)
    assert await status_of(shop) == "active"


async def test_staff_may_unfreeze_what_a_dispute_froze_and_another_freezes_it_again(shop):
    await shop.run("update batua_ledger set announces = true, version = version + 1")
    first = await provider_payment(shop, top_up_id=await shop.topped_up())
    second = await provider_payment(shop, top_up_id=await shop.topped_up())
    await dispute(shop, first, "open")
    await set_frozen(shop, False)
    assert await status_of(shop) == "active"
    await dispute(shop, second, "open", id="disp_2")
    assert await status_of(shop) == "frozen"
    await dispute(shop, first, "won")
    assert await status_of(shop) == "frozen"
    await dispute(shop, second, "won", id="disp_2")
    assert await status_of(shop) == "active"
    assert await events(shop) == ["wallet.frozen", "wallet.unfrozen"] * 2


# --- orders and top-ups ---------------------------------------------------------------------------


async def test_an_order_is_cancelled_without_a_key_and_stays_so(shop):
    await shop.give(20_000)
    order = (await shop.create_order(30_000))["id"]
    await shop.pay_split(order)
    with act():
        cancelled = await shop.batua.orders.cancel_by_staff(order)
    assert cancelled["status"] == "cancelled"
    assert (await shop.batua.orders.cancel_by_staff(order))["status"] == "cancelled"
    assert (await shop.wallet()).available == 20_000
    assert await acts(shop) == ["aud_1"]
    paid = await shop.paid_order()
    assert await code_of(shop.batua.orders.cancel_by_staff(paid)) == "order_not_pending"
    assert await code_of(shop.batua.orders.cancel_by_staff("ord_none")) == "not_found"


async def test_a_top_up_is_refunded_by_its_refunds_own_id(shop):
    top_up = await shop.topped_up(50_000)
    new = shop.new_refund(20_000)
    made = await asyncio.gather(
        *(shop.batua.top_ups.refund_by_staff(top_up, new) for _ in range(3))
    )
    assert {refund["id"] for refund in made} == {new.id}
    await shop.hear()
    assert await shop.balance() == 30_000
    assert (await shop.row("refund", new.id))["status"] == "succeeded"
    late = shop.new_refund(30_001)
    refused = await code_of(shop.batua.top_ups.refund_by_staff(top_up, late))
    assert refused == "refund_exceeds_refundable"


# --- disputes -------------------------------------------------------------------------------------


@pytest.fixture
async def disputed(shop):
    """The provider's payment of a top-up that is in dispute, and the dispute's id."""
    payment = await provider_payment(shop, top_up_id=await shop.topped_up())
    await dispute(shop, payment, "open")
    return payment, (await shop.rows("dispute"))[0]["id"]


async def test_staff_state_that_a_dispute_was_won(shop, disputed):
    payment, disputed_id = disputed
    with act():
        resolved = await shop.batua.by_hand.disputes.resolve(
            disputed_id, DisputeStatus.WON, actor=STAFF
        )
        again = await shop.batua.by_hand.disputes.resolve(
            disputed_id, DisputeStatus.WON, actor=STAFF
        )
    assert (resolved["status"], again) == ("won", resolved)
    assert await shop.balance() == 50_000
    (back,) = await shop.transfers(kind="reversal_of_dispute_wallet")
    assert (back["actor"], back["reason"]) == (STAFF, "resolved_by_staff")
    assert await acts(shop) == ["aud_1"]

    resolver = shop.batua.by_hand.disputes
    assert (
        await code_of(resolver.resolve(disputed_id, DisputeStatus.LOST, actor=STAFF))
        == "dispute_was_won"
    )
    assert await dispute(shop, payment, "won") == ("applied", "nothing_new")
    status, note = await dispute(shop, payment, "lost")
    assert (status, note.partition(":")[0]) == ("quarantined", "dispute_was_won")


async def test_a_dispute_that_staff_called_lost_may_still_be_won(shop, disputed):
    payment, disputed_id = disputed
    await shop.batua.by_hand.disputes.resolve(disputed_id, DisputeStatus.LOST, actor=STAFF)
    (lost,) = await shop.transfers(kind="dispute_lost")
    assert lost["actor"] == STAFF
    assert await balances(shop) == {}
    await dispute(shop, payment, "won")
    assert await shop.balance() == 50_000


async def test_two_of_the_staff_resolve_a_dispute_at_once(shop, disputed):
    _, disputed_id = disputed
    resolver = shop.batua.by_hand.disputes
    codes = await asyncio.gather(
        code_of(resolver.resolve(disputed_id, DisputeStatus.WON, actor=STAFF)),
        code_of(resolver.resolve(disputed_id, DisputeStatus.LOST, actor="staff:ravi")),
    )
    assert codes in (["", "dispute_was_won"], ["", ""])  # lost, then won, as on an appeal
    assert (await shop.row("dispute", disputed_id))["status"] == "won"
    assert await shop.balance() == 50_000
    with pytest.raises(InvalidRequest):
        await resolver.resolve(disputed_id, DisputeStatus.OPEN, actor=STAFF)
    with pytest.raises(NotFound):
        await resolver.resolve("dsp_none", DisputeStatus.WON, actor=STAFF)


# --- messages -------------------------------------------------------------------------------------


async def test_a_dead_webhook_is_replayed_and_pays_once(shop):
    opened = await shop.open_top_up(50_000)
    await shop.provider.pay(opened["payment"]["provider_reference"])
    inbox_ids = [
        await shop.receive(body, headers) for _, body, headers in await shop.provider.new_events()
    ]
    await shop.run(
        "update batua_inbox set status = 'dead', note = 'x', attempts = 20, next_attempt_at = null"
    )
    for number, inbox_id in enumerate(inbox_ids):
        with act(number):
            replayed = await shop.batua.applier.replay(inbox_id)
        assert (replayed["status"], replayed["next_attempt_at"]) == ("applied", None)
    assert await shop.balance() == 50_000
    with act(9):
        again = await asyncio.gather(*(shop.batua.applier.replay(each) for each in inbox_ids * 2))
    assert {row["status"] for row in again} == {"applied"}
    assert await shop.balance() == 50_000
    assert len(await shop.rows("capture")) == 1
    assert await acts(shop) == [*(f"aud_{number}" for number in range(len(inbox_ids))), "aud_9"]
    with pytest.raises(NotFound):
        await shop.batua.applier.replay("inb_none")


async def test_a_webhook_that_still_fails_is_tried_anew_by_the_worker(shop):
    opened = await shop.open_top_up(50_000)
    await shop.provider.pay(opened["payment"]["provider_reference"])
    _, body, headers = (await shop.provider.new_events())[0]
    inbox_id = await shop.receive(body, headers)
    (stored,) = await shop.rows("inbox")
    await shop.run("update batua_inbox set status = 'dead', attempts = 20, events = 'broken'")
    replayed = await shop.batua.applier.replay(inbox_id)
    assert (replayed["status"], replayed["attempts"]) == ("received", 1)
    assert replayed["next_attempt_at"] > shop.clock.now()
    await shop.run("update batua_inbox set events = $1", stored["events"])
    await shop.work(after_s=5)
    assert (await shop.row("inbox", inbox_id))["status"] == "applied"


async def test_a_notification_that_was_given_up_is_sent_again(database_url, clock):
    async with open_shop(database_url, clock, newcomers=with_phone) as shop:
        await shop.topped_up()
        (message,) = await shop.messages()
        message_id = message["id"]
        await shop.run("update batua_outbox set status = 'dead', note = 'x', attempts = 12,"
                       " next_attempt_at = null")  # fmt: skip
        with act():
            made = await asyncio.gather(
                *(retry_message(shop.batua.engine, message_id) for _ in range(2))
            )
        assert {each["status"] for each in made} == {"pending"}
        await shop.work()
        (sent,) = await shop.messages()
        assert (sent["status"], sent["attempts"]) == ("sent", 1)
        with pytest.raises(Conflict) as refusal:
            await retry_message(shop.batua.engine, message_id)
        assert refusal.value.code == "message_sent"
        assert await code_of(retry_message(shop.batua.engine, "ntf_none")) == "not_found"
        assert await acts(shop) == ["aud_1"]


async def test_an_act_outside_the_ledger_is_noted_once(shop):
    await note_act(shop.batua.engine)
    with act():
        await note_act(shop.batua.engine)
        await note_act(shop.batua.engine)
    assert await acts(shop) == ["aud_1"]
