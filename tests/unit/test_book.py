"""The book: pure decisions on loaded rows, and how they are taken back."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest

from batua.contract import AMOUNT_MAX
from batua.errors import InsufficientFunds, InvariantViolated
from batua.ledger import SHOP, AccountKind, AccountName, Book, Need, Record
from batua.ledger.chain import HASHED, transfer_hash
from batua.ledger.rows import NotLoaded
from batua.ledger.tables import Account, Hold, Transfer
from tests.support.clock import START
from tests.support.ledger import ASHA, BANK, RAVI, REVENUE, accounts, movement


def empty_book(*names, now=START, last_at=START):
    """A book of a new ledger that knows that ``names`` are not open yet."""
    book = Book(now)
    book.open({"transfer_seq": 0, "account_seq": 0, "head_hash": "", "last_at": last_at})
    for need in accounts(*names):
        book.add(need, [])
    return book


@pytest.fixture
def book():
    return empty_book(ASHA, RAVI, BANK, REVENUE)


@pytest.fixture
def funded(book):
    """ASHA has 100."""
    book.post(movement(amount=100))
    return book


def staged(book):
    """Everything that a book would write, as plain data."""
    rows = [dict(row) for row in book.inserted]
    return rows, {key: dict(row) for key, row in book.updated.items()}, dict(book.head)


# --- rows ---------------------------------------------------------------------------------------


def test_what_was_not_loaded_can_not_be_read(book):
    with pytest.raises(NotLoaded, match=r"batua_hold.id = 'hld_1'"):
        book.get(Hold, "id", "hld_1")
    with pytest.raises(NotLoaded):
        book.account(AccountName.wallet("nobody", "INR"))


def test_what_is_missing_is_what_was_never_loaded(book):
    known, unknown = Need(Account, "key", ASHA.key), Need(Hold, "id", "hld_1")
    assert book.missing([known, unknown, unknown]) == {unknown}
    book.add(unknown, [])
    assert book.missing([known, unknown]) == set()
    assert book.find(*unknown) == []
    assert book.get(*unknown) is None


def test_a_row_that_must_be_there_and_is_not_is_a_violation(book):
    book.add(Need(Hold, "id", "hld_1"), [])
    with pytest.raises(InvariantViolated, match="batua_hold has no row id = 'hld_1'"):
        book.need(Hold, "id", "hld_1")


def test_a_staged_row_is_found_by_the_needs_that_it_meets(funded):
    for need in (Need(Hold, "id", "hld_1"), Need(Hold, "account_id", 2),
                 Need(Hold, "order_id", "ord_1"), Need(Hold, "id", "hld_2")):  # fmt: skip
        funded.add(need, [])
    mark = funded.mark()
    hold = funded.hold("hld_1", ASHA, 5, order_id="ord_1")
    assert funded.need(Hold, "id", "hld_1") is hold
    assert funded.find(Hold, "account_id", 2) == [hold]
    assert funded.find(Hold, "order_id", "ord_1") == [hold]
    assert funded.find(Hold, "id", "hld_2") == []
    funded.undo_to(mark)
    assert funded.find(Hold, "account_id", 2) == []


def test_an_update_is_staged_for_loaded_rows_and_folded_into_new_ones(book):
    old = Record(Hold, {"id": "hld_1", "status": "held", "version": 4})
    book.add(Need(Hold, "id", "hld_1"), [old])
    mark = book.mark()
    book.update(old, status="voided")
    again = book.mark()
    book.update(old, status="expired")
    assert list(book.updated.values()) == [old]
    assert old.changed == {"status"}
    book.undo_to(again)
    assert old["status"] == "voided"
    assert list(book.updated.values()) == [old], "its first change stays"
    book.undo_to(mark)
    assert (old["status"], old.changed, book.updated) == ("held", set(), {})
    new = book.account(ASHA)
    book.update(new, posted=5)
    assert book.updated == {}
    assert book.records(Hold)["hld_1"] is old


def test_a_new_row_with_a_version_starts_at_one_and_history_has_none(funded):
    account, transfer = funded.inserted[0], funded.inserted[2]
    assert account.table is Account
    assert account["version"] == 1
    assert transfer.table is Transfer
    assert "version" not in transfer


def test_time_does_not_run_backwards():
    assert empty_book(now=START - timedelta(hours=1)).now == START
    assert empty_book(now=START + timedelta(hours=1)).now == START + timedelta(hours=1)


# --- money --------------------------------------------------------------------------------------


def test_an_account_is_opened_on_first_use_and_numbered(book):
    first, second = book.account(ASHA), book.account(BANK)
    assert (first["id"], second["id"]) == (1, 2)
    assert book.account(ASHA) is first
    assert (first["kind"], first["owner"], first["key"]) == ("wallet", "asha", "wallet:asha:INR")
    assert not first["may_overdraw"]
    assert second["may_overdraw"]


def test_names_of_accounts():
    assert AccountName.gateway("bank", "INR").key == "gateway:bank:INR"
    assert AccountName.revenue("INR").key == f"revenue:{SHOP}:INR"
    assert AccountName.suspense("bank", "INR").key == "suspense:bank:INR"
    assert AccountName.adjustment("INR").key == f"adjustment:{SHOP}:INR"


@pytest.mark.parametrize("kind", list(AccountKind))
def test_only_the_shops_own_side_may_overdraw(kind):
    may = AccountName(kind, "x", "INR").may_overdraw
    shop_side = {"gateway", "revenue", "adjustment", "promotion", "dispute_loss"}
    assert may is (kind in shop_side | {"debt"})  # what somebody owes is below zero by nature


def test_a_post_debits_one_side_and_credits_the_other(funded):
    transfer = funded.post(movement(ASHA, RAVI, 30))
    assert transfer["seq"] == 2
    assert funded.account(ASHA)["posted"] == 70
    assert funded.account(RAVI)["posted"] == 30
    debit, credit = funded.inserted[-2:]
    assert (debit["id"], debit["amount"], debit["balance_after"]) == (3, -30, 70)
    assert (credit["id"], credit["amount"], credit["balance_after"]) == (4, 30, 30)


def test_a_post_beyond_what_is_available_is_refused_and_undone(funded):
    before, mark = staged(funded), funded.mark()
    with pytest.raises(InsufficientFunds) as refused:
        funded.post(movement(ASHA, RAVI, 101))
    assert (refused.value.available, refused.value.currency) == (100, "INR")
    funded.undo_to(mark)
    assert staged(funded) == before


@pytest.mark.parametrize("amount", [0, -1, 1.0, True, "5", None, AMOUNT_MAX + 1])
def test_an_amount_that_can_not_move_is_a_violation(book, amount):
    with pytest.raises(InvariantViolated, match="whole number above zero"):
        book.post(movement(amount=amount))
    with pytest.raises(InvariantViolated, match="whole number above zero"):
        book.hold("hld_1", BANK, amount)


def test_the_largest_amount_can_move(book):
    assert book.post(movement(amount=AMOUNT_MAX))["amount"] == AMOUNT_MAX


def test_a_transfer_to_itself_is_a_violation(book):
    with pytest.raises(InvariantViolated, match="gateway:bank:INR to itself"):
        book.post(movement(BANK, BANK))


def test_two_currencies_in_one_transfer_are_a_violation(book):
    dollars = AccountName.wallet("asha", "USD")
    for need in accounts(dollars):
        book.add(need, [])
    for debit, credit in ((BANK, dollars), (dollars, BANK)):
        with pytest.raises(InvariantViolated, match="between"):
            book.post(movement(debit, credit))


def test_an_account_whose_row_lies_about_its_currency_is_a_violation(book):
    book.update(book.account(ASHA), currency="USD")
    with pytest.raises(InvariantViolated, match="a transfer of INR"):
        book.post(movement(BANK, ASHA))


# --- holds --------------------------------------------------------------------------------------


def test_what_is_held_is_not_available_and_still_posted(funded):
    funded.hold("hld_1", ASHA, 60)
    account = funded.account(ASHA)
    assert (account["posted"], account["held"]) == (100, 60)
    with pytest.raises(InsufficientFunds):
        funded.hold("hld_2", ASHA, 41)
    with pytest.raises(InsufficientFunds):
        funded.post(movement(ASHA, RAVI, 41))
    funded.hold("hld_2", ASHA, 40)


def test_a_capture_takes_its_amount_and_frees_the_rest(funded):
    hold = funded.hold("hld_1", ASHA, 60)
    funded.capture_hold(hold, movement(ASHA, REVENUE, 50))
    account = funded.account(ASHA)
    assert (account["posted"], account["held"]) == (50, 0)
    assert (hold["status"], hold["captured"], hold["closed_at"]) == ("captured", 50, START)


def test_capture_more_than_held_is_a_violation(funded):
    hold = funded.hold("hld_1", ASHA, 60)
    with pytest.raises(InvariantViolated, match="captures more than it holds"):
        funded.capture_hold(hold, movement(ASHA, REVENUE, 61))


def test_a_hold_closes_once(funded):
    hold = funded.hold("hld_1", ASHA, 60)
    funded.void_hold(hold, ASHA)
    with pytest.raises(InvariantViolated, match="is voided"):
        funded.void_hold(hold, ASHA)
    with pytest.raises(InvariantViolated, match="is voided"):
        funded.capture_hold(hold, movement(ASHA, REVENUE, 60))
    assert funded.account(ASHA)["held"] == 0


def test_a_hold_can_not_be_closed_through_another_account(funded):
    hold = funded.hold("hld_1", ASHA, 60)
    with pytest.raises(InvariantViolated, match="hld_1 of wallet:ravi:INR"):
        funded.void_hold(hold, RAVI)
    assert funded.account(ASHA)["held"] == 60


# --- undo ---------------------------------------------------------------------------------------


def test_undo_takes_back_everything_to_the_last_detail():
    book = empty_book(ASHA, RAVI, BANK, REVENUE)
    before = staged(book)
    mark = book.mark()
    book.post(movement(amount=100))
    hold = book.hold("hld_1", ASHA, 60)
    book.capture_hold(hold, movement(ASHA, REVENUE, 10))
    assert staged(book) != before
    book.undo_to(mark)
    assert staged(book) == before
    assert book.get(Account, "key", ASHA.key) is None
    assert book.mark() == mark


# --- the chain ----------------------------------------------------------------------------------


def test_each_hash_covers_the_one_before_it(funded):
    transfers = [funded.inserted[2], funded.post(movement(ASHA, RAVI, 30))]
    first, second = (each["hash"] for each in transfers)
    assert first == transfer_hash("", transfers[0], START, (-100, 100))
    assert second == transfer_hash(first, transfers[1], START, (70, 30))
    assert funded.head["head_hash"] == transfers[1]["hash"]


def whole(transfer):
    return {column: transfer[column] for column in HASHED}


def hash_of(transfer, previous="", balances=(-100, 100)):
    return transfer_hash(previous, transfer, transfer["created_at"], balances)


@pytest.mark.parametrize("column", HASHED)
def test_a_change_of_any_column_changes_the_hash(funded, column):
    transfer = whole(funded.inserted[2])
    before = hash_of(transfer)
    transfer[column] = START - timedelta(days=1) if column.endswith("_at") else "tampered"
    assert hash_of(transfer) != before


def test_a_change_of_a_balance_or_of_the_past_changes_the_hash(funded):
    transfer = whole(funded.inserted[2])
    hashes = {hash_of(transfer, previous, balances)
              for previous, balances in (("", (-100, 100)), ("", (-100, 101)), ("", (-99, 100)),
                                         ("0", (-100, 100)))}  # fmt: skip
    assert len(hashes) == 4


def test_every_column_of_a_transfer_is_hashed_but_the_hash_itself():
    columns = {column._meta.db_column_name for column in Transfer._meta.columns}
    assert columns - set(HASHED) == {"hash"}
    assert len(HASHED) == len(set(HASHED))


def test_the_hash_is_the_same_in_every_time_zone(funded):
    transfer = whole(funded.inserted[2])
    before = hash_of(transfer)
    transfer["created_at"] = transfer["created_at"].astimezone()
    assert hash_of(transfer) == before


def test_what_a_transfer_leaves_out_is_hashed_as_null_and_now(funded):
    transfer = funded.inserted[2]
    assert "payment_id" not in transfer
    assert "occurred_at" not in transfer
    read = whole(transfer)
    assert read["payment_id"] is None
    assert read["occurred_at"] == START
    assert hash_of(read) == transfer["hash"]
    with pytest.raises(KeyError, match=r"batua_transfer\.amuont"):
        transfer["amuont"]


def test_a_row_that_was_loaded_knows_nothing_that_it_was_not_loaded_with():
    loaded = Record(Hold, {"id": "hld_1"})
    for column in ("created_at", "version", "closed_at"):
        with pytest.raises(KeyError, match=rf"batua_hold\.{column}"):
            loaded[column]


def test_an_account_has_one_name_however_often_it_is_said():
    names = {AccountName.wallet("asha", "INR"), AccountName(AccountKind.WALLET, "asha", "INR")}
    assert names == {ASHA}
    assert AccountName.wallet("asha", "USD") not in names
    assert AccountName.of({"kind": "wallet", "owner": "asha", "currency": "INR"}).key == ASHA.key


def test_the_hash_of_a_known_transfer_never_changes():
    """A vector: a change here means that no ledger in the field verifies any more."""
    transfer = dict.fromkeys(HASHED) | {
        "seq": 1, "id": "trf_1", "kind": "top_up", "debit_account": 1, "credit_account": 2,
        "amount": 50000, "currency": "INR", "reason": "आशा", "actor": "system",
        "occurred_at": START, "created_at": START,
    }  # fmt: skip
    written = (
        '["",1,"trf_1","top_up",1,2,50000,"INR",null,null,null,null,null,"आशा","system",null,'
        '"2026-11-22T12:00:00.000000+00:00","2026-11-22T12:00:00.000000+00:00",-50000,50000]'
    )
    known = "c44106b18151ebbe137b52b5cb56708bec6ced88770d2d3f341d4a64ef4d76c4"
    assert hashlib.sha256(written.encode()).hexdigest() == known
    assert hash_of(transfer, balances=(-50000, 50000)) == known
