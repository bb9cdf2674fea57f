"""The book against a model of a few dozen lines: whatever is done, both agree."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from batua.errors import InsufficientFunds, InvariantViolated
from batua.ledger import AccountName, Book, available
from batua.ledger.chain import transfer_hash
from batua.ledger.tables import Entry, Transfer
from tests.support.clock import START
from tests.support.ledger import accounts, movement

SOAK = os.environ.get("BATUA_TEST_SOAK") == "1"
WALLETS = [AccountName.wallet(owner, "INR") for owner in ("asha", "ravi", "meera")]
SHOPS = [AccountName.gateway("bank", "INR"), AccountName.revenue("INR")]
DOLLARS = [AccountName.wallet("asha", "USD"), AccountName.gateway("bank", "USD")]
NAMES = [*WALLETS, *SHOPS, *DOLLARS]

names = st.sampled_from(NAMES)
amounts = st.one_of(st.integers(1, 50), st.integers(1, 9_000_000_000_000_000 // 10_000))


class Model:
    """What the book should come to: sums in dictionaries, and nothing else."""

    def __init__(self):
        self.posted = dict.fromkeys(NAMES, 0)
        self.holds = {}
        self.transfers = 0

    def copy(self):
        other = Model()
        other.posted = dict(self.posted)
        other.holds = dict(self.holds)
        other.transfers = self.transfers
        return other

    def held(self, name):
        return sum(amount for owner, amount in self.holds.values() if owner == name)

    def can_spend(self, name, amount):
        return name.may_overdraw or self.posted[name] - self.held(name) >= amount

    def move(self, debit, credit, amount):
        self.posted[debit] -= amount
        self.posted[credit] += amount
        self.transfers += 1


class BookAgainstModel(RuleBasedStateMachine):
    @initialize()
    def open(self):
        head = {"transfer_seq": 0, "account_seq": 0, "head_hash": "", "last_at": START}
        self.book = Book(head, START + timedelta(seconds=1))
        for need in accounts(*NAMES):
            self.book.add(need, [])
        self.model = Model()
        self.rows = {}
        self.closed = []
        self.marks = []
        self.number = 0
        for name in WALLETS:
            self.post(debit=SHOPS[0], credit=name, amount=1000)

    def next_id(self, prefix):
        self.number += 1
        return f"{prefix}_{self.number}"

    @rule(debit=names, credit=names, amount=amounts)
    def post(self, debit, credit, amount):
        wanted = movement(debit, credit, amount, id=self.next_id("trf"))
        mark = self.book.mark()
        if debit == credit or debit.currency != credit.currency:
            with pytest.raises(InvariantViolated):
                self.book.post(wanted)
            self.book.undo_to(mark)
        elif not self.model.can_spend(debit, amount):
            with pytest.raises(InsufficientFunds) as refused:
                self.book.post(wanted)
            assert refused.value.available == self.model.posted[debit] - self.model.held(debit)
            self.book.undo_to(mark)
        else:
            self.model.move(debit, credit, amount)
            assert self.book.post(wanted)["seq"] == self.model.transfers

    @rule(name=names, amount=amounts)
    def hold(self, name, amount):
        hold_id, mark = self.next_id("hld"), self.book.mark()
        if self.model.can_spend(name, amount):
            self.rows[hold_id] = self.book.hold(hold_id, name, amount)
            self.model.holds[hold_id] = (name, amount)
        else:
            with pytest.raises(InsufficientFunds):
                self.book.hold(hold_id, name, amount)
            self.book.undo_to(mark)

    @rule(data=st.data(), credit=names, share=st.integers(1, 120))
    def capture(self, data, credit, share):
        if not self.model.holds:
            return
        hold_id = data.draw(st.sampled_from(sorted(self.model.holds)))
        debit, held = self.model.holds[hold_id]
        amount = max(1, held * share // 100)
        wanted, mark = movement(debit, credit, amount, id=self.next_id("trf")), self.book.mark()
        if amount > held or debit == credit or debit.currency != credit.currency:
            with pytest.raises(InvariantViolated):
                self.book.capture_hold(self.rows[hold_id], wanted)
            self.book.undo_to(mark)
            return
        del self.model.holds[hold_id]
        self.model.move(debit, credit, amount)
        self.book.capture_hold(self.rows[hold_id], wanted)
        self.closed.append((hold_id, debit))

    @rule(data=st.data(), status=st.sampled_from(["voided", "expired"]))
    def void(self, data, status):
        if not self.model.holds:
            return
        hold_id = data.draw(st.sampled_from(sorted(self.model.holds)))
        name, _ = self.model.holds.pop(hold_id)
        self.book.void_hold(self.rows[hold_id], name, status=status)
        self.closed.append((hold_id, name))

    @rule(data=st.data())
    def close_again(self, data):
        if not self.closed:
            return
        hold_id, name = data.draw(st.sampled_from(self.closed))
        mark = self.book.mark()
        with pytest.raises(InvariantViolated):
            self.book.void_hold(self.rows[hold_id], name)
        self.book.undo_to(mark)

    @rule()
    def mark(self):
        self.marks.append((self.book.mark(), self.model.copy(), list(self.closed)))

    @rule(data=st.data())
    def undo(self, data):
        if not self.marks:
            return
        place = data.draw(st.integers(0, len(self.marks) - 1))
        mark, self.model, self.closed = self.marks[place]
        del self.marks[place:]
        self.book.undo_to(mark)

    @invariant()
    def balances_agree(self):
        for name in NAMES:
            account = self.book.get(*accounts(name)[0])
            posted, held = (account["posted"], account["held"]) if account else (0, 0)
            assert (posted, held) == (self.model.posted[name], self.model.held(name)), name
            assert name.may_overdraw or account is None or available(account) >= 0

    @invariant()
    def everything_sums_to_zero(self):
        for currency in ("INR", "USD"):
            assert not sum(posted for name, posted in self.model.posted.items()
                           if name.currency == currency)  # fmt: skip

    @invariant()
    def history_adds_up_and_its_chain_holds(self):
        transfers = [row for row in self.book.inserted if row.table is Transfer]
        entries = [row for row in self.book.inserted if row.table is Entry]
        assert [row["seq"] for row in transfers] == list(range(1, self.model.transfers + 1))
        running, previous = {}, ""
        for transfer, debit, credit in zip(transfers, entries[::2], entries[1::2], strict=True):
            assert debit["amount"] == -credit["amount"] == -transfer["amount"]
            for entry in (debit, credit):
                running[entry["account_id"]] = running.get(entry["account_id"], 0) + entry["amount"]
                assert entry["balance_after"] == running[entry["account_id"]]
            sides = (debit["balance_after"], credit["balance_after"])
            assert transfer["hash"] == transfer_hash(previous, transfer, sides)
            previous = transfer["hash"]
        assert self.book.head["head_hash"] == previous


TestBookAgainstModel = BookAgainstModel.TestCase
TestBookAgainstModel.settings = settings(
    derandomize=not SOAK,
    deadline=None,
    max_examples=500 if SOAK else 60,
    stateful_step_count=100 if SOAK else 40,
)
