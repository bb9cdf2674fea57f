"""Disputes, refunds by the provider, debts and bonuses: sound, and each rule broken."""

import pytest

from tests.integration.proof.broken import broken_rows
from tests.support.books import (
    ACCOUNT,
    ASHA,
    CAPTURE,
    ORDER,
    RAZORPAY,
    REFUND,
    SALES,
    STAFF,
    TRANSFER,
    attack,
    check,
    insert,
    move,
    named_rows,
    post,
)
from tests.support.clawed import DISPUTED

DISPUTE = "update batua_dispute set "
TOP_UP = "update batua_top_up set "
LOST, OPEN = "where id = 'dsp_lost'", "where id = 'dsp_open'"
WON = "where id = 'dsp_won'"

PLANTED = {
    # name: (invariant, table without batua_, row, what only this rule says, statements)
    # --- a dispute's own row
    "a dispute won without giving back": (
        "I9", "dispute", "dsp_open", "is won, but took", DISPUTE + "status = 'won' " + OPEN,
    ),
    "a dispute that is open again": (
        "I9", "dispute", "dsp_won", "is open, but took", DISPUTE + "status = 'open' " + WON,
    ),
    "a dispute lost without a loss": (
        "I9", "dispute", "dsp_odd", "and lost 0",
        DISPUTE + "status = 'lost' where id = 'dsp_odd'",
    ),
    "a lost dispute that seems open": (
        "I9", "dispute", "dsp_lost", "and lost 500", DISPUTE + "status = 'open' " + LOST,
    ),
    "a dispute that nothing was taken for": (
        "I9", "dispute", "dsp_late", "took 0,",
        DISPUTE + "status = 'open' where id = 'dsp_late'",
    ),
    "a dispute's amount": (
        "I9", "dispute", "dsp_lost", "of 499 is lost", DISPUTE + "amount = 499 " + LOST,
    ),
    "a dispute of a part that was won": (
        "I9", "dispute", "dsp_won", "of 299 is won", DISPUTE + "amount = 299 " + WON,
    ),
    "a dispute's gateway": (
        "I9", "dispute", "dsp_odd", "is not of what", DISPUTE + "gateway = 'x' "
        "where id = 'dsp_odd'",
    ),
    "a dispute's currency": (
        "I9", "dispute", "dsp_odd", "is not of what", DISPUTE + "currency = 'USD' "
        "where id = 'dsp_odd'",
    ),
    "a dispute's customer": (
        "I9", "dispute", "dsp_odd", "is not of what", DISPUTE + "customer_id = 'binod' "
        "where id = 'dsp_odd'",
    ),
    "a dispute's mode": (
        "I9", "dispute", "dsp_odd", "is not of what", DISPUTE + "mode = 'live' "
        "where id = 'dsp_odd'",
    ),
    "a dispute's top-up": (
        "I9", "dispute", "dsp_late", "is not of what", DISPUTE + "top_up_id = 'top_3' "
        "where id = 'dsp_late'",
    ),
    "a dispute's order": (
        "I9", "dispute", "dsp_lost", "is not of what", DISPUTE + "order_id = 'ord_2' " + LOST,
    ),
    "a dispute of more than the capture": (
        "I9", "dispute", "dsp_late", "is not of what", DISPUTE + "amount = 301 "
        "where id = 'dsp_late'",
    ),
    "a dispute of an order that froze a wallet": (
        "I9", "dispute", "dsp_lost", "is not of what", DISPUTE + "froze = true " + LOST,
    ),
    "a provider's dispute twice": (
        "I9", "dispute", "dsp_won", "is one of 2", DISPUTE + "provider_dispute_id = 'dsp_won' "
        "where id = 'dsp_late'",
    ),
    # --- what is counted elsewhere
    "a capture's disputes": (
        "I9", "capture", "cap_1", "disputed, but its", CAPTURE + "disputed = 0 where id = 'cap_1'",
    ),
    "a top-up's disputes": (
        "I9", "top_up", "top_1", "disputed, but its", TOP_UP + "disputed = 999 where id = 'top_1'",
    ),
    "a top-up's disputes of suspense": (
        "I9", "top_up", "top_odd", "disputed, but its",
        TOP_UP + "disputed = 70 where id = 'top_odd'",
    ),
    "a top-up that hides its dispute": (
        "I11", "top_up", "top_1", "is succeeded with 1000 disputed",
        TOP_UP + "status = 'succeeded' where id = 'top_1'",
    ),
    "a top-up charged back by nobody": (
        "I11", "top_up", "top_2", "is charged_back with 0",
        TOP_UP + "status = 'charged_back' where id = 'top_2'",
    ),
    "what is disputed at a gateway": (
        "I9", "account", "5", "but the open disputes there sum to 1070",
        ACCOUNT + f"posted = posted + 1 where key = '{DISPUTED}'",
    ),
    "a debt that is paid back twice": (
        "I4", "account", "6", "belongs in the wallet",
        ACCOUNT + "posted = 5 where key = 'debt:asha:INR'",
    ),
    "a top-up's bonus": (
        "I8", "top_up", "top_1", "has a bonus of 99", TOP_UP + "bonus = 99 where id = 'top_1'",
    ),
    "a bonus that was never posted": (
        "I8", "top_up", "top_2", "has a bonus of 5", TOP_UP + "bonus = 5 where id = 'top_2'",
    ),
    "more of a bonus returned than there was": (
        "I8", "top_up", "top_3", "can have gone back",
        TOP_UP + "bonus_returned = 21 where id = 'top_3'",
    ),
    "what is returned of a bonus": (
        "I9", "top_up", "top_3", "of its bonus returned",
        TOP_UP + "bonus_returned = 4 where id = 'top_3'",
    ),
    "a capture's refunds with more clawed back": (
        "I9", "capture", "cap_5", "refunded and 0 reserved, expected 300",
        CAPTURE + "clawed_back = 250 where id = 'cap_5'",
    ),
    "an order's refunds with more clawed back": (
        "I9", "order", "ord_2", "refunded and 0 reserved, expected 300",
        CAPTURE + "clawed_back = 250 where id = 'cap_5'",
    ),
    "a refund by the provider of nothing": (
        "I9", "refund", "ref_p", "for source_amount sum to 250, expected 0",
        REFUND + "status = 'failed' where id = 'ref_p'",
    ),
    "a refund by the provider that did not fail": (
        "I9", "refund", "ref_x", "for source_amount sum to 0, expected 50",
        REFUND + "status = 'succeeded' where id = 'ref_x'",
    ),
    # --- room for another refund of the same money
    "a clawback that makes room for a refund": (
        "I9", "capture", "cap_5", "has 400 clawed back",
        CAPTURE + "clawed_back = 400, refunded = 150 where id = 'cap_5'",
        ORDER + "refunded = 150, status = 'partially_refunded' where id = 'ord_2'",
    ),
    "a refund by the provider that clawed back more": (
        "I9", "refund", "ref_p", "but says 250",
        REFUND + "clawed_back = 250 where id = 'ref_p'",
        CAPTURE + "clawed_back = 250, refunded = 300 where id = 'cap_5'",
        ORDER + "refunded = 300, status = 'partially_refunded' where id = 'ord_2'",
    ),
    "a dispute that clawed back less": (
        "I9", "dispute", "dsp_lost", "but says 100",
        DISPUTE + "clawed_back = 100 " + LOST,
        CAPTURE + "clawed_back = 100, refunded = 100 where id = 'cap_2'",
        ORDER + "refunded = 100, status = 'partially_refunded' where id = 'ord_1'",
    ),
    "a dispute of a top-up that clawed back": (
        "I9", "dispute", "dsp_open", "but says 400", DISPUTE + "clawed_back = 400 " + OPEN,
    ),
    "a dispute that took less of a bonus": (
        "I9", "dispute", "dsp_open", "but says 0 and 50",
        DISPUTE + "bonus_amount = 50 " + OPEN,
        TOP_UP + "bonus_returned = 50 where id = 'top_1'",
    ),
    "a refund by the provider that took less of a bonus": (
        "I9", "refund", "ref_q", "but says 0 and 0",
        REFUND + "bonus_amount = 0 where id = 'ref_q'",
        TOP_UP + "bonus_returned = 4 where id = 'top_3'",
    ),
    "a refund of ours that took less of a bonus": (
        "I9", "refund", "ref_o", "has taken a bonus of 4",
        REFUND + "bonus_amount = 0 where id = 'ref_o'",
        TOP_UP + "bonus_returned = 10 where id = 'top_3'",
    ),
    "a refund of ours that claws back": (
        "I9", "refund", "ref_2", "only a provider claws back",
        REFUND + "clawed_back = 300 where id = 'ref_2'",
    ),
    "a refund of an order that took a bonus": (
        "I9", "refund", "ref_2", "with a bonus of 9",
        REFUND + "bonus_amount = 9 where id = 'ref_2'",
    ),
    # --- transfers without their dispute
    "a lost dispute that was deleted": (
        "I8", "transfer", "14", "is no part of a dispute",
        f"delete from batua_dispute {LOST}",
        CAPTURE + "disputed = 0, clawed_back = 0, refunded = 200 where id = 'cap_2'",
        ORDER + "refunded = 200, status = 'partially_refunded' where id = 'ord_1'",
    ),
    "a won dispute that was deleted": (
        "I8", "transfer", "17", "is no part of a dispute", f"delete from batua_dispute {WON}",
    ),
    "a dispute of another capture": (
        "I8", "transfer", "25", "is no part of a dispute",
        DISPUTE + "capture_id = 'cap_1', top_up_id = 'top_1' where id = 'dsp_odd'",
        CAPTURE + "disputed = 1070 where id = 'cap_1'",
        CAPTURE + "disputed = 0 where id = 'cap_4'",
        TOP_UP + "disputed = 1070 where id = 'top_1'",
    ),
    "a refund by the provider that seems ours": (
        "I8", "transfer", "28", "is no part of a dispute",
        REFUND + "requested_by = 'staff:meera' where id = 'ref_p'",
    ),
    "a clawback out of another pocket": (
        "I8", "transfer", "12", "from debt:binod:INR",
        DISPUTE + "customer_id = 'asha' " + LOST,
        CAPTURE + "customer_id = 'asha' where id = 'cap_2'",
        "update batua_payment set customer_id = 'asha' where id = 'pay_2'",
        ORDER + "customer_id = 'asha' where id = 'ord_1'",
    ),
    "a dispute's transfer for another top-up": (
        "I8", "transfer", "5", "is no part of a dispute",
        TRANSFER + "top_up_id = 'top_2' where seq = 5",
    ),
    "a dispute's transfer for an order": (
        "I8", "transfer", "5", "is no part of a dispute",
        TRANSFER + "order_id = 'ord_2' where seq = 5",
    ),
    "a dispute's transfer for another payment": (
        "I8", "transfer", "5", "is no part of a dispute",
        TRANSFER + "payment_id = 'pay_2' where seq = 5",
    ),
    # --- garbage
    **{
        f"a {table}'s negative {column}": (
            "I5", table, row, f"has {column} = -1",
            f"update batua_{table} set {column} = -1 where id = '{row}'",
        )
        for table, row, columns in (
            ("top_up", "top_1", ("bonus", "bonus_returned", "disputed")),
            ("capture", "cap_1", ("clawed_back", "disputed")),
            ("refund", "ref_p", ("bonus_amount", "clawed_back")),
            ("dispute", "dsp_open", ("bonus_amount", "clawed_back")),
        )
        for column in columns
    },
    "a dispute of nothing": (
        "I5", "dispute", "dsp_open", "has amount = 0", DISPUTE + "amount = 0 " + OPEN,
    ),
}  # fmt: skip


async def test_a_shop_with_disputes_in_every_state_is_sound(clawed_shop):
    assert (await check(clawed_shop)).findings == ()


@pytest.mark.parametrize("name", PLANTED)
async def test_a_planted_corruption_of_clawbacks_is_found(clawed_shop, name):
    invariant, table, row, says, *statements = PLANTED[name]
    await attack(clawed_shop, *statements)
    proof = await check(clawed_shop)
    assert (invariant, f"batua_{table}", row) in broken_rows(proof)
    assert [
        finding
        for finding in proof.findings
        if (finding.invariant, finding.row) == (invariant, row) and says in finding.message
    ]


# --- chained, and still wrong ---------------------------------------------------------------------

WRITTEN = {
    "disputed money to the shop": ("moves disputed", move("x", "sale", DISPUTED, SALES, 5)),
    "more disputed money": ("moves disputed", move("x", "sale", SALES, DISPUTED, 5)),
    "a loss written off": ("moves disputed", move("x", "sale", SALES, "dispute_loss:shop:INR", 5)),
    "a debt forgiven": ("moves disputed", move("x", "gift", SALES, "debt:asha:INR", 5)),
    "a debt made": ("moves disputed", move("x", "fee", "debt:asha:INR", SALES, 5)),
    "a dispute lost by a refund": (
        "moves disputed",
        move("ref_p.lost", "provider_refund_lost", DISPUTED, RAZORPAY, 5, payment_id="pay_5",
             order_id="ord_2"),
    ),
    "a part of no dispute": (
        "is no part", move("x.wallet", "dispute_wallet", "wallet:chitra:INR", DISPUTED, 5),
    ),
    "a part of no refund": (
        "is no part",
        move("x.wallet", "provider_refund_wallet", "wallet:chitra:INR", RAZORPAY, 5),
    ),
    "a debt repaid by another": (
        "leaves a debt", move("x", "debt_repayment", "wallet:chitra:INR", "debt:asha:INR", 5),
    ),
    "a debt repaid out of sales": (
        "leaves a debt", move("x", "debt_repayment", SALES, "debt:asha:INR", 5),
    ),
    "more than a debt repaid": (
        "leaves a debt",
        move("x", "debt_repayment", "wallet:chitra:INR", "debt:chitra:INR", 5),
    ),
    "a debt returned to another": (
        "leaves a debt", move("x", "debt_returned", "debt:asha:INR", "wallet:chitra:INR", 5),
    ),
    "a debt returned that nobody repaid": (
        "leaves a debt", move("x", "debt_returned", "debt:chitra:INR", "wallet:chitra:INR", 5),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITTEN)
async def test_a_chained_transfer_of_disputed_money_or_debt_is_found(clawed_shop, name):
    says, movement = WRITTEN[name]
    await post(clawed_shop, movement)
    findings = (await check(clawed_shop)).findings
    (finding,) = [each for each in findings if each.table == "batua_transfer"]
    assert (finding.invariant, finding.row) == ("I8", "40")
    assert says in finding.message


@pytest.mark.parametrize(
    ("movement", "is_found"),
    [
        (move("x", "debt_returned", SALES, ASHA, 5, **STAFF), True),
        (move("x", "debt_returned", "debt:chitra:INR", "wallet:chitra:INR", 5, actor=" "), True),
    ],
)
async def test_a_debt_returned_credits_a_wallet_from_a_debt_and_by_somebody(
    clawed_shop, movement, is_found
):
    await post(clawed_shop, movement)
    findings = (await check(clawed_shop)).findings
    assert any("credits wallet:" in each.message for each in findings) == is_found


async def test_a_debt_that_is_repaid_in_part_is_no_finding(clawed_shop):
    await insert(clawed_shop, "batua_adjustment", id="x", amount=5, direction="credit")
    await post(
        clawed_shop,
        move("x", "adjustment_credit", "adjustment:shop:INR", ASHA, 5, **STAFF),
        move("x.repayment", "debt_repayment", ASHA, "debt:asha:INR", 5),
    )
    assert named_rows(await check(clawed_shop)) == []
