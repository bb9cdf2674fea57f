"""What is wrong with money in suspense is found: each rule, by one row that breaks it."""

import pytest

from batua.ledger.proof import prove
from batua.payments import SuspenseTo
from tests.support.books import attack
from tests.support.disputes import dispute
from tests.support.shop import open_shop


@pytest.fixture
async def odd_shop(database_url, clock):
    """40,000 in suspense: 10,000 was released and 12,000 refunded.

    Then 21,000 was disputed, 3,000 of it out of the wallet, and 5,000 refunded, which is a loss.
    """
    async with open_shop(database_url, clock) as shop:
        opened = await shop.open_top_up(50_000)
        await shop.provider.pay(opened["payment"]["provider_reference"], amount=40_000)
        await shop.hear()
        (capture,) = await shop.rows("capture")
        for to, amount in (("wallet", 10_000), ("source", 12_000)):
            await shop.batua.by_hand.suspense.let_go(
                capture["id"], SuspenseTo(to), shop.new_refund(amount, id=f"ref_to_the_{to}")
            )
        await shop.hear()
        await shop.provider.spoil("500_after_effect", path="/refund")
        late = shop.new_refund(5_000, id="ref_that_came_late")
        await shop.batua.by_hand.suspense.let_go(capture["id"], SuspenseTo.SOURCE, late)
        await dispute(shop, capture["provider_payment_id"], "lost", 21_000)
        await shop.work(60)
        assert (await shop.row("refund", late.id))["status"] == "succeeded"
        await shop.paid_order(1_000, customer="ravi")  # so that there is revenue
        shop.is_provable = False
        yield shop


TRANSFER = "update batua_transfer set"
ANOTHER = "(select id from batua_account where kind = 'revenue')"
NO_REFUND = "is of no refund of what a capture has in suspense"
PLANTED = {
    "a capture that has more": (
        "what is left there of its captures sums to", "update batua_capture set refunded = 1",
    ),
    "a capture that was never in suspense": (
        NO_REFUND, "update batua_capture set destination = 'wallet'",
    ),
    "a release without its refund": (
        NO_REFUND, f"{TRANSFER} refund_id = 'ref_x' where kind = 'suspense_release'",
    ),
    "a release of another payment": (
        NO_REFUND, f"{TRANSFER} payment_id = 'pmt_x' where kind = 'suspense_release'",
    ),
    "a release to somebody else": (
        NO_REFUND, f"{TRANSFER} credit_account = {ANOTHER} where kind = 'suspense_release'",
    ),
    "a refund out of something else": (
        NO_REFUND, f"{TRANSFER} debit_account = {ANOTHER} where kind = 'suspense_refund'",
    ),
    "a loss of something else": (
        NO_REFUND, f"{TRANSFER} debit_account = {ANOTHER} where kind = 'suspense_refund_loss'",
    ),
    "a refund by another name": (
        "of kind test takes money out of suspense",
        f"{TRANSFER} kind = 'test' where kind = 'suspense_refund'",
    ),
    "a loss by another name": (
        "of kind test moves disputed money, a loss or a debt",
        f"{TRANSFER} kind = 'test' where kind = 'suspense_refund_loss'",
    ),
    "a refund that says less than it released": (
        "its transfers for wallet_amount sum to 10000, expected 9999",
        "update batua_refund set wallet_amount = 9999, source_amount = 1 where wallet_amount > 0",
    ),
    "a dispute that says less than it took of the release": (
        "took 3000 of refunds to the wallet", "update batua_dispute set clawed_back = 2999",
    ),
    "a dispute that froze for nothing": (
        "is not of what capture", "update batua_dispute set froze = true, clawed_back = 0",
    ),
}  # fmt: skip


async def errors(shop):
    proof = await prove(shop.batua.database)
    return [finding for finding in proof.findings if not finding.is_warning]


@pytest.mark.parametrize("name", PLANTED)
async def test_what_is_planted_is_found(odd_shop, name):
    said, sql = PLANTED[name]
    assert await errors(odd_shop) == []
    await attack(odd_shop.batua.database, sql)
    found = [finding.message for finding in await errors(odd_shop)]
    assert [message for message in found if said in message] != [], found
