"""The outbox: what was written with the money is sent after it, at least once, by one sender."""

import asyncio
import json
import logging
from datetime import timedelta

import pytest

from batua.contract import Delivery, DeliveryStatus, NotifierRejected, NotifierUnavailable, Sent
from batua.notifiers.console import ConsoleNotifier
from batua.outbox import Outbox, sending
from batua.testing.serving import serving
from batua.testing.simulators.whatsapp import WhatsAppSimulator
from batua.testing.simulators.whatsapp.faults import Faults
from batua.wallets import Newcomer
from tests.support.shop import open_shop, with_phone


class Phone(ConsoleNotifier):
    """A notifier that a test answers for: ``script`` is raised one after the other."""

    def __init__(self, *script, hangs=False):
        self.script = list(script)
        self.sent = []
        self.hangs = hangs

    async def send(self, notification):
        if self.hangs:
            await asyncio.Event().wait()
        if self.script and (error := self.script.pop(0)):
            raise error
        await asyncio.sleep(0)
        self.sent.append(notification)
        return Sent(provider_reference=f"phone:{notification.id}")


def outbox_of(shop, phone):
    return Outbox(
        shop.batua.database,
        phone,
        now=shop.clock.now,
        find_recipient=shop.batua.customers.find_recipient,
        opt_out=shop.batua.customers.opt_out,
    )


@pytest.fixture
async def whatsapp(database_url, clock):
    """A shop whose customers have phones and agreed, and WhatsApp's simulator."""
    simulator = WhatsAppSimulator(
        phone_number_id="1", access_token="t", app_secret="s", webhook_url=None, store=None
    )
    async with serving(simulator.app) as base:
        environ = {
            "BATUA_WHATSAPP_PHONE_NUMBER_ID": "1",
            "BATUA_WHATSAPP_ACCESS_TOKEN": "t",
            "BATUA_WHATSAPP_APP_SECRET": "s",
            "BATUA_WHATSAPP_BASE_URL": base,
        }
        await simulator.start()
        async with open_shop(
            database_url, clock, environ=environ, notifier="whatsapp", newcomers=with_phone
        ) as shop:
            yield shop, simulator
        await simulator.stop()


async def test_each_message_is_sent_once(whatsapp):
    shop, simulator = whatsapp
    order = await shop.paid_order(30_000)
    await shop.refund(order, "wallet", 10_000)
    await shop.topped_up(50_000)

    assert await shop.work() == 3
    assert await shop.work() == 0

    sent = simulator.messages()
    assert [message.template for message in sent] == [
        "wallet_order_paid", "wallet_refund", "wallet_top_up"
    ]  # fmt: skip
    assert sent[0].parameters == ["Asha", "A-1", "₹300.00", "₹0.00"]
    rows = await shop.messages()
    assert {row["status"] for row in rows} == {"sent"}
    assert {row["notifier"] for row in rows} == {"whatsapp"}
    assert [row["provider_reference"] for row in rows] == [message.id for message in sent]
    assert [message.biz_opaque_callback_data for message in sent] == [row["id"] for row in rows]


@pytest.mark.parametrize(
    ("newcomer", "note"),
    [
        (Newcomer(name="Asha", phone="+915550000001"), "no consent for whatsapp"),
        (Newcomer(name="Asha"), "no phone number is known"),
    ],
)
async def test_nobody_is_written_to_without_a_number_and_a_yes(database_url, clock, newcomer, note):
    environ = {
        "BATUA_WHATSAPP_PHONE_NUMBER_ID": "1",
        "BATUA_WHATSAPP_ACCESS_TOKEN": "t",
        "BATUA_WHATSAPP_APP_SECRET": "s",
        "BATUA_WHATSAPP_BASE_URL": "http://127.0.0.1:9",  # nobody may be asked there
    }
    async with open_shop(
        database_url, clock, environ=environ, notifier="whatsapp", newcomers=lambda _: newcomer
    ) as shop:
        await shop.paid_order()
        await shop.work()

        (message,) = await shop.messages()
        assert (message["status"], message["note"]) == ("skipped", note)
        assert await shop.work(after_s=3600) == 0


async def test_whoever_opted_out_at_the_provider_is_not_written_to_again(whatsapp):
    shop, simulator = whatsapp
    simulator.faults.put(Faults(next_error=131050))
    await shop.paid_order()
    await shop.work()

    (message,) = await shop.messages()
    assert message["status"] == "failed"
    (consent,) = await shop.rows("consent")
    assert (consent["revoked_reason"], consent["revoked_at"] is None) == ("opted out", False)

    await shop.paid_order()
    await shop.work()
    assert {row["status"] for row in await shop.messages()} == {"failed", "skipped"}
    assert simulator.messages() == []


async def test_a_delivery_report_may_say_that_somebody_opted_out(whatsapp):
    shop, _ = whatsapp
    await shop.paid_order()
    await shop.work()
    (message,) = await shop.messages()

    known = await shop.batua.outbox.record_delivery(
        Delivery(
            provider_reference=message["provider_reference"],
            notification_id="",
            status=DeliveryStatus.FAILED,
            failure_message="stopped",
            opted_out=True,
        )
    )

    assert known
    assert await shop.batua.customers.consents("asha") == {}
    assert (await shop.messages())[0]["status"] == "failed"


async def test_a_provider_that_is_away_is_tried_ever_more_rarely_and_then_given_up(shop, caplog):
    await shop.paid_order()
    outbox = outbox_of(shop, Phone(*[NotifierUnavailable("away")] * 30))

    waits = []
    while (message := (await shop.messages())[0])["status"] == "pending" and len(waits) < 30:
        assert await outbox.send_due() == 1
        message = (await shop.messages())[0]
        if message["next_attempt_at"]:
            waits.append((message["next_attempt_at"] - shop.clock.now()).total_seconds())
            assert message["note"] == "away"
            shop.clock.advance(waits[-1] - 1)
            assert await outbox.send_due() == 0
            shop.clock.advance(1)

    assert waits == [2, 5, 15, 60, 300, 900, 3600, 3600, 3600, 3600, 3600]
    assert (message["status"], message["attempts"]) == ("dead", 12)
    assert any("is dead after 12 attempts" in record.message for record in caplog.records)
    shop.clock.advance(86_400)
    assert await outbox.send_due() == 0


async def test_the_provider_may_ask_for_a_longer_wait(shop):
    await shop.paid_order()
    outbox = outbox_of(shop, Phone(NotifierUnavailable("later", retry_after_s=86_400)))

    await outbox.send_due()

    (message,) = await shop.messages()
    assert message["next_attempt_at"] == shop.clock.now() + timedelta(days=1)


@pytest.mark.parametrize(
    "error", [OSError("reset"), ValueError("odd"), RuntimeError("a bug"), KeyError("another")]
)
async def test_one_message_that_cant_be_sent_holds_up_no_other(shop, error):
    await shop.give(3_000)
    for _ in range(3):
        await shop.create_order(1_000, pay=True)
    phone = Phone(error)

    await outbox_of(shop, phone).send_due()

    assert len(phone.sent) == 2
    waiting, *_ = sorted(await shop.messages(), key=lambda row: row["status"])
    assert (waiting["status"], type(error).__name__ in waiting["note"]) == ("pending", True)
    await shop.work(after_s=3)
    assert {row["status"] for row in await shop.messages()} == {"sent"}


async def test_a_message_that_is_refused_for_good_is_not_tried_again(shop):
    await shop.paid_order()
    phone = Phone(NotifierRejected("no such template"))

    await outbox_of(shop, phone).send_due()

    (message,) = await shop.messages()
    assert (message["status"], message["note"]) == ("failed", "no such template")
    assert await shop.work(after_s=86_400) == 0


async def test_what_a_killed_sender_had_in_hand_is_sent_after_its_lease(shop):
    await shop.paid_order()
    hanging = asyncio.create_task(outbox_of(shop, Phone(hangs=True)).send_due())
    for _ in range(50):
        await shop.pause()
        if (await shop.messages())[0]["attempts"]:
            break
    hanging.cancel()
    await asyncio.gather(hanging, return_exceptions=True)

    assert await shop.work(after_s=59) == 0
    assert await shop.work(after_s=1) == 1
    assert (await shop.messages())[0]["status"] == "sent"


async def test_two_senders_never_send_the_same_message(shop):
    await shop.give(60_000)
    await asyncio.gather(*(shop.create_order(1_000, pay=True) for _ in range(60)))
    phones = [Phone() for _ in range(3)]
    senders = [outbox_of(shop, phone) for phone in phones]

    for _ in range(3):
        await asyncio.gather(*(sender.send_due() for sender in senders))

    sent = [notification.id for phone in phones for notification in phone.sent]
    assert len(sent) == len(set(sent)) == 60


async def test_a_slow_provider_and_two_senders_send_each_message_once(shop):
    class SlowPhone(Phone):
        async def send(self, notification):
            shop.clock.advance(15)
            await outbox_of(shop, self.other).send_due()
            return await super().send(notification)

    slow, other = SlowPhone(), Phone()
    slow.other = other
    for _ in range(6):
        await shop.paid_order()

    while await outbox_of(shop, slow).send_due():
        shop.clock.advance(1)
    shop.clock.advance(60)
    await outbox_of(shop, other).send_due()

    sent = [each.id for phone in (slow, other) for each in phone.sent]
    assert sorted(sent) == [message["id"] for message in await shop.rows("outbox", order="id")]


async def test_a_send_that_never_ends_is_cut_before_its_lease_is_another_ones(shop, monkeypatch):
    monkeypatch.setattr(sending, "SEND_MAX_S", 0.05)
    await shop.paid_order()

    assert await outbox_of(shop, Phone(hangs=True)).send_due() == 1

    (message,) = await shop.messages()
    assert (message["status"], message["attempts"]) == ("pending", 1)
    assert "TimeoutError" in message["note"]


async def test_many_customers_messages_are_sent_side_by_side(shop):
    class Together(Phone):
        async def send(self, notification):
            await everybody.wait()
            return await super().send(notification)

    everybody = asyncio.Barrier(3)
    for customer in ("asha", "ravi", "zoe"):
        await shop.paid_order(customer=customer)

    async with asyncio.timeout(5):
        assert await outbox_of(shop, Together()).send_due() == 3


async def test_deliveries_only_move_forward(shop):
    await shop.paid_order()
    await shop.work()
    (message,) = await shop.messages()

    async def hear(status, **by):
        known = await shop.batua.outbox.record_delivery(
            Delivery(status=status, **{"provider_reference": "", "notification_id": "", **by})
        )
        assert known
        return (await shop.messages())[0]["status"]

    by_id = {"notification_id": message["id"], "provider_reference": "wamid.1"}
    assert await hear(DeliveryStatus.SENT, **by_id) == "sent"
    assert await hear(DeliveryStatus.FAILED, **by_id) == "failed"
    assert await hear(DeliveryStatus.DELIVERED, **by_id) == "delivered"
    assert await hear(DeliveryStatus.FAILED, **by_id) == "delivered"
    assert await hear(DeliveryStatus.SENT, **by_id) == "delivered"
    assert await hear(DeliveryStatus.READ, provider_reference="wamid.1") == "read"
    assert await hear(DeliveryStatus.DELIVERED, provider_reference="wamid.1") == "read"


async def test_a_delivery_report_that_overtakes_the_answer_is_kept(shop):
    await shop.paid_order()
    (message,) = await shop.messages()

    class Overtaken(Phone):
        async def send(self, notification):
            await outbox.record_delivery(
                Delivery(
                    provider_reference="wamid.1",
                    notification_id=notification.id,
                    status=DeliveryStatus.DELIVERED,
                )
            )
            return Sent(provider_reference="wamid.1")

    outbox = outbox_of(shop, Overtaken())
    await outbox.send_due()

    row = await shop.row("outbox", message["id"])
    assert (row["status"], row["provider_reference"]) == ("delivered", "wamid.1")


async def test_a_report_of_somebody_elses_message_is_not_ours(shop):
    stranger = Delivery(
        provider_reference="wamid.9", notification_id="", status=DeliveryStatus.READ
    )

    assert not await shop.batua.outbox.record_delivery(stranger)


async def test_without_a_notifier_messages_wait(database_url, clock):
    async with open_shop(database_url, clock, notifier="pigeon") as shop:
        await shop.paid_order()

        assert await shop.work() == 0
        assert (await shop.messages())[0]["status"] == "pending"


async def test_the_console_needs_neither_number_nor_consent(shop, caplog):
    caplog.set_level(logging.INFO, "batua.notifications")
    await shop.paid_order()

    await shop.work()

    (message,) = await shop.messages()
    assert message["status"] == "sent"
    assert "order_paid" in caplog.text
    assert json.loads(message["parameters"])["reference"] == "A-1"
