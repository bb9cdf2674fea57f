"""Each corruption that is planted by raw SQL is found where it was planted."""

import pytest

from tests.integration.proof.broken import broken_rows
from tests.support.books import (
    ACCOUNT,
    CAPTURE,
    ENTRY,
    INR,
    KEY,
    ORDER,
    REFUND,
    TRANSFER,
    attack,
    check,
)

PLANTED = {
    # name: (invariant, table without batua_, row, statements)
    "an entry's amount": ("I1", "entry", "4", ENTRY + "amount = amount + 1 where id = 4"),
    "an entry's account": ("I1", "entry", "3", ENTRY + "account_id = 4 where id = 3"),
    "an entry's transfer": ("I1", "entry", "3", ENTRY + "transfer_seq = 9 where id = 3"),
    "an entry less": ("I1", "transfer", "2", "delete from batua_entry where id = 4"),
    "a currency's accounts": ("I2", "account", "INR", ACCOUNT + "posted = posted + 1 " + INR),
    "a currency's entries": ("I2", "entry", "USD", ENTRY + "amount = 901 where id = 26"),
    "a balance": ("I3", "account", "2", ACCOUNT + "posted = posted + 1 " + INR),
    "an entry's balance": ("I3", "entry", "8", ENTRY + "balance_after = 1 where id = 8"),
    "a balance below zero": ("I4", "account", "2", ACCOUNT + "held = 999999 " + INR),
    "a held balance": ("I4", "account", "2", ACCOUNT + "held = 0 " + INR),
    "a hold": ("I4", "account", "2", "update batua_hold set amount = 1"),
    "a hold of a wrong status": ("I11", "hold", "hold_1", "update batua_hold set status = 'x'"),
    "a wallet that may overdraw": ("I4", "account", "2", ACCOUNT + "may_overdraw = true " + INR),
    "a past below zero": ("I4", "entry", "2", ENTRY + "balance_after = -1 where id = 2"),
    "a negative held": ("I5", "account", "2", ACCOUNT + "held = -1 " + INR),
    "no amount": ("I5", "transfer", "3", TRANSFER + "amount = 0 where seq = 3"),
    "too much": ("I5", "order", "ord_gate", ORDER + f"refunded = {2**60} where id = 'ord_gate'"),
    "a huge entry": ("I5", "entry", "6", ENTRY + f"amount = {2**62} where id = 6"),
    "a key of an account": ("I6", "account", "2", ACCOUNT + "key = 'wallet:eve:INR' " + INR),
    "an account's owner": ("I6", "account", "2", ACCOUNT + "owner = 'eve' " + INR),
    "a transfer's currency": ("I6", "transfer", "3", TRANSFER + "currency = 'USD' where seq = 3"),
    "a hold's currency": ("I6", "hold", "hold_1", "update batua_hold set currency = 'USD'"),
    "an order's currency": ("I6", "transfer", "2", ORDER + "currency = 'USD'"),
    "a refund's currency": ("I6", "refund", "ref_t", REFUND + "currency = 'USD'"),
    "a capture less": ("I7", "transfer", "4", "delete from batua_capture where id = 'cap_s'"),
    "a capture elsewhere": (
        "I7", "capture", "cap_s", CAPTURE + "transfer_seq = 14 where id = 'cap_s'",
    ),
    "two captures of a transfer": (
        "I7", "transfer", "14", CAPTURE + "transfer_seq = 14 where id = 'cap_s'",
    ),
    "a capture of no transfer": (
        "I7", "capture", "cap_s", CAPTURE + "transfer_seq = 99 where id = 'cap_s'",
    ),
    "a capture's destination": (
        "I7", "capture", "cap_top", CAPTURE + "destination = 'suspense' where id = 'cap_top'",
    ),
    "a capture's odd destination": (
        "I7", "capture", "cap_top", CAPTURE + "destination = 'x' where id = 'cap_top'",
    ),
    "a capture's customer": (
        "I7", "capture", "cap_top", CAPTURE + "customer_id = 'binod' where id = 'cap_top'",
    ),
    "a payment's gateway": ("I7", "capture", "cap_g", "update batua_payment set gateway = 'x'"),
    "a payment captured twice": (
        "I7", "capture", "cap_s", CAPTURE + "provider_payment_id = 'cap_g' where id = 'cap_s'",
    ),
    "a credit's kind": ("I8", "transfer", "7", TRANSFER + "kind = 'gift' where seq = 7"),
    "a credit's refund": ("I8", "transfer", "7", TRANSFER + "refund_id = 'ref_0' where seq = 7"),
    "a credit without refund": ("I8", "transfer", "7", TRANSFER + "refund_id = null where seq = 7"),
    "a credit without actor": ("I8", "transfer", "9", TRANSFER + "actor = ' ' where seq = 9"),
    "a capture over-refunded": (
        "I9", "capture", "cap_s", CAPTURE + "refunded = 20000 where id = 'cap_s'",
    ),
    "a capture's refunds": (
        "I9", "capture", "cap_g", REFUND + "status = 'succeeded' where id = 'ref_u'",
    ),
    "an order's refunds": (
        "I9", "order", "ord_gate", REFUND + "status = 'succeeded' where id = 'ref_u'",
    ),
    "a refund less": ("I9", "order", "ord_gate", "delete from batua_refund where id = 'ref_a'"),
    "a top-up's refunds": ("I9", "top_up", "top_1", "update batua_top_up set refunded = 0"),
    "a top-up's credit": ("I9", "top_up", "top_1", "update batua_top_up set credited = 50001"),
    "a refund's parts": ("I9", "refund", "ref_u", REFUND + "amount = 1 where id = 'ref_u'"),
    "a refund's capture": (
        "I9", "refund", "ref_u", REFUND + "capture_id = 'cap_s' where id = 'ref_u'",
    ),
    "a refund posted late": (
        "I9", "refund", "ref_w", REFUND + "status = 'rejected' where id = 'ref_w'",
    ),
    "a provider's refund twice": (
        "I9", "refund", "ref_u", REFUND + "provider_refund_id = 'ref_f' where id = 'ref_u'",
    ),
    "a capture's amount": ("I10", "capture", "cap_s", CAPTURE + "amount = 20001"),
    "an order's status": ("I11", "order", "ord_gate", ORDER + "status = 'paid'"),
    "an order half refunded": ("I11", "order", "ord_gate", ORDER + "status = 'refunded'"),
    "an order of no status": ("I11", "order", "ord_gate", ORDER + "status = 'x'"),
    "an order without payment": ("I12", "order", "ord_open", ORDER + "status = 'paid'"),
    "an order's wallet part": ("I12", "order", "ord_split", ORDER + "paid_from_wallet = 9999"),
    "an order's gateway part": ("I12", "order", "ord_split", ORDER + "paid_by_gateway = 9999"),
    "a transfer of a cancelled order": ("I12", "transfer", "4", ORDER + "status = 'cancelled'"),
    "a payment of no order": ("I12", "transfer", "4", TRANSFER + "order_id = null where seq = 4"),
    "a reversal's amount": ("I13", "transfer", "10", TRANSFER + "amount = 701 where seq = 10"),
    "a reversal's target": ("I13", "transfer", "10", TRANSFER + "reverses = 8 where seq = 10"),
    "a reversal of the future": ("I13", "transfer", "10", TRANSFER + "reverses = 16 where seq=10"),
    "a reversal twice": ("I13", "transfer", "12", TRANSFER + "reverses = 9 where seq = 12"),
    "a reversal of nothing": ("I13", "transfer", "20", TRANSFER + "reverses = null where seq=20"),
    "a key's principal": ("I14", "idempotency", KEY, "update batua_idempotency set principal='x'"),
    "a key's answer": (
        "I14", "idempotency", KEY, "update batua_idempotency set response_status = null",
    ),
    "a transfer's text": ("I17", "transfer", "5", TRANSFER + "reason = 'x' where seq = 5"),
    "a transfer's hash": ("I17", "transfer", "5", TRANSFER + "hash = 'x' where seq = 5"),
    "a transfer less": ("I17", "transfer", "5", "delete from batua_transfer where seq = 5"),
    "entries of no transfer": ("I22", "entry", "9", "delete from batua_transfer where seq = 5"),
    "the head's seq": ("I17", "ledger", "1", "update batua_ledger set transfer_seq = 19"),
    "the head's hash": ("I17", "ledger", "1", "update batua_ledger set head_hash = 'x'"),
    "the head's accounts": ("I17", "ledger", "1", "update batua_ledger set account_seq = 99"),
    "no head": ("I17", "ledger", "1", "delete from batua_ledger"),
    "two heads": (
        "I17", "ledger", "1",
        "insert into batua_ledger (id, ledger_id, transfer_seq, account_seq, head_hash, last_at,"
        " version) select 2, 'l', 0, 0, '', last_at, 1 from batua_ledger",
    ),
    "an account less": ("I17", "account", "3", "delete from batua_account where id = 3"),
    "no triggers": ("I18", "transfer", "(triggers)"),
    "a time that runs backwards": (
        "I19", "transfer", "6",
        TRANSFER + "created_at = '2001-01-01 00:00:00.000000+00:00' where seq = 6",
    ),
    "the head's time": (
        "I19", "ledger", "1",
        "update batua_ledger set last_at = '2001-01-01 00:00:00.000000+00:00'",
    ),
    "an adjustment's actor": ("I20", "transfer", "16", TRANSFER + "actor = '' where seq = 16"),
    "an adjustment's reason": ("I20", "transfer", "16", TRANSFER + "reason = '' where seq = 16"),
    "an adjustment's approval": (
        "I20", "transfer", "9", TRANSFER + "approved_by = actor where seq = 9",
    ),
    "an adjustment asked for by nobody": (
        "I20", "adjustment", "t09", "update batua_adjustment set requested_by = ''",
    ),
    "an adjustment that is not posted": (
        "I20", "adjustment", "adj_w", "update batua_adjustment set status = 'posted'",
    ),
    "an adjustment's sum": ("I20", "adjustment", "t09", "update batua_adjustment set amount = 1"),
    "an adjustment that nobody asked for": (
        "I20", "transfer", "9", "delete from batua_adjustment where id = 't09'",
    ),
    "a refund sent to the source twice": (
        "I9", "refund", "ref_t", TRANSFER + "refund_id = null where seq = 17",
    ),
    "a refund's approval": ("I20", "refund", "ref_u", REFUND + "approved_by = requested_by"),
    "an account of no transfer": ("I22", "transfer", "4", "delete from batua_account where id = 3"),
    "an account of no entry": ("I22", "entry", "8", "delete from batua_account where id = 3"),
    "a hold of no account": ("I22", "hold", "hold_1", "update batua_hold set account_id = 99"),
    "a transfer of no payment": (
        "I22", "transfer", "4", "delete from batua_payment where id = 'pay_s'",
    ),
    "a capture of no payment": (
        "I22", "capture", "cap_s", "delete from batua_payment where id = 'pay_s'",
    ),
    "a refund of no order": (
        "I22", "refund", "ref_w", "delete from batua_order where id = 'ord_wallet'",
    ),
    "an order of nobody": (
        "I22", "order", "ord_wallet", "delete from batua_customer where id = 'asha'",
    ),
    "a row without a key": ("I22", "order", "", ORDER + "id = '' where id = 'ord_open'"),
    "entries behind the end": (
        "I22", "entry", "51", "insert into batua_entry values (51, 2, 26, -5, 0)",
    ),
    "an inbox row twice": (
        "I16", "inbox", "inb_2",
        "create table copied as select * from batua_inbox",
        "update copied set id = 'inb_2'",
        "insert into batua_inbox select * from copied",
    ),
}  # fmt: skip


# What a trigger that is missing means, test_guards.py looks at.
@pytest.mark.parametrize("name", [name for name in PLANTED if name != "no triggers"])
async def test_a_planted_corruption_is_found(shop, name):
    invariant, table, row, *statements = PLANTED[name]
    await attack(shop, *statements)
    proof = await check(shop)
    assert not proof.is_sound
    assert (invariant, f"batua_{table}", row) in broken_rows(proof)
