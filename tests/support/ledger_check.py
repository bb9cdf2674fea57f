"""The real ledger beside the model: what is drawn is done to both, and both must agree.

Commands are drawn from whoever ``pick``s: Hypothesis, which shrinks, or a seeded random, which is
fast.  A further kind of command is one ``draw_…`` function here, one method of the model and one
line in ``operation_of``.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

from batua.database import Database
from batua.errors import LinkedRefused, Refusal
from batua.ledger import (
    AccountKind,
    AccountName,
    CaptureHold,
    Engine,
    ExpireHold,
    HoldClosed,
    HoldOpened,
    Linked,
    LinkedAnswers,
    Movement,
    Need,
    OpenHold,
    Posted,
    PostTransfer,
    ReverseTransfer,
    VoidHold,
)
from batua.ledger.tables import Account
from tests.support.clock import FakeClock
from tests.support.ledger import TABLES, Staged
from tests.support.model import (
    LIMIT,
    Capture,
    Expire,
    Freeze,
    Link,
    Model,
    Name,
    Open,
    Post,
    Refused,
    Reverse,
    Void,
)

__all__ = ["DRAWS", "Check", "Pick", "SeededPick", "draw_any"]

T = TypeVar("T")
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


class Check:
    """One part of a ledger, with accounts that nobody else has, and its model."""

    def __init__(self, database: Database, engine: Engine, clock: FakeClock) -> None:
        self.database, self.engine, self.clock = database, engine, clock
        self.done: list[Any] = []
        self.seen: Counter[str] = Counter()

    async def start(self) -> None:
        """Take up the ledger where it is."""
        head = await self.database.fetch_one("select transfer_seq, last_at from batua_ledger")
        assert head is not None
        self.clock.advance(1)
        self.prefix = f"m{head['transfer_seq']}-{self.clock.now().timestamp():.0f}"
        self.last_at: datetime = head["last_at"]
        self.model = Model(head["transfer_seq"], max(self.last_at, self.clock.now()))
        self.number = 0
        rupees = [Name("wallet", f"{self.prefix}-{who}", "INR") for who in ("asha", "ravi", "mia")]
        shop = [Name(kind, self.prefix, "INR") for kind in ("suspense", "revenue", "adjustment")]
        dollars = [Name("wallet", f"{self.prefix}-asha", "USD"),
                   Name("suspense", self.prefix, "USD"), Name("revenue", self.prefix, "USD")]  # fmt: skip
        self.names = [*rupees, *shop, *dollars]
        self.wallets = [*rupees, dollars[0]]
        funding = [
            command
            for suspense, revenue, wallet in ((shop[0], shop[1], rupees[0]),
                                              (dollars[1], dollars[2], dollars[0]))
            for command in (Post(self.new_id(), "test", revenue, suspense, 1000),
                            Post(self.new_id(), "suspense_release", suspense, wallet, 400))
        ]  # fmt: skip
        await self.run([(each, self.expect(each)) for each in funding])

    def new_id(self) -> str:
        self.number += 1
        return f"{self.prefix}.{self.number}"

    def move_clock(self, seconds: int) -> None:
        """The ledger's own time stands still while the clock runs back."""
        self.clock.advance(seconds)
        self.model.now = max(self.clock.now(), self.last_at)

    def expect(self, command: Any) -> tuple[Any, ...]:
        """Ask the model, and remember the command."""
        self.done = [*self.done[-KEPT:], command]
        try:
            answer = self.model.apply(command)
        except Refused as refused:
            answer = ("refused", *refused.args)
        self.seen[f"{type(command).__name__} {_summary(answer)}"] += 1
        return answer

    async def draw_and_run(self, pick: Pick, *draws: Callable[[Check, Pick], Any]) -> None:
        """Submit what is drawn in one tick, so that it shares a group, and compare."""
        expected = []
        for draw in draws:
            command = draw(self, pick)
            expected.append((command, self.expect(command)))
        await self.run(expected)

    async def run(self, expected: list[tuple[Any, tuple[Any, ...]]]) -> None:
        answers = await asyncio.gather(
            *(self.engine.submit(operation_of(command)) for command, _ in expected),
            return_exceptions=True,
        )
        for (command, wanted), answer in zip(expected, answers, strict=True):
            assert plain(answer) == wanted, command
        head = await self.database.fetch_one("select last_at from batua_ledger")
        assert head is not None
        self.last_at = head["last_at"]
        self.model.now = max(self.clock.now(), self.last_at)
        await self.compare_balances()

    async def compare_balances(self) -> None:
        """Every balance, and that no account was opened by what was refused."""
        rows = await self.database.fetch(
            "select key, posted, held, status from batua_account"
            f" where {self.database.in_list('key', '$1')}",
            [":".join(name) for name in self.names],
        )
        model = self.model
        assert {row["key"]: (row["posted"], row["held"], row["status"]) for row in rows} == {
            ":".join(name): (
                posted, model.held.get(name, 0), "frozen" if name in model.frozen else "active",
            )
            for name, posted in model.posted.items()
        }  # fmt: skip


# --- what is drawn ------------------------------------------------------------------------------


def draw_post(check: Check, pick: Pick) -> Post:
    debit, credit = _pair(check, pick)
    return Post(check.new_id(), kind_of(debit, credit, pick), debit, credit,
                _amount(check, pick, debit))  # fmt: skip


def draw_open(check: Check, pick: Pick) -> Open:
    name = pick.one(check.names)
    seconds = pick.one([None, None, 0, 1, 30, 600])
    expires_at = None if seconds is None else check.model.now + timedelta(seconds=seconds)
    return Open(check.new_id(), name, _amount(check, pick, name), expires_at)


def draw_capture(check: Check, pick: Pick) -> Any:
    id = _some_hold(check, pick)
    if id is None:
        return Capture(check.new_id(), "test", *check.names[:2], 5)
    hold = check.model.holds[id]
    debit, credit = _pair(check, pick, None if pick.number(0, 9) == 0 else hold.account)
    amount = pick.one([hold.amount, max(1, hold.amount // 2), 1, hold.amount + 1])
    return Capture(id, kind_of(debit, credit, pick), debit, credit, amount)


def draw_void(check: Check, pick: Pick) -> Void:
    return Void(_some_hold(check, pick) or "nothing")


def draw_expire(check: Check, pick: Pick) -> Expire:
    return Expire(_some_hold(check, pick) or "nothing")


def draw_reverse(check: Check, pick: Pick) -> Reverse:
    of = pick.one([*list(check.model.transfers)[-12:], "nothing"])
    return Reverse(check.new_id(), of)


def draw_again(check: Check, pick: Pick) -> Any:
    """The same id with the same content."""
    return pick.one(check.done[-30:])


def draw_changed(check: Check, pick: Pick) -> Any:
    """The same id with other content, or for something else altogether."""
    command = pick.one([each for each in check.done if not isinstance(each, (Freeze, Link))][-30:])
    if isinstance(command, Post):
        change: dict[str, Any] = pick.one([
            {"amount": 7}, {"kind": "other"}, {"reason": "another"},
            {"debit": command.credit, "credit": command.debit, "kind": "other"},
        ])  # fmt: skip
        if type(command.amount) is int and "kind" not in change:
            # Only what exists is changed: a new transfer keeps to kinds that the proof knows.
            return replace(command, **change)
        known = check.model.transfers.get(command.id)
        return command if known is None else replace(command, **change)
    if isinstance(command, Open):
        return pick.one([
            replace(command, amount=7),
            replace(command, account=pick.one(check.names)),
            replace(command, expires_at=check.model.now + timedelta(hours=1)),
            Post(command.id, "test", check.names[0], check.names[1], 5),
        ])  # fmt: skip
    if isinstance(command, Reverse):
        ids = list(check.model.transfers)[-12:]
        return pick.one([replace(command, reason="another"), replace(command, of=pick.one(ids)),
                         Open(command.id, check.names[0], 5)])  # fmt: skip
    return pick.one([Void(command.id), Expire(command.id), Reverse(command.id, command.id)])


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


LINKED = (draw_post, draw_post, draw_open, draw_open, draw_capture, draw_void, draw_expire,
          draw_reverse, draw_again)  # fmt: skip
DRAWS = (draw_post, draw_open, draw_capture, draw_void, draw_expire, draw_reverse, draw_again,
         draw_changed, draw_link, draw_freeze)  # fmt: skip
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
    waiting = [id for id, hold in holds if hold.status == "held"]
    choices = waiting if waiting and pick.number(0, 4) else [id for id, _ in holds]
    return pick.one(choices) if choices else None


# --- the same for the real ledger ---------------------------------------------------------------


def operation_of(command: Any) -> Any:
    """The operation of a command."""
    match command:
        case Capture():
            return CaptureHold(_movement(command))
        case Post():
            return PostTransfer(_movement(command))
        case Open():
            return OpenHold(id=command.id, account=_name(command.account), amount=command.amount,
                            expires_at=command.expires_at)  # fmt: skip
        case Void():
            return VoidHold(command.id)
        case Expire():
            return ExpireHold(command.id)
        case Reverse():
            return ReverseTransfer(
                id=command.id, of=command.of, reason=command.reason, actor="test"
            )
        case Freeze():
            return _freezing(command)
        case Link():
            return Linked(tuple(map(operation_of, command.commands)))
    raise TypeError(command)


def _movement(command: Post) -> Movement:
    return Movement(id=command.id, kind=command.kind, debit=_name(command.debit),
                    credit=_name(command.credit), amount=command.amount, reason=command.reason,
                    actor="test")  # fmt: skip


def _name(name: Name) -> AccountName:
    return AccountName(AccountKind(name.kind), name.owner, name.currency)


def _freezing(command: Freeze) -> Staged:
    name = _name(command.account)

    def freeze(book: Any) -> tuple[str, bool]:
        book.update(book.account(name), status="frozen" if command.frozen else "active")
        return "frozen", command.frozen

    return Staged(freeze, (Need(Account, "key", name.key),))


def plain(answer: Any) -> tuple[Any, ...]:
    """An answer of the ledger in the model's words; anything unexpected is raised."""
    match answer:
        case LinkedRefused():
            return ("refused", answer.code, answer.index, *plain(answer.cause)[1:])
        case Refusal():
            return ("refused", answer.ledger_code)
        case BaseException():
            raise answer
        case Posted():
            return ("posted", answer.id, answer.seq, answer.exists)
        case HoldOpened():
            return ("opened", answer.id, answer.exists)
        case HoldClosed():
            return ("closed", answer.id, answer.status, answer.exists)
        case LinkedAnswers():
            return ("linked", *map(plain, answer.answers), answer.exists)
    return tuple(answer)


def _summary(answer: tuple[Any, ...]) -> str:
    if answer[0] == "refused":
        return " ".join(map(str, (answer[1], *answer[3:])))
    return "exists" if answer[-1] is True else "done"


def new_engine(database: Database, clock: FakeClock) -> Engine:
    return Engine(database, TABLES, now=clock.now)
