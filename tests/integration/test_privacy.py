"""What people may ask for, and what goes by itself: personal data goes, the books stay."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import stat

import asyncpg
import msgspec
import pytest
from click.testing import CliRunner

from batua.bootstrap import TABLES, open_batua
from batua.errors import Conflict, NotFound
from batua.ledger.proof import prove
from batua.orders import RefundTo
from batua.settings import read_settings
from batua.wallets import NO_RULES, DecideAdjustment, Direction
from batua_api.cli import cli
from batua_api.views import refund_view
from tests.support.disputes import dispute, provider_payment
from tests.support.shop import SECOND_PERSON, STAFF, claim, open_shop

DAYS = 86_400
NAME, PHONE = "Canary Rao", "+919876543210"
WRITTEN = ("Canary", PHONE, "canary", "success@razorpay", "void@razorpay.com", "+919999999999")
"""What somebody wrote of asha, and how the provider names her: none of it may be left."""

REFUSED = (asyncpg.IntegrityConstraintViolationError, sqlite3.IntegrityError)


async def everything(shop):
    """Every row of every table, as text."""
    names = [table._meta.tablename.removeprefix("batua_") for table in TABLES]
    return {name: str(await shop.rows(name)) for name in names}


async def left(shop):
    """Which of what was written is still to be found, and where."""
    return {(table, word) for table, text in (await everything(shop)).items()
            for word in WRITTEN if word in text}  # fmt: skip


async def put(shop, customer="asha", **changes):
    values = {"name": NAME, "phone": PHONE, "consents": {"whatsapp": True}, **changes}
    return await shop.batua.customers.put(customer, source="service:shop", **values)


async def erase(shop, customer="asha", **changes):
    values = {"reason": "asked for it", "by": STAFF, **changes}
    return await shop.batua.privacy.eraser.erase(customer, **values)


async def export(shop, customer="asha"):
    return json.loads(await shop.batua.privacy.exporter.export(customer))


def by_service():
    """A key of the shop's own service, whose answer names the customer."""

    def render(made):
        return 201, json.dumps({"customer": made["customer_id"], "for": made["description"]})

    return msgspec.structs.replace(
        claim(route="POST /orders"), principal="service:shop", render=render
    )


def by_staff():
    """A key of staff, whose answer is the refund as the API shows it: it names no customer."""

    def render(refund):
        return 201, msgspec.json.encode(refund_view(refund)).decode()

    return msgspec.structs.replace(
        claim(route="POST /refunds"), principal=f"staff:{STAFF}", render=render
    )


async def a_life(shop):
    """All that may hold something of a person; returns the ids of the order and the top-up."""
    await put(shop)
    top_up = await shop.topped_up(50_000)
    await shop.refund_top_up(top_up, 10_000, reason="Canary wrote to us")
    await shop.hear()
    order = msgspec.structs.replace(
        shop.new_order(30_000),
        description="For Canary",
        items='[{"gift card": "canary"}]',
    )
    # A key of the shop's own service, whose answer names her.
    await shop.batua.orders.create(order, by_service(), pay=True)
    refund = shop.new_refund(1_000, reason="Canary was kind")
    await shop.batua.orders.refund(order.id, RefundTo.WALLET, refund, by_staff())
    await shop.batua.engine.submit(
        shop.adjustment(11_000, direction=Direction.DEBIT, note="told to Canary")
    )
    failed = await shop.open_top_up(7_000)
    await shop.provider.pay(failed["payment"]["provider_reference"], "failed")
    await shop.hear()
    await shop.work(after_s=2 * DAYS)
    assert await shop.balance() == 0
    await shop.run(
        "update batua_outbox set provider_reference = 'wamid.canary-' || id, version = version + 1"
    )
    return order.id, top_up


async def test_what_was_written_goes_and_the_books_stay(shop):
    order, top_up = await a_life(shop)
    kept = ("transfer", "entry", "account", "hold", "lot", "lot_entry", "capture", "dispute")
    before = {table: await shop.rows(table) for table in kept}
    assert {word for _, word in await left(shop)} == set(WRITTEN), "there is something to erase"

    await erase(shop)

    assert await left(shop) == set()
    assert {table: await shop.rows(table) for table in kept} == before
    proof = await prove(shop.batua.database)
    assert proof.is_sound
    assert [finding for finding in proof.findings if not finding.is_warning] == []
    assert (await shop.row("order", order))["amount"] == 30_000
    assert (await shop.row("top_up", top_up))["customer_id"] == "asha"
    customer = await shop.row("customer", "asha")
    assert customer["erased_at"] is not None
    assert customer["redacted_at"] is not None
    assert {(each["address"], each["revoked_reason"]) for each in await shop.rows("consent")} == {
        ("", "erased")
    }
    reasons = {each["reason"] for each in await shop.transfers(kind="refund_to_wallet")}
    assert reasons == {"refund"}, "no sentence is in the chain"


async def test_an_erasure_is_written_down_once_and_for_ever(shop):
    await put(shop)
    for _ in range(2):
        await erase(shop)

    (record,) = await shop.rows("erasure")
    assert (record["customer_id"], record["reason"], record["erased_by"]) == (
        "asha", "asked for it", STAFF
    )  # fmt: skip
    assert record["created_at"] == shop.clock.now()
    for statement in (
        "update batua_erasure set reason = 'another'",
        "delete from batua_erasure",
        "insert or replace into batua_erasure select * from batua_erasure"
        if shop.batua.database.dialect == "sqlite"
        else "truncate batua_erasure",
    ):
        with pytest.raises(REFUSED):
            await shop.run(statement)
    assert await shop.rows("erasure") == [record]
    order = await shop.paid_order(30_000, customer="ravi")
    await shop.refund(order, "wallet", 1_000, reason="damaged")
    assert [each["reason"] for each in await shop.transfers(kind="refund_to_wallet")] == ["damaged"]


async def test_others_keep_what_is_theirs(shop):
    await put(shop, "ravi", name="Ravi Canary")
    await shop.topped_up(5_000, "ravi")
    theirs, key = shop.new_order(1_000, "ravi"), by_service()
    mine = await shop.batua.orders.create(theirs, key, pay=False)
    await a_life(shop)
    told = {row["id"]: row for row in await shop.rows("inbox")}

    await erase(shop)

    assert (await shop.row("customer", "ravi"))["name"] == "Ravi Canary"
    again = await shop.batua.orders.create(theirs, key, pay=False)
    assert (again.body, again.replayed) == (mine.body, True)
    kept = [row for row in await shop.rows("inbox") if row["redacted_at"] is None]
    assert kept
    assert all(told[row["id"]]["body"] == row["body"] != b"" for row in kept)
    assert all("ravi" not in str(row) for row in await shop.rows("erasure"))


async def test_who_is_erased_begins_nothing_new_and_a_late_capture_is_posted(shop):
    opened = await shop.open_top_up(50_000)
    await put(shop)
    await shop.work(after_s=2 * DAYS)
    assert (await shop.row("top_up", opened["top_up"]["id"]))["status"] == "expired"
    await erase(shop)

    for begin in (shop.open_top_up(), shop.create_order(1_000)):
        assert (await begin)["code"] == "customer_erased"
    with pytest.raises(Conflict) as refused:
        await put(shop)
    assert refused.value.code == "customer_erased"
    assert not await shop.batua.identity.revocations.is_enabled("asha")
    await shop.batua.customers.opt_out("asha", "whatsapp")

    await shop.provider.pay(opened["payment"]["provider_reference"])
    await shop.hear()
    assert await shop.balance() == 50_000
    assert {table for table, _ in await left(shop)} == {"inbox"}
    told = 1  # the message that nobody is left to get
    assert await shop.batua.privacy.eraser.follow_up() == len(await shop.rows("inbox")) + told
    assert await left(shop) == set()
    assert await shop.batua.privacy.eraser.follow_up() == 0
    # What came late goes back to its source, and what is left is staff's to take.
    refund = await shop.refund_top_up(opened["top_up"]["id"], 20_000, reason="Canary is back")
    await shop.hear()
    assert await shop.batua.privacy.eraser.follow_up() > 0
    assert (await shop.row("refund", refund["id"]))["reason"] == "refund"
    assert {table for table, _ in await left(shop)} <= {"idempotency"}, "that goes in 30 days"
    await shop.batua.engine.submit(shop.adjustment(30_000, direction=Direction.DEBIT))
    assert await shop.balance() == 0


async def test_nobody_is_erased_while_there_is_money_or_business(shop):
    with pytest.raises(NotFound, match="no customer 'asha'"):
        await erase(shop)

    async def refused(code):
        with pytest.raises(Conflict) as refusal:
            await erase(shop)
        assert refusal.value.code == code
        assert (await shop.row("customer", "asha"))["name"] == NAME
        assert await shop.batua.identity.revocations.is_enabled("asha")
        return str(refusal.value)

    await put(shop)
    opened = await shop.open_top_up(50_000)
    assert opened["payment"]["id"] in await refused("payment_open")
    await shop.provider.pay(opened["payment"]["provider_reference"])
    await shop.hear()
    assert "--even-with-balance" in await refused("balance_remains")
    refund = await shop.refund_top_up(opened["top_up"]["id"], 50_000, approval_limit=1)
    assert refund["id"] in await refused("refund_open")
    await shop.batua.refunder.decide(refund["id"], approver=SECOND_PERSON, approve=False)
    payment = await provider_payment(shop, top_up_id=opened["top_up"]["id"])
    await dispute(shop, payment, "open")
    await refused("dispute_open")
    await dispute(shop, payment, "won")
    asked = shop.adjustment(9_000, approval_limit=0)
    await shop.batua.engine.submit(asked)
    assert asked.id in await refused("adjustment_open")
    decision = DecideAdjustment(
        adjustment_id=asked.id,
        approver=SECOND_PERSON,
        approve=False,
        rules=NO_RULES,
        new_id=shop.batua.new_id,
    )
    await shop.batua.engine.submit(decision)
    await refused("balance_remains")
    await erase(shop, even_with_balance=True)
    assert await shop.balance() == 50_000
    assert len(await shop.rows("erasure")) == 1


async def test_a_hold_is_never_left_behind_and_the_shops_own_accounts_are_nobodys(shop):
    await shop.give(10_000, "shop")
    await shop.create_order(10_000, "shop", pay=True)
    held = await export(shop, "shop")
    assert {each["kind"] for each in held["accounts"]} == {"wallet"}
    assert len(held["statement"]) == 2
    await erase(shop, "shop")
    assert await shop.posted("revenue:shop:INR") == 10_000

    await shop.give(10_000)
    order = (await shop.create_order(30_000))["id"]
    await shop.pay_split(order)
    await shop.run("update batua_payment set status = 'failed', version = version + 1")
    shop.is_provable = False

    with pytest.raises(Conflict, match="held"):
        await erase(shop, even_with_balance=True)


async def test_who_was_stopped_half_way_goes_on(shop):
    await a_life(shop)
    eraser = shop.batua.privacy.eraser
    pages = eraser._webhooks.pages

    def stopped(since):
        raise ConnectionError("killed")

    eraser._webhooks.pages = stopped
    with pytest.raises(ConnectionError):
        await erase(shop)
    eraser._webhooks.pages = pages
    assert (await shop.row("customer", "asha"))["redacted_at"] is None
    assert {table for table, _ in await left(shop)} == {"inbox"}

    assert await eraser.follow_up() == 1
    assert await left(shop) == set()
    assert (await shop.row("customer", "asha"))["redacted_at"] is not None


async def test_what_nobody_can_read_stands_in_nobodys_way(shop, caplog):
    opened = await shop.open_top_up(50_000, "ravi")
    await shop.provider.pay(opened["payment"]["provider_reference"])
    await shop.hear()
    (broken, *_) = await shop.rows("inbox")
    await shop.run(
        "update batua_inbox set events = $1, version = version + 1 where id = $2",
        '[{"kind": "of an older version", "event": {}}]', broken["id"],
    )  # fmt: skip
    await a_life(shop)

    await erase(shop)

    assert await shop.batua.privacy.eraser.follow_up() == 0
    assert f"the events of {broken['id']} can't be read" in caplog.text
    kept = await shop.row("inbox", broken["id"])
    assert (kept["body"], kept["redacted_at"]) == (broken["body"], None), "whose it is is unknown"
    shop.clock.advance(401 * DAYS)
    await shop.batua.privacy.retention.sweep()
    assert {row["body"] for row in await shop.rows("inbox")} == {b""}
    assert (await shop.row("inbox", broken["id"]))["events"] == "[]"


async def test_an_erasure_that_fails_holds_up_no_other(shop, caplog):
    eraser = shop.batua.privacy.eraser
    for customer in ("asha", "ravi"):
        await put(shop, customer)
        await erase(shop, customer)
    await shop.run("update batua_customer set redacted_at = null, version = version + 1")
    disable = eraser._identity.revocations.disable

    async def fails(customer, *, by):
        if customer == "asha":
            raise ConnectionError("the database is away")
        await disable(customer, by=by)

    eraser._identity.revocations.disable = fails
    assert await eraser.follow_up() == 1
    assert "the erasure of asha is not finished" in caplog.text
    assert (await shop.row("customer", "ravi"))["redacted_at"] is not None
    eraser._identity.revocations.disable = disable
    assert await eraser.follow_up() == 1
    assert (await shop.row("customer", "asha"))["redacted_at"] is not None


async def test_the_export_has_all_of_it_and_nothing_of_others(shop):
    await put(shop, "ravi", name="Ravi Sharma")
    await shop.topped_up(5_000, "ravi")
    order, top_up = await a_life(shop)

    held = await export(shop)

    assert held["customer"]["name"] == NAME
    assert held["consents"][0]["address"] == PHONE
    assert [each["id"] for each in held["orders"]] == [order]
    assert held["orders"][0]["items"] == [{"gift card": "canary"}]
    assert top_up in {each["id"] for each in held["top_ups"]}
    assert {each["reason"] for each in held["refunds"]} == {
        "Canary wrote to us", "Canary was kind"
    }  # fmt: skip
    (wallet,) = (each for each in held["accounts"] if each["kind"] == "wallet")
    assert wallet["posted"] == sum(each["amount"] for each in held["statement"]) == 0
    assert len(held["payments"]) == len(held["top_ups"]) == 2
    assert len(held["captures"]) == len(held["adjustments"]) == 1
    assert {each["template"] for each in held["notifications"]} == {
        "top_up_succeeded", "order_paid", "refund_succeeded"
    }  # fmt: skip
    assert len(held["webhooks"]) > 1
    assert all("void@razorpay.com" in each["body"] for each in held["webhooks"]
               if each["event_type"].startswith("payment."))  # fmt: skip
    assert "ravi" not in json.dumps(held).lower().replace("staff:ravi", "")

    await erase(shop)
    held = await export(shop)
    assert held["erasures"][0]["reason"] == "asked for it"
    assert held["shut_out"][0]["disabled_by"] == "erased"
    assert not any(word in json.dumps(held) for word in WRITTEN)
    with pytest.raises(NotFound):
        await export(shop, "nobody")


async def test_an_answer_is_kept_for_thirty_days_and_its_key_for_ever(shop):
    first = await shop.open_top_up(5_000, key="old")
    again = await shop.open_top_up(5_000, key="old")
    assert (first.body, again.replayed) == (again.body, True)
    sweep = shop.batua.privacy.retention.sweep
    shop.clock.advance(30 * DAYS)
    assert await sweep() == 0
    await shop.open_top_up(6_000, key="young")
    shop.clock.advance(1)

    assert await sweep() == 1

    (gone,) = await shop.rows("idempotency", "response_body is null")
    assert (gone["key"], gone["response_status"], gone["status"]) == ("old", 201, "finished")
    assert await sweep() == 0
    with pytest.raises(Conflict) as refused:
        await shop.open_top_up(5_000, key="old")
    assert refused.value.code == "key_expired"
    assert (await shop.open_top_up(6_000, key="young")).replayed
    assert len(await shop.rows("top_up")) == 2

    routines = {routine.name: routine for routine in shop.batua.worker._routines}
    assert routines["retention"].do == sweep
    assert routines["erasures"].do == shop.batua.privacy.eraser.follow_up
    assert routines["retention"].every_s > 0 < routines["erasures"].every_s


async def test_answers_go_in_batches_and_a_request_that_is_under_way_keeps_its_place(
    shop, monkeypatch
):
    await shop.open_top_up(5_000, key="k")
    await shop.run(
        "update batua_idempotency set status = 'in_progress', response_status = null,"
        " response_body = null, finished_at = null, version = version + 1"
    )
    monkeypatch.setattr("batua.privacy.answers.PAGE", 2)
    for _ in range(5):
        await shop.create_order(1_000)
    shop.clock.advance(31 * DAYS)

    assert await shop.batua.privacy.retention.sweep() == 5
    assert await shop.rows("idempotency", "response_body is not null") == []
    assert (await shop.open_top_up(5_000, key="k")).status == 201
    assert len(await shop.rows("top_up")) == 1


async def test_bytes_of_webhooks_go_in_time_and_are_never_applied_twice(database_url, clock):
    async with open_shop(database_url, clock, inbox_body_days=10) as shop:
        opened = await shop.open_top_up(50_000)
        await shop.provider.pay(opened["payment"]["provider_reference"])
        events = await shop.provider.new_events()
        for _, body, headers in events:
            await shop.batua.applier.apply(await shop.receive(body, headers))
        shop.clock.advance(9 * DAYS)
        await shop.topped_up(1_000, "ravi")
        sweep = shop.batua.privacy.retention.sweep
        assert await sweep() == 0
        shop.clock.advance(2 * DAYS)

        assert await sweep() == len(events)

        gone = await shop.rows("inbox", "redacted_at is not null")
        assert {(row["body"], row["headers"]) for row in gone} == {(b"", "{}")}
        assert all(row["provider_reference"] for row in gone if row["status"] == "applied")
        assert await sweep() == 0
        for _, body, headers in events:
            assert await shop.receive(body, headers) is None
        await shop.work()
        assert await shop.balance() == 50_000

        late = await shop.open_top_up(2_000)
        await shop.provider.pay(late["payment"]["provider_reference"])
        for _, body, headers in await shop.provider.new_events():
            await shop.receive(body, headers)
        shop.clock.advance(11 * DAYS)
        waiting = [row["body"] for row in await shop.rows("inbox", "next_attempt_at is not null")]
        await sweep()
        assert waiting
        assert b"" not in waiting
        assert waiting == [
            row["body"] for row in await shop.rows("inbox", "next_attempt_at is not null")
        ]
        await shop.work()
        assert await shop.balance() == 52_000
        assert await sweep() == len(waiting)


def test_the_commands_say_what_they_did_and_what_to_do(sqlite_url, tmp_path):
    environ = {"BATUA_DATABASE_URL": sqlite_url, "BATUA_JWT_SECRET": "x" * 32}
    output = tmp_path / "asha.json"

    def batua(*words, **options):
        return CliRunner().invoke(cli, ["customers", *words], env=environ, **options)

    async def prepare():
        async with open_batua(read_settings(environ), environ) as opened:
            await opened.customers.put(
                "asha", name=NAME, phone=PHONE, consents={}, source="service:shop"
            )

    asyncio.run(prepare())
    assert batua("export", "asha", "--output", str(output)).exit_code == 0
    assert json.loads(output.read_bytes())["customer"]["phone"] == PHONE
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    assert batua("export", "asha", "--output", str(output)).exit_code == 2, "it is there already"
    assert json.loads(batua("export", "asha").output)["customer"]["name"] == NAME
    assert batua("erase", "asha", "--reason", "asked", input="n\n").exit_code == 1
    assert json.loads(batua("export", "asha").output)["customer"]["name"] == NAME
    erased = batua("erase", "asha", "--reason", "asked", "--by", "meera", "--yes")
    assert (erased.exit_code, erased.output) == (0, "asha is erased\n")
    held = json.loads(batua("export", "asha").output)
    assert (held["customer"]["name"], held["erasures"][0]["erased_by"]) == ("", "meera")
    assert isinstance(batua("erase", "ravi", "--reason", "asked", "--yes").exception, NotFound)
    assert batua("erase", "asha", "--yes").exit_code == 2, "a reason is needed"
