"""The inbox: verified, stored once, applied once, tried again, and never lost."""

import asyncio
import json

import pytest

from batua.contract import WebhookRejected
from batua.errors import NotFound, TryAgain
from tests.support.plugins import PAPER, install
from tests.support.provider import signed
from tests.support.shop import SECOND_PERSON, claim, open_shop


async def paid_events(shop, amount=50_000):
    opened = await shop.open_top_up(amount)
    await shop.provider.pay(opened["payment"]["provider_reference"])
    return opened, await shop.provider.new_events()


async def applied(shop, body, headers=None):
    """What became of a webhook."""
    inbox_id = await shop.receive(body, headers or signed(body))
    await shop.batua.applier.apply(inbox_id)
    return await shop.row("inbox", inbox_id)


def envelope(event, **parts):
    entities = {name: {"entity": entity} for name, entity in parts.items()}
    return json.dumps({"event": event, "payload": entities, "created_at": 1}).encode()


async def test_a_webhook_is_stored_as_its_bytes_came(shop):
    _, ((kind, body, headers), *_) = await paid_events(shop)
    secret = {"authorization": "Basic x", "cookie": "c", "proxy-authorization": "p"}

    inbox_id = await shop.receive(body, headers | secret)

    row = await shop.row("inbox", inbox_id)
    assert bytes(row["body"]) == body
    assert (row["status"], row["event_type"], row["attempts"]) == ("received", kind, 0)
    kept = json.loads(row["headers"])
    assert kept["x-razorpay-signature"] == headers["x-razorpay-signature"]
    assert not kept.keys() & secret.keys()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body, _: (body, {}),
        lambda body, headers: (body, headers | {"x-razorpay-signature": "0" * 64}),
        lambda body, headers: (
            body, headers | {"x-razorpay-signature": headers["x-razorpay-signature"][:-1]}
        ),
        lambda body, headers: (body, headers | {"x-razorpay-signature": "é" * 64}),
        lambda body, headers: (body, headers | {"x-razorpay-signature": ""}),
        lambda body, headers: (body + b" ", headers),
        lambda body, headers: (body.replace(b"50000", b"50001"), headers),
    ],
    ids=["missing", "wrong", "truncated", "not-ascii", "empty", "longer", "changed"],
)  # fmt: skip
async def test_what_is_not_genuine_is_refused_and_not_stored(shop, spoil):
    _, ((_, body, headers), *_) = await paid_events(shop)

    with pytest.raises(WebhookRejected):
        await shop.receive(*spoil(body, headers))

    assert await shop.rows("inbox") == []


async def test_a_gateway_that_is_not_installed_has_no_door(shop):
    with pytest.raises(NotFound):
        await shop.batua.receiver.receive("paytm", b"{}", {})


async def test_duplicates_are_stored_once_and_known_once_they_were_applied(shop):
    _, events = await paid_events(shop)

    ids = await asyncio.gather(
        *(shop.receive(body, headers) for _, body, headers in events for _ in range(10))
    )

    # While it waits, a retry is as good a moment as any to apply it.
    assert len(await shop.rows("inbox")) == len(set(ids)) == len(events) == 2
    await asyncio.gather(*(shop.batua.applier.apply(inbox_id) for inbox_id in ids))
    assert await shop.balance() == 50_000
    for _, body, headers in events:
        assert await shop.receive(body, headers) is None


async def test_one_event_id_with_another_body_is_another_event(shop):
    first, second = b'{"event":"a.b"}', b'{"event":"a.c"}'

    ids = [
        await shop.receive(body, signed(body, event_id))
        for body, event_id in ((first, "evt_1"), (second, "evt_1"), (first, ""))
    ]

    assert len(set(ids)) == len(await shop.rows("inbox")) == 3
    assert await shop.receive(first, signed(first, "evt_1")) == ids[0]
    assert await shop.receive(first, signed(first)) == ids[2]


async def test_a_replay_of_everything_changes_nothing(shop):
    _, events = await paid_events(shop)
    for _, body, headers in events:
        await applied(shop, body, headers)

    for _, body, headers in events * 3:
        assert await shop.receive(body, headers) is None
        # Under an unsigned id of its own it is stored again, and has no effect again.
        again = await applied(shop, body, headers | {"x-razorpay-event-id": "other"}) if (
            await shop.rows("inbox", "event_id = 'other'") == []
        ) else None  # fmt: skip
        assert again is None or (again["status"], again["note"]) == ("applied", "nothing_new")

    assert await shop.balance() == 50_000


async def test_events_that_mean_nothing_to_us_are_kept_and_ignored(shop):
    for body in (
        envelope("invoice.paid"),
        envelope("settlement.processed", settlement={"id": "setl_1"}),
        envelope("token.confirmed", token={"id": "token_1", "customer_id": "cust_1"}),
    ):
        row = await applied(shop, body)
        assert (row["status"], row["next_attempt_at"]) == ("ignored", None)
        assert row["applied_at"] is not None


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b"",
        b"[]",
        b"[" * 20_000,
        b"\xff",
        envelope("payment.captured"),
        envelope("payment.captured", payment={"id": "pay_1", "amount": 1.5}),
        envelope("refund.processed", refund={}),
    ],
    ids=["text", "empty", "list", "deep", "bytes", "no-payment", "float", "no-refund"],
)
async def test_what_is_genuine_and_unreadable_waits_for_a_person(shop, body, caplog):
    row = await applied(shop, body)

    assert (row["status"], row["note"]) == ("quarantined", "unreadable")
    assert row["next_attempt_at"] is None
    assert any("needs a person" in record.message for record in caplog.records)


async def test_a_payment_of_somebody_else_is_unmatched_and_moves_nothing(shop):
    _, ((_, body, _), *_) = await paid_events(shop)
    other = body.replace(json.loads(body)["payload"]["payment"]["entity"]["order_id"].encode(),
                         b"order_00000000000000")  # fmt: skip

    row = await applied(shop, other)

    assert (row["status"], row["provider_reference"]) == ("unmatched", "order_00000000000000")
    assert await shop.transfers() == []


async def test_an_event_that_came_too_early_is_matched_again(shop):
    # The order is made, its answer is lost, and its payer is quicker than we are.
    await shop.provider.spoil("500_after_effect", path="/orders", times=20)
    with pytest.raises(TryAgain):
        await shop.open_top_up(key="k")
    await shop.provider.heal()
    (order,) = shop.provider.orders()
    await shop.provider.pay(order["id"])
    await shop.hear()
    assert {event["status"] for event in await shop.rows("inbox")} == {"unmatched"}
    assert await shop.balance() == 0

    opened = await shop.open_top_up(key="k")
    await shop.work()

    assert opened["payment"]["provider_reference"] == order["id"]
    assert {event["status"] for event in await shop.rows("inbox")} == {"applied"}
    assert await shop.balance() == 50_000


async def test_a_refund_that_did_not_begin_here_is_posted(shop):
    await shop.topped_up()
    (capture,) = await shop.rows("capture")
    await shop.provider.refund_in_dashboard(capture["provider_payment_id"], 10_000)

    events = [await shop.row("inbox", inbox_id) for inbox_id in await shop.hear()]

    assert {event["status"] for event in events} == {"applied"}
    assert await shop.balance() == 40_000


async def test_a_refund_of_another_amount_waits_for_a_person(shop):
    order = await shop.paid_order(by="gateway")
    await shop.refund(order, "source", 10_000)
    _, body, _ = (await shop.provider.new_events())[-1]
    told = json.loads(body)
    told["payload"]["refund"]["entity"]["amount"] = 9_999

    row = await applied(shop, json.dumps(told).encode())

    assert (row["status"], row["note"].split(":")[0]) == ("quarantined", "refund_amount_differs")
    assert (await shop.row("order", order))["refund_reserved"] == 10_000


async def test_a_refund_that_the_provider_made_after_we_gave_it_up_waits_for_a_person(shop):
    order = await shop.paid_order(by="gateway")
    refund = (await shop.refund(order, "source", 10_000))["id"]
    events = await shop.provider.new_events()
    later = (await shop.refund(order, "source", 5_000, approval_limit=0))["id"]
    await shop.batua.orders.decide_refund(later, approver=SECOND_PERSON, approve=False)
    _, body, _ = events[-1]
    told = json.loads(body.replace(refund.encode(), later.encode()))
    told["payload"]["refund"]["entity"] |= {"amount": 5_000, "id": "rfnd_00000000000000"}

    row = await applied(shop, json.dumps(told).encode())

    assert (row["status"], row["note"].split(":")[0]) == ("quarantined", "refund_not_open")
    assert await shop.transfers(refund_id=later) == []


async def test_a_dispute_is_posted(shop):
    await shop.topped_up()
    (capture,) = await shop.rows("capture")
    body = envelope(
        "payment.dispute.created",
        dispute={
            "id": "disp_1", "payment_id": capture["provider_payment_id"], "amount": 50_000,
            "currency": "INR", "status": "open", "reason_code": "fraud", "created_at": 1,
        },
    )  # fmt: skip

    row = await applied(shop, body)

    assert (row["status"], row["note"]) == ("applied", "applied")
    assert await shop.balance() == 0


async def test_what_a_crash_left_behind_is_taken_up_by_the_worker(shop):
    _, events = await paid_events(shop)
    for _, body, headers in events:
        await shop.receive(body, headers)

    await shop.batua.applier.apply("inb_none")
    await shop.work(after_s=4)
    assert {event["status"] for event in await shop.rows("inbox")} == {"received"}
    await shop.work(after_s=1)

    assert {event["status"] for event in await shop.rows("inbox")} == {"applied"}
    assert await shop.balance() == 50_000


async def test_an_event_that_cant_be_applied_is_tried_ever_more_rarely_and_then_dead(shop, caplog):
    _, ((_, body, headers), *_) = await paid_events(shop)
    # What the engine must read is not there.
    await shop.run("alter table batua_capture rename to batua_capture_away")
    inbox_id = await shop.receive(body, headers)

    waits = []
    while (row := await shop.row("inbox", inbox_id))["status"] == "received" and len(waits) < 30:
        await shop.batua.applier.apply(inbox_id)
        row = await shop.row("inbox", inbox_id)
        if row["next_attempt_at"]:
            waits.append((row["next_attempt_at"] - shop.clock.now()).total_seconds())

    assert waits == [min(2**attempt, 3600) for attempt in range(1, 20)]
    assert (row["status"], row["attempts"], row["next_attempt_at"]) == ("dead", 20, None)
    assert row["note"]
    assert any("is dead after 20 attempts" in record.message for record in caplog.records)
    await shop.run("alter table batua_capture_away rename to batua_capture")


async def test_an_event_is_applied_as_soon_as_what_was_in_its_way_is_gone(shop):
    _, ((_, body, headers), *_) = await paid_events(shop)
    await shop.run("alter table batua_capture rename to batua_capture_away")
    inbox_id = await shop.receive(body, headers)
    await shop.batua.applier.apply(inbox_id)
    await shop.run("alter table batua_capture_away rename to batua_capture")

    await shop.work(after_s=2)

    row = await shop.row("inbox", inbox_id)
    assert (row["status"], row["attempts"]) == ("applied", 2)
    assert await shop.balance() == 50_000


async def test_what_was_applied_is_not_applied_again(shop):
    _, ((_, body, headers), *_) = await paid_events(shop)
    first = await applied(shop, body, headers)

    await shop.batua.applier.apply(first["id"])

    assert await shop.row("inbox", first["id"]) == first


# --- a gateway whose webhooks are only a hint -----------------------------------------------------


@pytest.fixture
async def paper(database_url, clock, tmp_path, monkeypatch):
    install(tmp_path, "paper_gateway", PAPER)
    monkeypatch.syspath_prepend(str(tmp_path))
    environ = {"BATUA_PAPER_SECRET": "s"}
    async with open_shop(database_url, clock, environ=environ) as shop:
        yield shop


async def hear_paper(shop, body):
    inbox_id = await shop.batua.receiver.receive("paper", body, {"secret": "s"})
    await shop.batua.applier.apply(inbox_id)
    return await shop.row("inbox", inbox_id)


async def test_a_hint_is_fetched_and_only_that_answer_moves_money(paper):
    opened = await paper.open_top_up(50_000, gateway="paper")

    row = await hear_paper(paper, opened["payment"]["provider_reference"].encode())

    # The hint spoke of one paisa; the provider has two captures of 50000.
    assert (row["status"], row["attempts"]) == ("applied", 1)
    assert await paper.balance() == 100_000


async def test_a_hint_of_a_payment_that_is_not_ours_is_unmatched(paper):
    row = await hear_paper(paper, b"env_of_somebody")

    assert row["status"] == "unmatched"
    assert await paper.transfers() == []


async def test_a_hint_of_an_attempt_that_the_provider_does_not_show_yet_is_tried_again(paper):
    opened = await paper.open_top_up(50_000, gateway="paper")
    paper.batua.registry.gateway("paper").pages = 0
    early = await hear_paper(paper, opened["payment"]["provider_reference"].encode())
    assert (early["status"], early["attempts"]) == ("received", 1)
    assert "knows no attempt" in early["note"]

    paper.batua.registry.gateway("paper").pages = 1
    await paper.work(after_s=2)

    assert (await paper.row("inbox", early["id"]))["status"] == "applied"
    assert await paper.balance() == 50_000


async def test_a_genuine_webhook_with_nothing_in_it_is_ignored(paper):
    assert (await hear_paper(paper, b""))["status"] == "ignored"


async def test_a_gateway_that_confirms_and_refunds_nothing_says_so(paper):
    opened = await paper.open_top_up(50_000, gateway="paper")
    with pytest.raises(Exception, match="needs no confirm") as refusal:
        await paper.batua.top_ups.confirm(opened["top_up"]["id"], {})
    assert refusal.value.code == "confirm_unsupported"

    await hear_paper(paper, opened["payment"]["provider_reference"].encode())
    refused = await paper.refund_top_up(opened["top_up"]["id"], 50_000)
    assert refused["code"] == "refund_unsupported"
    assert (await paper.wallet()).held == 0


async def test_an_order_by_a_gateway_that_refunds_nothing_goes_back_to_the_wallet(paper):
    order = (await paper.create_order(30_000))["id"]
    stored = await paper.batua.orders.pay_by_gateway(order, "paper", "https://s.example", claim())
    payment = json.loads(stored.body)["payment"]
    await hear_paper(paper, payment["provider_reference"].encode())
    assert await paper.balance() == 30_000  # the second capture

    assert (await paper.refund(order, "source"))["code"] == "refund_unsupported"
    assert (await paper.refund(order, "auto"))["wallet_amount"] == 30_000
    assert await paper.balance() == 60_000
