"""The whole ledger against a model of two pages: every answer, every refusal, every balance.

Through two real engines on a real database, with groups.  Hypothesis looks for a short sequence
that differs; the seeded loop looks far.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from batua.database import open_database
from batua.errors import StaleRow
from batua.ledger import PostTransfer, ReverseTransfer, VoidHold
from batua.ledger.operations.lookup import name_of_account
from batua.ledger.tables import Hold
from tests.support.clock import FakeClock
from tests.support.ledger import prove_transfers
from tests.support.ledger_check import DRAWS, WAYS, Check, Door, SeededPick, draw_any
from tests.support.model_words import TOP_UP, operation_of

SOAK = os.environ.get("BATUA_TEST_SOAK") == "1"
OPERATIONS = int(os.environ.get("BATUA_TEST_OPERATIONS", "1000000" if SOAK else "4000"))
SEED = int(os.environ.get("BATUA_TEST_SEED", "1"))
PART = 2_000  # operations on one set of accounts, then new ones: limits and freezes pile up
OVERTAKEN_MAX = 8  # what is overtaken is one group: never fewer are run together
SIZES = [1, 3, 10, 40, 120] if SOAK else [1, 1, 2, 3, 5, 8, 13, 40]  # of groups


class HypothesisPick:
    def __init__(self, data):
        self._data = data

    def one(self, choices):
        return self._data.draw(st.sampled_from(list(choices)))

    def number(self, lowest, highest):
        return self._data.draw(st.integers(lowest, highest))


def machine_on(runner, doors, clock):
    """The state machine's rules are the draws: one each, and groups of several."""

    class LedgerAgainstModel(RuleBasedStateMachine):
        @initialize()
        def start(self):
            self.check = Check(doors, clock)
            runner.run(self.check.start())

        @rule(data=st.data(), draw=st.sampled_from(DRAWS))
        def one(self, data, draw):
            runner.run(self.check.draw_and_run(HypothesisPick(data), draw))

        @rule(data=st.data(), size=st.integers(2, 6))
        def group(self, data, size):
            runner.run(self.check.draw_and_run(HypothesisPick(data), *[draw_any] * size))

        @rule(data=st.data(), sizes=st.tuples(st.integers(1, 4), st.integers(1, 4)))
        def overtaken_group(self, data, sizes):
            first, second = ([draw_any] * size for size in sizes)
            runner.run(self.check.draw_and_overtake(HypothesisPick(data), first, second))

        @rule()
        def turn(self):
            self.check.turn()

        @rule(seconds=st.sampled_from([-60, 1, 31, 601]))
        def move_clock(self, seconds):
            self.check.move_clock(seconds)

    return LedgerAgainstModel


def test_the_ledger_and_its_model_never_differ(database_url):
    clock = FakeClock()
    with asyncio.Runner() as runner:
        doors = [Door(open_database(database_url), clock) for _ in range(2)]
        for door in doors:
            runner.run(door.open())
        try:
            run_state_machine_as_test(
                machine_on(runner, doors, clock),
                settings=settings(
                    deadline=None,
                    # The long run is for the counts. Two engines race, so that the same choices
                    # may lead elsewhere: Hypothesis can't be let go on for long.
                    max_examples=30,
                    stateful_step_count=25,
                    derandomize=True,
                ),
            )
            assert_went_every_way(doors)
            runner.run(assert_proven(doors[0]))
        finally:
            for door in doors:
                runner.run(door.close())


@pytest.fixture
async def open_doors(clock):
    """Opens two doors of a kind on a database (``await open_doors(url)``)."""
    opened = []

    async def open_two(url, kind=Door):
        opened.extend(kind(open_database(url), clock) for _ in range(2))
        for door in opened:
            await door.open()
        return opened

    yield open_two
    for door in opened:
        await door.close()


def assert_went_every_way(doors):
    """Groups were committed without the ledger's lock, under it, and some came too late."""
    ways = doors[0].ways + doors[1].ways
    assert min(ways[way] for way in WAYS) >= 10, ways
    return ways


async def assert_proven(database):
    async with database.transaction() as transaction:  # the top-up of every bonus there was
        await transaction.execute(
            "update batua_top_up set bonus = (select coalesce(sum(amount), 0) from batua_transfer"
            " where kind = 'top_up_bonus') where id = $1",
            TOP_UP,
        )
    proof = await prove_transfers(database)
    assert not proof.findings, proof.findings[:3]
    return proof.transfers


async def run_seeded(doors, clock, operations, operation_of=operation_of):
    """Compare ``operations`` of them; returns how often each answer was seen."""
    pick, seen, done = SeededPick(SEED), Counter(), 0
    while done < operations:
        check = Check(doors, clock, operation_of)
        await check.start()
        until = min(operations, done + PART)
        while done < until:
            done += await run_some(check, pick)
            if pick.number(0, 3) == 0:
                check.move_clock(pick.one([-60, 1, 31, 601]))
            if pick.number(0, 3) == 0:
                check.turn()
        seen += check.seen
    return seen


async def run_some(check, pick):
    """A group, or two of which one overtakes the other; returns how many operations they were."""
    if pick.number(0, 3):
        size = pick.one(SIZES)
        await check.draw_and_run(pick, *[draw_any] * size)
        return size
    first, second = pick.one(SIZES), pick.number(1, OVERTAKEN_MAX)
    await check.draw_and_overtake(pick, [draw_any] * first, [draw_any] * second)
    return first + second


async def test_a_long_run_of_everything_never_differs(database_url, open_doors, clock):
    doors, began = await open_doors(database_url), time.monotonic()
    seen = await run_seeded(doors, clock, OPERATIONS)
    took = time.monotonic() - began
    transfers = await assert_proven(doors[0])
    ways = assert_went_every_way(doors)
    print(
        f"seed {SEED}: {seen.total()} operations in {took:.0f} s, {transfers} transfers, "
        f"{len(seen)} kinds of answers, groups {dict(ways)}, no difference"
    )
    missing = EXPECTED - {answer.split()[1] for answer in seen}
    assert not missing, "chance never led there: the check is weaker than it says"


EXPECTED = {
    "done", "exists", "exceeds_available_balance", "exists_with_different_amount",
    "exists_with_different_accounts", "exists_with_different_kind",
    "exists_with_different_details", "accounts_must_differ", "lots_need_a_wallet",
    "currency_mismatch",
    "amount_must_be_positive", "amount_too_large", "exceeds_balance_limit", "hold_not_found",
    "hold_already_captured", "hold_already_voided", "hold_expired", "hold_not_due",
    "exceeds_held_amount", "transfer_not_found", "already_reversed", "linked_operation_refused",
    "wallet_frozen", "lot_expired",
}  # fmt: skip


class GivesBackTooLittle(VoidHold):
    """Keeps one minor unit of what it voids."""

    def decide(self, book):
        answer = super().decide(book)
        account = book.account(
            name_of_account(book, book.need(Hold, "id", answer.id)["account_id"])
        )
        if not answer.exists:
            book.update(account, held=account["held"] + 1)
        return answer


class PostsAgain(PostTransfer):
    """Takes an id that exists for a new one."""

    def decide(self, book):
        answer = super().decide(book)
        return replace(answer, exists=False)


class ForgetsLots(ReverseTransfer):
    """Gives back as paid credit what was a bonus."""

    def _lots_back(self, book):  # noqa: ARG002 - it forgets
        return (), None


MISTAKES = {VoidHold: GivesBackTooLittle, PostTransfer: PostsAgain, ReverseTransfer: ForgetsLots}


@pytest.mark.parametrize("right", MISTAKES, ids=lambda right: right.__name__)
async def test_a_ledger_that_is_wrong_in_one_place_is_caught(sqlite_url, open_doors, clock, right):
    """The control: were it not caught, the tests above would prove nothing."""

    def mistaken(command):
        operation = operation_of(command)
        if type(operation) is not right:
            return operation
        return MISTAKES[right](**{name: getattr(operation, name) for name in right.__slots__})

    doors = await open_doors(sqlite_url)
    with pytest.raises(AssertionError):
        await run_seeded(doors, clock, 2_000, mistaken)


class NeverLate(Door):
    """Does not hear that somebody else wrote in between."""

    async def write_all(self, writes, meanwhile):
        with contextlib.suppress(StaleRow):
            await super().write_all(writes, meanwhile)


async def test_an_engine_that_writes_over_another_is_caught(database_url, open_doors, clock):
    """The control of two doors."""
    doors = await open_doors(database_url, NeverLate)
    with pytest.raises(AssertionError):
        await run_seeded(doors, clock, 2_000)
