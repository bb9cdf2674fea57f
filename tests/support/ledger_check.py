"""The real ledger beside the model: what is drawn is done to both, and both must agree.

Commands are drawn from whoever ``pick``s: Hypothesis, which shrinks, or a seeded random, which is
fast.  A further kind of command is one ``draw_…`` function here, one method of the model and one
line in ``model_words.operation_of``.

Two doors on one database are two engines, each of which finds that another process wrote: they take
the ledger's lock, or learn at their COMMIT that they are too late, and the model knows of neither.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from piccolo.engine.base import Engine as PiccoloEngine

from batua.database import Database, Lookup, Reader, Row, Transaction, Write
from batua.errors import StaleRow
from batua.ledger import Engine
from tests.support.clock import FakeClock
from tests.support.ledger import TABLES
from tests.support.model import (
    LIMIT,
    Capture,
    Expire,
    Freeze,
    Link,
    Model,
    Name,
    Open,
    Opens,
    Post,
    Refused,
    Reverse,
    Void,
)
from tests.support.model_words import TOP_UP, operation_of, plain

__all__ = ["DRAWS", "WAYS", "Check", "Door", "Pick", "SeededPick", "draw_any"]

T = TypeVar("T")
BEHIND_MAX_S = 240
"""A clock that is more than five minutes behind the ledger is refused."""
KEPT = 200  # how many commands are remembered to be sent again


class Pick(Protocol):
    """Where chance comes from."""

    def one(self, choices: Sequence[T]) -> T: ...

    def number(self, lowest: int, highest: int) -> int: ...


class SeededPick:
    """Chance that a seed repeats."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def one(self, choices: Sequence[T]) -> T:
        return self._random.choice(choices)

    def number(self, lowest: int, highest: int) -> int:
        return self._random.randint(lowest, highest)


WAYS = WITHOUT_LOCK, UNDER_LOCK, TOO_LATE = ("without the lock", "under the lock", "too late")


class Door(Database):
    """A database as one process has it, with an engine of its own.

    ``ways`` counts how that engine commits its groups.  ``overtake`` is called once, when it does
    the most harm: after the next group is loaded and before it is written, or else just before
    the group asks for the ledger's lock.
    """

    def __init__(self, database: Database, clock: FakeClock) -> None:
        self._database = database
        self.dialect = database.dialect
        self.engine = Engine(self, TABLES, now=clock.now)
        self.ways: Counter[str] = Counter()
        self.overtake: Callable[[], Awaitable[None]] | None = None

    async def look_up(self, lookups: Sequence[Lookup]) -> list[Sequence[Row]]:
        rows = await self._database.look_up(lookups)
        await self._let_another_in()
        return rows

    async def write_all(self, writes: Sequence[Write], meanwhile: Callable[[], object]) -> None:
        try:
            await self._database.write_all(writes, meanwhile)
        except StaleRow:
            self.ways[TOO_LATE] += 1
            raise
        self.ways[WITHOUT_LOCK] += 1

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        await self._let_another_in()
        self.ways[UNDER_LOCK] += 1
        async with self._database.transaction() as transaction:
            yield transaction

    async def _let_another_in(self) -> None:
        overtake, self.overtake = self.overtake, None
        if overtake is not None:
            await overtake()

    def connections(self) -> tuple[int, int]:
        return self._database.connections()

    async def open(self) -> None:
        await self._database.open()

    def abandon(self) -> None:
        self._database.abandon()

    async def close(self) -> None:
        await self.engine.close()
        await self._database.close()

    async def fetch(self, sql: str, *args: Any) -> Sequence[Row]:
        return await self._database.fetch(sql, *args)

    def snapshot(self) -> AbstractAsyncContextManager[Reader]:
        return self._database.snapshot()

    def piccolo_engine(self) -> PiccoloEngine[Any]:
        return self._database.piccolo_engine()

    def as_json(self, rows: Sequence[Row], columns: Iterable[str]) -> str:
        return self._database.as_json(rows, columns)


class Check:
    """One part of a ledger, with accounts that nobody else has, and its model."""

    def __init__(
        self,
        doors: Sequence[Door],
        clock: FakeClock,
        operation_of: Callable[[Any], Any] = operation_of,
    ) -> None:
        self.door, self.other = doors
        self.database: Database = self.door
        self.clock = clock
        self.operation_of = operation_of
        self.done: list[Any] = []
        self.seen: Counter[str] = Counter()

    async def start(self) -> None:
        """Take up the ledger where it is."""
        head = await self.database.fetch_one("select transfer_seq, last_at from batua_ledger")
        assert head is not None
        await self._have_a_top_up()
        self.clock.advance(1)
        self.prefix = f"m{head['transfer_seq']}-{self.clock.now().timestamp():.0f}"
        self.nothing = f"{self.prefix}.nothing"  # an id that nobody used, yet
        self.last_at: datetime = head["last_at"]
        self.model = Model(head["transfer_seq"], max(self.last_at, self.clock.now()))
        self.number = 0
        rupees = [Name("wallet", f"{self.prefix}-{who}", "INR") for who in ("asha", "ravi", "mia")]
        shop = [Name(kind, self.prefix, "INR") for kind in ("suspense", "revenue", "adjustment")]
        dollars = [Name("wallet", f"{self.prefix}-asha", "USD")]
        dollars += [Name(kind, self.prefix, "USD") for kind in ("suspense", "revenue")]
        self.names = [*rupees, *shop, *dollars]
        self.wallets = [*rupees, dollars[0]]
        self.promotions = [Name("promotion", "shop", currency) for currency in ("INR", "USD")]
        for name in self.promotions:  # all parts of the ledger share them
            found = await self.database.fetch_one(
                "select posted from batua_account where key = $1", ":".join(name)
            )
            if found is not None:
                self.model.posted[name] = found["posted"]
        funding = [
            command
            for suspense, revenue, wallet in ((shop[0], shop[1], rupees[0]),
                                              (dollars[1], dollars[2], dollars[0]))
            for command in (Post(self.new_id(), "test", revenue, suspense, 1000),
                            Post(self.new_id(), "suspense_release", suspense, wallet, 400))
        ]  # fmt: skip
        await self.run([(each, self.expect(each)) for each in funding])

    async def _have_a_top_up(self) -> None:
        now = self.clock.now()
        async with self.database.transaction() as transaction:
            await transaction.execute(
                "insert into batua_customer (id, name, phone, language, created_at, updated_at,"
                " version) values ('mia', 'Mia', '', 'en', $1, $1, 1) on conflict do nothing",
                now,
            )
            await transaction.execute(
                "insert into batua_top_up (id, customer_id, amount, currency, gateway, status,"
                " return_url, failure, expires_at, created_at, updated_at, version)"
                " values ($1, 'mia', 100, 'INR', 'razorpay', 'expired', '', '', $2, $2, $2, 1)"
                " on conflict do nothing",
                TOP_UP,
                now,
            )

    def new_id(self) -> str:
        self.number += 1
        return f"{self.prefix}.{self.number}"

    def move_clock(self, seconds: int) -> None:
        """The ledger's own time stands still while the clock runs back, as far as it may."""
        behind = (self.last_at - self.clock.now()).total_seconds()
        self.clock.advance(max(seconds, behind - BEHIND_MAX_S))
        self.model.now = max(self.clock.now(), self.last_at)

    def expect(self, command: Any) -> tuple[Any, ...]:
        """Ask the model, and remember the command."""
        self.done = [*self.done[-KEPT:], command]
        answer = self._ask(command)
        self.seen[f"{type(command).__name__} {_summary(answer)}"] += 1
        return answer

    def _ask(self, command: Any) -> tuple[Any, ...]:
        try:
            return self.model.apply(command)
        except Refused as refused:
            return ("refused", *refused.args)

    def turn(self) -> None:
        """Go to the other door."""
        self.door, self.other = self.other, self.door

    async def draw_and_run(self, pick: Pick, *draws: Draw) -> None:
        """Submit what is drawn in one tick, so that it shares a group, and compare."""
        await self.run(self._draw(pick, draws))

    async def draw_and_overtake(
        self, pick: Pick, first: Sequence[Draw], second: Sequence[Draw]
    ) -> None:
        """The other door does all of ``first`` while this one decides ``second``, one group.

        What this one writes comes after ``first``.  If it writes nothing, its answers may be of
        before: of one of the two moments, but of no mixture.
        """
        before = self.model.copy()
        overtaking, overtaken = self._draw(pick, first), self._draw(pick, second)
        answers: list[Any] = []

        async def overtake() -> None:
            answers.extend(await self._submit(self.other, overtaking))

        self.door.overtake, ways = overtake, self.door.ways.copy()
        late_answers = await self._submit(self.door, overtaken)
        late = [plain(answer) for answer in late_answers]
        if self.door.ways == ways and late != [wanted for _, wanted in overtaken]:
            self.model = before
            overtaken = [(command, self._ask(command)) for command, _ in overtaken]
            overtaking = [(command, self._ask(command)) for command, _ in overtaking]
        await self._compare([*overtaking, *overtaken], [*answers, *late_answers])

    def _draw(self, pick: Pick, draws: Sequence[Draw]) -> list[Expected]:
        commands = (draw(self, pick) for draw in draws)  # each knows what came before it
        return [(command, self.expect(command)) for command in commands]

    async def run(self, expected: list[Expected]) -> None:
        await self._compare(expected, await self._submit(self.door, expected))

    async def _submit(self, door: Door, expected: list[Expected]) -> list[Any]:
        return await asyncio.gather(
            *(door.engine.submit(self.operation_of(command)) for command, _ in expected),
            return_exceptions=True,
        )

    async def _compare(self, expected: list[Expected], answers: list[Any]) -> None:
        for (command, wanted), answer in zip(expected, answers, strict=True):
            assert plain(answer) == wanted, (command, plain(answer), wanted)
        head = await self.database.fetch_one("select last_at from batua_ledger")
        assert head is not None
        self.last_at = head["last_at"]
        self.model.now = max(self.clock.now(), self.last_at)
        await self.compare_balances()

    async def compare_balances(self) -> None:
        """Every balance, and that no account was opened by what was refused."""
        names = [*self.names, *self.promotions]
        places = ", ".join(f"${place}" for place, _ in enumerate(names, 1))
        rows = await self.database.fetch(
            f"select key, posted, held, status from batua_account where key in ({places})",
            *(":".join(name) for name in names),
        )
        model = self.model
        assert {row["key"]: (row["posted"], row["held"], row["status"]) for row in rows} == {
            ":".join(name): (
                posted, model.held.get(name, 0), "frozen" if name in model.frozen else "active",
            )
            for name, posted in model.posted.items()
        }  # fmt: skip
        await self.compare_lots()

    async def compare_lots(self) -> None:
        """What is left and held of every lot, and when it expires."""
        places = ", ".join(f"${place}" for place, _ in enumerate(self.wallets, 1))
        rows = await self.database.fetch(
            f"select id, kind, amount, remaining, held, expires_at from batua_lot"
            f" where remaining > 0 and account_key in ({places})",
            *(":".join(name) for name in self.wallets),
        )
        assert {row["id"]: tuple(row.values())[1:] for row in map(dict, rows)} == {
            lot.id: (lot.kind, lot.amount, lot.remaining, lot.held, lot.expires_at)
            for lot in self.model.lots.values()
            if lot.remaining
        }


Draw = Callable[[Check, Pick], Any]
Expected = tuple[Any, tuple[Any, ...]]
"""A command, and what the model answers."""


# --- what is drawn ------------------------------------------------------------------------------


def draw_post(check: Check, pick: Pick) -> Post:
    debit, credit = _pair(check, pick)
    return Post(check.new_id(), kind_of(debit, credit, pick), debit, credit,
                _amount(check, pick, debit))  # fmt: skip


def draw_grant(check: Check, pick: Pick) -> Post:
    """A credit that opens a lot: a bonus that may expire, or refund credit."""
    wallet = pick.one(check.wallets)
    if pick.number(0, 2) == 0:
        suspense = next(
            name
            for name in check.names
            if (name.kind, name.currency) == ("suspense", wallet.currency)
        )
        amount = _amount(check, pick, suspense)
        opens = Opens("refund", _part(pick, amount), None)
        return Post(check.new_id(), "suspense_release", suspense, wallet, amount, opens=opens)
    promotion = next(each for each in check.promotions if each.currency == wallet.currency)
    # One account for all parts of the ledger: no amount that would fill it.
    amount = pick.one([pick.number(1, 50), pick.number(1, 400), pick.number(-1, 1)])
    seconds = pick.one([None, 1, 30, 30, 600, 600])
    expires_at = None if seconds is None else check.model.now + timedelta(seconds=seconds)
    opens = Opens("bonus", _part(pick, amount), expires_at)
    return Post(check.new_id(), "top_up_bonus", promotion, wallet, amount, opens=opens)


def _part(pick: Pick, amount: Any) -> int | None:
    if type(amount) is not int or amount < 2 or pick.number(0, 1):
        return None
    return amount // 2


def draw_open(check: Check, pick: Pick) -> Open:
    name = pick.one(check.names)
    seconds = pick.one([None, None, 0, 1, 30, 600])
    expires_at = None if seconds is None else check.model.now + timedelta(seconds=seconds)
    return Open(check.new_id(), name, _amount(check, pick, name), expires_at)


def draw_capture(check: Check, pick: Pick) -> Any:
    held = _some_hold(check, pick)
    if held is None:
        return Capture(check.new_id(), "test", *check.names[:2], 5)
    hold = check.model.holds[held]
    debit, credit = _pair(check, pick, None if pick.number(0, 9) == 0 else hold.account)
    amount = pick.one([hold.amount, max(1, hold.amount // 2), 1, hold.amount + 1])
    return Capture(held, kind_of(debit, credit, pick), debit, credit, amount)


def draw_void(check: Check, pick: Pick) -> Void:
    return Void(_some_hold(check, pick) or check.nothing)


def draw_expire(check: Check, pick: Pick) -> Expire:
    return Expire(_some_hold(check, pick) or check.nothing)


def draw_reverse(check: Check, pick: Pick) -> Reverse:
    of = pick.one([*list(check.model.transfers)[-12:], check.nothing])
    return Reverse(check.new_id(), of)


def draw_again(check: Check, pick: Pick) -> Any:
    """The same id with the same content."""
    return pick.one(check.done[-30:])


def draw_changed(check: Check, pick: Pick) -> Any:
    """The same id with other content, or for something else altogether."""
    command = pick.one([each for each in check.done if type(each) in _CHANGES][-30:])
    return _CHANGES[type(command)](check, pick, command)


def _changed_post(check: Check, pick: Pick, command: Post) -> Any:
    whole = command.opens and command.opens._replace(amount=None)
    changes: list[dict[str, Any]] = [{"amount": 7, "opens": whole}, {"reason": "another"}]
    if command.id in check.model.transfers:
        # Only of what exists, and is refused: a new transfer has a kind that the proof knows.
        changes += [{"kind": "other"}, {"debit": command.credit, "credit": command.debit}]
    return replace(command, **pick.one(changes))


def _changed_open(check: Check, pick: Pick, command: Open) -> Any:
    return pick.one([
        replace(command, amount=7),
        replace(command, account=pick.one(check.names)),
        replace(command, expires_at=check.model.now + timedelta(hours=1)),
        Post(command.id, "test", check.names[0], check.names[1], 5),
    ])  # fmt: skip


def _changed_reverse(check: Check, pick: Pick, command: Reverse) -> Any:
    of = pick.one(list(check.model.transfers)[-12:])
    return pick.one([replace(command, reason="another"), replace(command, of=of),
                     Open(command.id, check.names[0], 5)])  # fmt: skip


def _changed_closing(_: Check, pick: Pick, command: Void | Expire) -> Any:
    return pick.one([Void(command.id), Expire(command.id), Reverse(command.id, command.id)])


_CHANGES: Mapping[type, Callable[[Check, Pick, Any], Any]] = {
    Post: _changed_post,
    Capture: _changed_post,
    Open: _changed_open,
    Reverse: _changed_reverse,
    Void: _changed_closing,
    Expire: _changed_closing,
}


def draw_freeze(check: Check, pick: Pick) -> Freeze:
    return Freeze(pick.one(check.wallets[1:]), pick.number(0, 2) == 0)


def draw_link(check: Check, pick: Pick) -> Link:
    """Each is drawn as if those before it had happened, so that they build on one another."""
    real, commands = check.model, []
    check.model = real.copy()
    for _ in range(pick.number(1, 4)):
        command = pick.one(LINKED)(check, pick)
        commands.append(command)
        try:
            check.model.apply(command)
        except Refused:
            continue
    check.model = real
    return Link(tuple(commands))


def draw_any(check: Check, pick: Pick) -> Any:
    """One of all there are, the frequent ones more often."""
    return pick.one(OFTEN)(check, pick)


LINKED = (draw_post, draw_post, draw_grant, draw_open, draw_open, draw_capture, draw_void,
          draw_expire, draw_reverse, draw_again)  # fmt: skip
DRAWS = (draw_post, draw_grant, draw_open, draw_capture, draw_void, draw_expire, draw_reverse,
         draw_again, draw_changed, draw_link, draw_freeze)  # fmt: skip
OFTEN = (*DRAWS, *DRAWS[:-1], draw_post, draw_post, draw_open, draw_open, draw_capture)


def kind_of(debit: Name, credit: Name, pick: Pick) -> str:
    """What the proof expects of a credit to a wallet."""
    if (debit.kind, credit.kind) == ("suspense", "wallet"):
        return "suspense_release"
    return pick.one(["test", "move"])


def _pair(check: Check, pick: Pick, debit: Name | None = None) -> tuple[Name, Name]:
    debit = debit or pick.one(check.names)
    alike = [name for name in check.names if name.currency == debit.currency]
    credit = pick.one(check.names if pick.number(0, 11) == 0 else alike)
    if debit.kind in {"revenue", "adjustment"} and credit.kind == "wallet":
        # The proof wants a refund or an adjustment for that, which are not the ledger's.
        credit = next(name for name in alike if name.kind == "suspense")
    return debit, credit


def _amount(check: Check, pick: Pick, debit: Name) -> Any:
    there = check.model.available(debit)
    if pick.number(0, 14) == 0:
        return pick.one([0, -1, True, 5.0, "5", LIMIT, LIMIT + 1, 2**63, LIMIT - 1000])
    return pick.one([pick.number(1, 50), pick.number(1, 400), max(1, there), abs(there) + 1])


def _some_hold(check: Check, pick: Pick) -> str | None:
    holds = list(check.model.holds.items())[-40:]
    waiting = [key for key, hold in holds if hold.status == "held"]
    choices = waiting if waiting and pick.number(0, 4) else [key for key, _ in holds]
    return pick.one(choices) if choices else None


def _summary(answer: tuple[Any, ...]) -> str:
    if answer[0] == "refused":
        return " ".join(map(str, (answer[1], *answer[3:])))
    return "exists" if answer[-1] is True else "done"
