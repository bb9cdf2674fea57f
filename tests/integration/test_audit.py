"""The audit log: every act of staff beside its effect, chained, and never changed."""

import asyncio
import json
from collections import defaultdict

import pytest

from batua.audit import Act, Actor, Note, acting, asked
from batua.audit.personal import PERSONAL_COLUMNS
from batua.audit.recording import UNTOLD_TABLES
from batua.database import Dialect
from batua.errors import InsufficientFunds
from batua.identity import Role
from batua.ledger.proof import Anchor, prove
from batua.orders import RefundTo
from batua.payments import NewRefund
from batua.privacy.belongings import BELONGINGS
from batua.wallets import Direction
from tests.support.books import attack

MEERA = Actor(name="staff:meera", role=Role.FINANCE, address="192.0.2.7")


def act(id="aud_1", word="adjust_wallet", **values):
    return Act(id=id, actor=MEERA, word=word, **values)


async def entries(shop):
    return [dict(row) for row in await shop.batua.database.fetch(
        "select * from batua_audit order by seq"
    )]  # fmt: skip


async def test_an_act_is_entered_beside_what_it_changes(shop):
    await shop.give(10_000)
    with acting(act(subject="customer:asha")):
        asked({"amount": 2_500, "note": "card 4111 1111 1111 1111"})
        await shop.batua.engine.submit(shop.adjustment(2_500, direction=Direction.DEBIT))

    (entry,) = await entries(shop)
    assert (entry["seq"], entry["actor"], entry["role"]) == (1, "staff:meera", "finance")
    assert (entry["address"], entry["act"]) == ("192.0.2.7", "adjust_wallet")
    assert "4111" not in entry["asked"]
    assert json.loads(entry["asked"])["amount"] == 2_500
    before, after = json.loads(entry["before"]), json.loads(entry["after"])
    (wallet,) = (name for name in before if before[name] == {"posted": 10_000})
    assert after[wallet] == {"posted": 7_500}
    (transfer,) = (row for name, row in after.items() if name.startswith("batua_transfer"))
    assert transfer["amount"] == 2_500
    assert entry["transfer_seq"] == transfer["seq"] == 2


async def test_what_nobody_of_the_shop_does_is_not_entered(shop):
    await shop.give(10_000)
    assert await entries(shop) == []


async def test_a_refused_act_leaves_no_entry(shop):
    with acting(act()), pytest.raises(InsufficientFunds):
        await shop.batua.engine.submit(shop.adjustment(1, direction=Direction.DEBIT))
    assert await entries(shop) == []


async def test_one_act_is_one_entry_however_many_operations_it_takes(shop):
    with acting(act()):
        first = shop.adjustment(100)
        await shop.batua.engine.submit(first)
        await shop.batua.engine.submit(first)
        await shop.batua.engine.submit(shop.adjustment(200))
    assert len(await entries(shop)) == 1


async def test_acts_of_many_at_once_make_one_chain(shop):
    async def give(number):
        with acting(act(id=f"aud_{number}")):
            await shop.batua.engine.submit(shop.adjustment(100 + number))

    await asyncio.gather(*(give(number) for number in range(20)))

    made = await entries(shop)
    assert [entry["seq"] for entry in made] == list(range(1, 21))
    assert {entry["id"] for entry in made} == {f"aud_{number}" for number in range(20)}
    proof = await prove(shop.batua.database)
    assert proof.is_sound, proof.findings
    assert (proof.audit_entries, proof.audit_hash) == (20, made[-1]["hash"])


async def test_a_note_is_entered_once(shop):
    note = Note(act(word="sign_in"))
    await shop.batua.engine.submit(note)
    await shop.batua.engine.submit(note)
    (entry,) = await entries(shop)
    assert (entry["act"], entry["before"], entry["after"]) == ("sign_in", "{}", "{}")


async def test_a_refund_to_the_wallet_says_what_it_changed_of_the_order(shop):
    order = await shop.paid_order(30_000)
    with acting(act(word="refund_order", subject=f"order:{order}")):
        new = NewRefund(
            id="ref_1", amount=10_000, reason="damaged", requested_by="staff:meera",
            approval_limit=10**9,
        )  # fmt: skip
        await shop.batua.orders.refund_by_staff(order, RefundTo.WALLET, new)
    (entry,) = await entries(shop)
    after = json.loads(entry["after"])
    assert after[f"batua_order {order}"] == {
        "status": "partially_refunded", "refunded": 10_000, "wallet_refunded": 10_000,
    }  # fmt: skip
    assert after["batua_refund ref_1"]["amount"] == 10_000


UPDATE = "update batua_audit set"
PLANTED = {
    "another actor": ("I17", "2", f"{UPDATE} actor = 'staff:eve' where seq = 2"),
    "another reason": ("I17", "2", f"{UPDATE} reason = 'none' where seq = 2"),
    "another time": ("I17", "2", f"{UPDATE} created_at = '2020-01-01 00:00:00.000000+00:00'"
                                 " where seq = 2"),
    "one less": ("I17", "3", "delete from batua_audit where seq = 2"),
    "the last one less": ("I17", "1", "delete from batua_audit where seq = 3"),
    "a place before the last one's": ("I19", "3", f"{UPDATE} transfer_seq = 1 where seq = 3"),
    "another place beside the ledger": ("I17", "2", f"{UPDATE} transfer_seq = 3 where seq = 2"),
    "the head": ("I17", "1", "update batua_audit_head set seq = 9"),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
async def test_what_is_changed_past_us_is_found(shop, name):
    shop.is_provable = False
    for number in (1, 2, 3):
        with acting(act(id=f"aud_{number}", reason="goodwill")):
            await shop.batua.engine.submit(shop.adjustment(100))
    invariant, row, statement = PLANTED[name]
    await attack(shop.batua.database, statement)
    proof = await prove(shop.batua.database)
    found = [(each.invariant, each.row) for each in proof.findings if "audit" in each.table]
    assert (invariant, row) in found


async def test_a_log_that_was_written_anew_is_not_the_one_that_was_anchored(shop):
    with acting(act()):
        await shop.batua.engine.submit(shop.adjustment(100))
    proof = await prove(shop.batua.database)
    anchor = Anchor(proof.ledger_id, proof.transfers, proof.head_hash, 1, "0" * 64)
    (finding,) = (await prove(shop.batua.database, anchor=anchor)).findings
    assert finding.message.endswith("when it was anchored.")
    gone = Anchor(proof.ledger_id, proof.transfers, proof.head_hash, 2, "0" * 64)
    (finding,) = (await prove(shop.batua.database, anchor=gone)).findings
    assert finding.row == "(rows)"


async def test_the_database_refuses_to_change_an_entry(shop):
    with acting(act()):
        await shop.batua.engine.submit(shop.adjustment(100))
    database = shop.batua.database
    statements = ["update batua_audit set actor = 'x'", "delete from batua_audit"]
    if database.dialect is Dialect.POSTGRES:
        statements.append("truncate batua_audit")
    else:
        statements.append("insert or replace into batua_audit select * from batua_audit")
    for statement in statements:
        with pytest.raises(Exception, match="append-only"):
            async with database.transaction() as transaction:
                await transaction.execute(statement)


async def test_the_log_keeps_nothing_of_a_person_that_erasing_could_not_take(shop):
    with acting(act(word="put_customer", subject="customer:asha")):
        asked({"name": "Asha Rao", "phone": "+15550123", "consents": {"whatsapp": True}})
        await shop.batua.customers.put(
            "asha", name="Asha Rao", phone="+15550123", consents={"whatsapp": True}, source="staff"
        )
    with acting(act(id="aud_2")):
        asked({"note": "for Asha Rao"})
        await shop.batua.engine.submit(shop.adjustment(100, note="for Asha Rao"))
    written = str(await entries(shop))
    assert "customer:asha" in written
    assert "[personal]" in written
    assert "Rao" not in written
    assert "15550123" not in written


def test_whatever_erasing_takes_of_a_row_the_log_never_has():
    something = defaultdict(lambda: "something")
    for each in BELONGINGS:
        name = each.table._meta.tablename
        taken = {column for column, left in each.redacted(something).items() if left != "skipped"}
        if name not in UNTOLD_TABLES:
            assert taken <= PERSONAL_COLUMNS.get(name, frozenset()), name
