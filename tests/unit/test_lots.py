"""Lots: what is spent first, what comes back, what expires, and what a hold keeps."""

from __future__ import annotations

from datetime import timedelta

import pytest

from batua.errors import InsufficientFunds, InvariantViolated
from batua.ledger import AccountName, Book, NewLot, Part
from batua.ledger.lots import hold_needs, paid_free, returned, without_bonus
from batua.ledger.rows import Need, NotLoaded
from batua.ledger.tables import Account, HoldLot, Lot, LotEntry
from tests.support.clock import START
from tests.support.ledger import ASHA, BANK, REVENUE, accounts, movement

PROMOTION = AccountName.promotion("INR")
HOUR = timedelta(hours=1)


@pytest.fixture
def book():
    """ASHA has 50 paid, 40 of bonus until in two hours, 30 until in one, 20 of refund credit."""
    head = {"transfer_seq": 0, "account_seq": 0, "head_hash": "", "last_at": START}
    book = Book(START)
    book.open(head)
    for need in (*accounts(ASHA, BANK, REVENUE), *hold_needs("hld")):
        book.add(need, [])
    book.post(movement(amount=50))
    for name, amount, new in (
        ("late", 40, NewLot(kind="bonus", expires_at=START + 2 * HOUR)),
        ("soon", 30, NewLot(kind="bonus", expires_at=START + HOUR)),
        ("refund", 20, NewLot(kind="refund")),
        ("ever", 10, NewLot(kind="bonus")),
    ):
        book.post(movement(PROMOTION, ASHA, amount, id=name, opens=new))
    return book


def left(book):
    return {lot["id"].partition(".")[0]: lot["remaining"] for lot in book.lots(ASHA)}


def lot(book, id):
    return next(row for row in book.lots(ASHA) if row["id"] == f"{id}.lot1")


def check(book):
    account = book.get(Account, "key", ASHA.key)
    entries = [row for row in book.inserted if row.table is LotEntry]
    known = [row for row in book.inserted if row.table is Lot]
    for row in known:
        mine = [entry for entry in entries if entry["lot_id"] == row["id"]]
        assert 0 <= row["held"] <= row["remaining"] <= row["amount"]
        assert row["remaining"] == sum(e["amount"] for e in mine) == mine[-1]["remaining_after"]
    assert sum(row["remaining"] for row in known) <= account["posted"]
    assert sum(row["held"] for row in known) <= account["held"]


def test_what_expires_first_is_spent_first_and_paid_credit_last(book):
    order = [lot["id"] for lot in book.lots(ASHA)]
    assert order == ["soon.lot1", "late.lot1", "ever.lot1", "refund.lot1"]
    book.post(movement(ASHA, REVENUE, 75))
    assert left(book) == {"ever": 5, "refund": 20}
    book.post(movement(ASHA, REVENUE, 50))
    assert left(book) == {}
    assert book.account(ASHA)["posted"] == 25
    check(book)


def test_a_wallet_whose_lots_were_not_loaded_can_not_be_touched():
    book = Book(START)
    book.open({"transfer_seq": 0, "account_seq": 0, "head_hash": "", "last_at": START})
    for name in (ASHA, BANK):
        book.add(Need(Account, "key", name.key), [])
    with pytest.raises(NotLoaded):
        book.post(movement(amount=1))
    with pytest.raises(NotLoaded):
        book.hold("hld", ASHA, 1)


def test_what_is_due_has_expired_before_anything_is_decided(book):
    book.now = START + HOUR
    with pytest.raises(InsufficientFunds) as refused:
        book.post(movement(ASHA, REVENUE, 121))
    assert refused.value.available == 120
    assert left(book) == {"late": 40, "ever": 10, "refund": 20}
    assert book.account(PROMOTION)["posted"] == -70
    check(book)


def test_a_refusal_takes_an_expiry_back_and_the_next_operation_makes_it_again(book):
    book.now = START + HOUR
    for _ in range(2):
        mark = book.mark()
        assert book.account(ASHA)["posted"] == 120
        book.undo_to(mark)
        assert book.get(Account, "key", ASHA.key)["posted"] == 150


def test_what_is_held_of_a_lot_does_not_expire_before_it_is_given_back(book):
    hold = book.hold("hld", ASHA, 20)
    book.now = START + HOUR
    assert book.account(ASHA)["posted"] == 140
    assert left(book)["soon"] == 20
    book.void_hold(hold, ASHA)
    assert book.account(ASHA)["posted"] == 120
    ids = [row["id"] for row in book.inserted if row.get("kind") == "bonus_expiry"]
    assert ids == ["soon.lot1.expiry.30", "soon.lot1.expiry.20"]
    check(book)


def test_a_capture_takes_the_lots_of_its_hold_though_they_are_due(book):
    hold = book.hold("hld", ASHA, 35)
    book.now = START + HOUR
    book.capture_hold(hold, movement(ASHA, REVENUE, 32))
    assert book.account(ASHA)["posted"] == 118
    assert left(book) == {"late": 38, "ever": 10, "refund": 20}
    check(book)


def test_a_hold_may_spare_every_bonus(book):
    account = book.account(ASHA)
    assert paid_free(account, book.lots(ASHA)) == 50
    takes = without_bonus(account, book.lots(ASHA), 60)
    assert takes == (Part(lot(book, "refund"), 10),)
    assert without_bonus(account, book.lots(ASHA), 50) == ()
    with pytest.raises(InsufficientFunds) as refused:
        book.hold("hld", ASHA, 71, takes=without_bonus(account, book.lots(ASHA), 71))
    assert refused.value.available == 70
    book.hold("hld", ASHA, 60, takes=takes)
    assert lot(book, "refund")["held"] == 10
    check(book)


def test_what_comes_back_comes_back_in_reverse(book):
    spent = [Part(lot(book, "soon"), 30), Part(lot(book, "late"), 10)]
    late, soon = lot(book, "late"), lot(book, "soon")
    assert returned(spent, 5, 0, 5) == ()
    assert returned(spent, 5, 0, 8) == (Part(late, 3),)
    assert returned(spent, 5, 8, 20) == (Part(late, 7), Part(soon, 13))
    assert returned(spent, 5, 28, 17) == (Part(soon, 17),)


def test_a_lot_gets_back_what_it_gave_unless_it_is_due(book):
    spent = [Part(lot(book, "soon"), 30), Part(lot(book, "late"), 40)]
    book.post(movement(ASHA, REVENUE, 70))
    book.now = START + HOUR
    book.post(movement(REVENUE, ASHA, 70, id="back", restores=returned(spent, 0, 0, 70)))
    assert left(book) == {"back": 30, "late": 40, "ever": 10, "refund": 20}
    again = lot(book, "back")
    assert (again["kind"], again["expires_at"]) == ("bonus", book.now + timedelta(days=30))
    check(book)


@pytest.mark.parametrize(
    ("amount", "more"),
    [
        (5, {"opens": NewLot(kind="refund", amount=6)}),
        (5, {"debit": ASHA, "credit": REVENUE, "opens": NewLot(kind="refund")}),
    ],
)
def test_a_transfer_gives_lots_no_more_than_it_moves_and_only_to_a_wallet(book, amount, more):
    with pytest.raises(InvariantViolated):
        book.post(movement(amount=amount, **more))


def test_lots_that_could_never_be_right_are_violations(book):
    soon = lot(book, "soon")
    with pytest.raises(InvariantViolated, match="has not 31"):
        book.post(movement(ASHA, REVENUE, 40, takes=(Part(soon, 31),)))
    with pytest.raises(InvariantViolated, match="more of its lots"):
        book.post(movement(ASHA, REVENUE, 20, takes=(Part(soon, 30),)))
    with pytest.raises(InvariantViolated, match="can't change"):
        book.post(movement(amount=1, restores=(Part(soon, 1),)))


def test_undo_brings_back_every_lot(book):
    before, mark = left(book), book.mark()
    book.capture_hold(book.hold("hld", ASHA, 100), movement(ASHA, REVENUE, 60))
    assert left(book) != before
    book.undo_to(mark)
    assert left(book) == before
    check(book)


def test_a_hold_that_keeps_what_the_wallet_does_not_hold_is_a_violation(book):
    hold = book.hold("hld", ASHA, 30)
    refund = lot(book, "refund")
    book.insert(
        HoldLot, id=f"hld/{refund['id']}", hold_id="hld", lot_id=refund["id"], amount=5
    )  # it says so, and the lot does not
    with pytest.raises(InvariantViolated, match="does not hold"):
        book.void_hold(hold, ASHA)
