"""Goes through a gateway's day on both sides, and heals ours by the way that webhooks use."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice

from batua.clock import Clock
from batua.contract import (
    Gateway,
    GatewayError,
    GatewayUnavailable,
    Settles,
    TransactionResult,
    Transactions,
)
from batua.database import Database
from batua.errors import BatuaError, InvalidRequest, NotFound
from batua.reconciliation.comparing import difference
from batua.reconciliation.entries import RESULTS, Entry, Kind, told
from batua.reconciliation.ours import PAGE, OurBooks
from batua.reconciliation.reports import Break, DayReport, State
from batua.reconciliation.theirs import ask_about
from batua.redaction import redact
from batua.registry import Registry

__all__ = ["Reconciler", "TakeIn"]

TakeIn = Callable[[str, TransactionResult], Awaitable[tuple[str, str]]]
"""The one way in for a provider's word; answers with a status and a note."""

ASKED_MAX = 200
"""About how many entries that no list has the provider is asked one by one."""
MARGIN = timedelta(hours=1)
"""How far the two clocks may be apart without a look at the single payment."""
YOUNG = timedelta(minutes=5)
"""What is younger is left alone: its webhook may be under way, and the list not be up to date."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Comparison:
    """A comparison under way, of the time from ``since`` up to but not including ``until``.

    ``seen`` are the keys of what the provider has listed.
    """

    gateway: Gateway
    report: DayReport
    since: datetime
    until: datetime
    heals: bool
    seen: set[str]
    asked: int = 0

    def is_of_day(self, at: datetime | None) -> bool:
        return at is not None and self.since <= at < self.until


class Reconciler:
    """Compares by the provider's ids; a day is that of the provider's clock, in UTC."""

    def __init__(
        self, database: Database, registry: Registry, take_in: TakeIn, *, now: Clock, days: int
    ) -> None:
        self._database = database
        self._registry = registry
        self._books = OurBooks(database)
        self._take_in = take_in
        self._now = now
        self._days = days
        self._known: set[str] = set()

    async def reconcile(self, code: str, day: date, *, heal: bool = False) -> DayReport:
        """Compare one gateway's day. With ``heal`` it may move money: see ``Applier.take_in``.

        What can't be compared is said in the report. Raises ``NotFound`` for a gateway that is
        not installed and ``InvalidRequest`` for a day that has not begun.
        """
        since = datetime.combine(day, time(), UTC)
        if since >= self._now():
            raise InvalidRequest(f"The day {day} has not begun yet (UTC).")
        report = DayReport(gateway=code, day=day)
        gateway = self._reconcilable(code, report)
        if gateway is None:
            if report.is_reconcilable and not await self._books.has_any(code):
                report.is_reconcilable = False  # it is installed, and was never used
            return report
        until = min(since + timedelta(days=1), self._now() - YOUNG)
        comparison = _Comparison(gateway, report, since, until, heal, set())
        try:
            await self._compare(comparison)
        except GatewayError as error:
            report.problem = redact(str(error)) or type(error).__name__
        return report

    async def heal_recent(self) -> int:
        """Compare the last days of every gateway that can, and heal; returns how many were healed.

        A gateway that does not answer holds up no other.
        """
        codes = [code for code in self._registry.gateways if self._can(code)]
        async with asyncio.TaskGroup() as tasks:
            working = [tasks.create_task(self._heal_gateway(code)) for code in codes]
        reports = [report for task in working for report in task.result()]
        broken = {
            f"{report.gateway} {each.type} {each.kind} {each.provider_id}": each
            for report in reports
            for each in report.open_breaks
        }
        for name in broken.keys() - self._known:
            log.error("the books differ: %s: %s", name, broken[name].note or "not healed")
        self._known = set(broken)
        return sum(each.is_healed for report in reports for each in report.breaks)

    async def _heal_gateway(self, code: str) -> list[DayReport]:
        try:
            return await self._heal_days(code)
        except Exception:
            # An adapter that breaks must not keep the others' books from being healed.
            log.exception("the books of %s could not be compared", code)
            return []

    async def _heal_days(self, code: str) -> list[DayReport]:
        today = self._now().date()
        reports = []
        for back in reversed(range(self._days)):
            report = await self.reconcile(code, today - timedelta(days=back), heal=True)
            reports.append(report)
            for each in report.breaks:
                if each.is_healed:
                    log.warning("%s was heard of late: %s %s", code, each.kind, each.provider_id)
            if report.state is State.UNAVAILABLE:
                log.warning("%s of %s could not be compared: %s", code, report.day, report.problem)
                break
        return reports

    def _can(self, code: str) -> bool:
        return self._reconcilable(code, DayReport(gateway=code, day=self._now().date())) is not None

    def _reconcilable(self, code: str, report: DayReport) -> Gateway | None:
        plugin = self._registry.gateways.get(code)
        if plugin is None:
            raise NotFound("gateway", code)
        capabilities, processor = plugin.manifest.capabilities, self._registry.processor_of(code)
        if processor != code:
            report.problem = f"its money is {processor}'s"
        elif capabilities is None or not capabilities.transactions:
            report.problem = "its provider lists no transactions"
        elif plugin.instance is None:
            report.problem = plugin.problem
            return None
        else:
            return plugin.instance
        report.is_reconcilable = False
        return None

    async def _compare(self, comparison: _Comparison) -> None:
        since, until, gateway = comparison.since, comparison.until, comparison.gateway
        if not isinstance(gateway, Transactions):
            raise GatewayUnavailable("it lists no transactions")
        listed = await gateway.list_transactions(since - MARGIN, min(until + MARGIN, self._now()))
        await self._compare_list(comparison, listed)
        if isinstance(gateway, Settles):
            comparison.report.settlements = await gateway.list_settlements(since, until)
        for kind in Kind:
            async for page in self._books.of_time(comparison.report.gateway, kind, since, until):
                for ours in page:
                    if ours.key not in comparison.seen:
                        await self._compare_unlisted(comparison, ours)

    async def _compare_list(
        self, comparison: _Comparison, listed: Sequence[TransactionResult]
    ) -> None:
        # Kind by kind: a refund can only be healed once its capture is.
        for kind in Kind:
            of_kind = (result for result in listed if isinstance(result, RESULTS[kind]))
            while results := list(islice(of_kind, PAGE)):
                theirs = [told(result) for result in results]
                matching = await self._books.matching(comparison.report.gateway, theirs)
                for pair in zip(matching, theirs, results, strict=True):
                    await self._compare_listed(comparison, *pair)

    async def _compare_listed(
        self,
        comparison: _Comparison,
        ours: Entry | None,
        theirs: Entry,
        result: TransactionResult,
    ) -> None:
        is_known = theirs.key in comparison.seen
        comparison.seen.add(theirs.key)
        if is_known or (theirs.at is not None and theirs.at >= comparison.until):
            return
        if theirs.at is None or comparison.is_of_day(theirs.at):
            comparison.report.count(ours, theirs)
        # What began before is listed because it has changed since: that may be what was lost.
        await self._note(comparison, ours, theirs, result)

    async def _compare_unlisted(self, comparison: _Comparison, ours: Entry) -> None:
        result = None
        if comparison.asked < ASKED_MAX:
            comparison.asked += 1
            result = await ask_about(comparison.gateway, self._database, ours)
        theirs = told(result) if result is not None else None
        at = theirs.at if theirs is not None and theirs.at is not None else ours.at
        if comparison.is_of_day(at):
            comparison.report.count(ours, theirs)
        await self._note(comparison, ours, theirs, result)

    async def _note(
        self,
        comparison: _Comparison,
        ours: Entry | None,
        theirs: Entry | None,
        result: TransactionResult | None,
    ) -> None:
        differs = difference(ours, theirs)
        if differs is None:
            return
        found = Break.of(differs, ours, theirs)
        if comparison.heals and found.can_heal and result is not None and theirs is not None:
            found = await self._heal(comparison.report.gateway, found, theirs, result)
        comparison.report.breaks.append(found)

    async def _heal(
        self, code: str, found: Break, theirs: Entry, result: TransactionResult
    ) -> Break:
        try:
            status, note = await self._take_in(code, result)
        except (BatuaError, GatewayError) as error:
            return found.after_healing(is_healed=False, note=redact(str(error)))
        (ours,) = await self._books.matching(code, [theirs])
        # What counts is not that it was taken in, but that the sides are equal now.
        is_healed = difference(ours, theirs) is None
        return found.after_healing(
            is_healed=is_healed, note=f"{status}: {note}" if note else status
        )
