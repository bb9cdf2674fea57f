"""Wallets that somebody watches: every change reaches its streams, whoever has made it.

While anybody watches, one task of the process looks: whether the ledger's head has moved, which is
one row, and if so, in one query for all, which of the watched wallets have.  Looks come one after
another, so what one finds is newer than what any before it has found: no stream shows an older
balance after a newer one.  A commit of this process hurries the next look, and waits for nothing.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from batua.database import Database, Row
from batua.errors import RateLimited, TryAgain
from batua.following import begin_for_all
from batua.ledger import AccountName
from batua.wallets.wallets import Wallet, wallet_of

__all__ = ["LiveWallets", "SeenWallet", "Stream"]

LOOK_EVERY_S = 0.1
"""How long a change that another process has committed may go unseen."""
APART_S = 0.04
"""Between two looks: however many payments a second there are, looks are few."""
COMPARE_EVERY_S = 2.0
"""How often all watched wallets are compared even if the head seems not to have moved."""
LOOK_S_MAX = 2.0
FAILED_PAUSE_S = 1.0
FIRST_S_MAX = 5.0
"""How long whoever begins to watch waits for the first balance."""
FULL_RETRY_S = 5

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SeenWallet:
    """A wallet, and how often its account was written: 0 before it was opened."""

    wallet: Wallet
    version: int


class Stream:
    """Somebody who watches a wallet. It knows the newest state alone, however slow its reader."""

    __slots__ = ("_told", "customer", "is_over", "key", "seen")

    def __init__(self, customer: str, key: str) -> None:
        self.customer = customer
        self.key = key
        self.seen: SeenWallet | None = None
        self.is_over = False
        self._told = asyncio.Event()

    def tell(self, seen: SeenWallet) -> None:
        self.seen = seen
        self._told.set()

    def end(self) -> None:
        """Let whoever waits go on: nothing more will be told."""
        self.is_over = True
        self._told.set()

    async def wait(self, within_s: float) -> None:
        """Until there is something new, or the end, or as long as that."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._told.wait()
        self._told.clear()

    async def first(self) -> SeenWallet:
        """The wallet as it was at some moment after the stream was opened.

        Raises ``TryAgain``: ``database_unavailable`` or ``not_ready``.
        """
        await self.wait(FIRST_S_MAX)
        if self.is_over:
            raise TryAgain("not_ready", "The server is about to stop. Try again.")
        if self.seen is None:
            raise TryAgain("database_unavailable", "The database does not answer. Try again.")
        return self.seen


class LiveWallets:
    """The streams of one process. ``monotonic`` is a clock in seconds."""

    def __init__(
        self,
        database: Database,
        *,
        per_customer: int,
        most: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._per_customer = per_customer
        self._most = most
        self._monotonic = monotonic
        self._streams: defaultdict[str, set[Stream]] = defaultdict(set)
        self._names: dict[str, AccountName] = {}
        self._known: dict[str, SeenWallet] = {}
        self._of_customer: Counter[str] = Counter()
        self.open = 0
        """How many streams there are."""
        self._new: set[Stream] = set()
        self._due = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        self._head: int | None = None
        self._compared_at = float("-inf")
        self._is_well = True

    @contextmanager
    def watching(self, customer: str, currency: str) -> Iterator[Stream]:
        """A stream of one wallet until the block ends.

        Raises ``RateLimited`` (``too_many_streams``) where the customer has as many as a customer
        may, and ``TryAgain`` (``overloaded``) where the process has.
        """
        self._require_room(customer)
        name = AccountName.wallet(customer, currency)
        stream = Stream(customer, name.key)
        self._names[name.key] = name
        self._streams[name.key].add(stream)
        self._of_customer[customer] += 1
        self.open += 1
        self._new.add(stream)
        self._due.set()
        if self._looking is None or self._looking.done():
            self._looking = begin_for_all(self._look_again_and_again())
        try:
            yield stream
        finally:
            self._forget(stream)

    def wake(self, tables: frozenset[str]) -> None:
        """Something was committed to these tables."""
        if "batua_account" in tables:
            self._due.set()

    async def close(self) -> None:
        """End all streams, and looking."""
        for streams in self._streams.values():
            for stream in streams:
                stream.end()
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    def _require_room(self, customer: str) -> None:
        if self._of_customer[customer] >= self._per_customer:
            raise RateLimited(
                f"This customer watches from {self._per_customer} places already, which is as many"
                " as may be. Close one of them, or try again later.",
                retry_after_s=FULL_RETRY_S,
                code="too_many_streams",
            )
        if self.open >= self._most:
            raise TryAgain(
                "overloaded",
                "As many customers watch their wallets here as this server can tell. Try again,"
                " and read the wallet meanwhile.",
                retry_after_s=FULL_RETRY_S,
            )

    def _forget(self, stream: Stream) -> None:
        self._new.discard(stream)
        self.open -= 1
        self._of_customer[stream.customer] -= 1
        if not self._of_customer[stream.customer]:
            del self._of_customer[stream.customer]
        streams = self._streams[stream.key]
        streams.discard(stream)
        if not streams:
            del self._streams[stream.key], self._names[stream.key]
            self._known.pop(stream.key, None)

    async def _look_again_and_again(self) -> None:
        while self._streams:
            self._due.clear()
            try:
                async with asyncio.timeout(LOOK_S_MAX):
                    await self._look()
            except Exception as error:
                # Whatever it is: nobody is told of anything until a look succeeds.
                self._say(is_well=False, reason=repr(error))
                await asyncio.sleep(FAILED_PAUSE_S)
                continue
            self._say(is_well=True, reason="")
            await asyncio.sleep(APART_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S - APART_S):
                    await self._due.wait()

    async def _look(self) -> None:
        new = tuple(self._new)
        began_at = self._monotonic()
        # The head first: what is read after it is at least as new.
        head = await self._database.fetch_one("select version from batua_ledger where id = 1")
        version = None if head is None else head["version"]
        is_due = began_at - self._compared_at >= COMPARE_EVERY_S
        if version == self._head and not new and not is_due:
            return
        for row in await self._changed():
            self._see(row, new)
        for stream in self._new.intersection(new):
            empty = SeenWallet(wallet_of(self._names[stream.key], None), 0)
            stream.tell(self._known.setdefault(stream.key, empty))
        self._new.difference_update(new)
        self._head, self._compared_at = version, began_at

    async def _changed(self) -> list[Row]:
        """The watched accounts that are not as they were seen last."""
        rows = self._database.dialect.rows({"key": "text", "version": "bigint"}, "$1")
        asked = [
            {"key": key, "version": self._known[key].version if key in self._known else 0}
            for key in self._streams
        ]
        found = await self._database.fetch(
            "select a.key, a.posted, a.held, a.status, a.version"
            f" from {rows} join batua_account a on a.key = new.key where a.version <> new.version",
            self._database.as_json(asked, ("key", "version")),
        )
        return list(found)

    def _see(self, row: Row, new: tuple[Stream, ...]) -> None:
        key = row["key"]
        if key not in self._streams:
            return  # its last stream has ended meanwhile
        seen = self._known[key] = SeenWallet(wallet_of(self._names[key], row), row["version"])
        for stream in self._streams[key]:
            # One that was opened during this look may have seen something newer elsewhere.
            if stream.seen is not None or stream in new:
                stream.tell(seen)

    def _say(self, *, is_well: bool, reason: str) -> None:
        if is_well is not self._is_well:
            self._is_well = is_well
            if is_well:
                log.warning("watched wallets are known again")
            else:
                log.error("watched wallets can't be read, so nobody is told: %s", reason)
