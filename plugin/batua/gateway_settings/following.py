"""Keeps a process's gateways as staff have set them: what one process writes, all use in seconds.

Nobody's payment waits for it: a task looks every two seconds at a table of a few rows, and only
where one of them has changed is anything opened or made anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from batua.database import Database, Row
from batua.errors import ConfigurationError, InvariantViolated
from batua.registry import Given, Registry
from batua.sealing import Sealer

__all__ = ["Follower", "setting_place"]

LOOK_EVERY_S = 2.0
LOOK_S_MAX = 5.0

log = logging.getLogger(__name__)


def setting_place(gateway: str, name: str) -> str:
    """What a setting's value is sealed for."""
    return f"batua_gateway_setting/{gateway}.{name}/sealed"


class Follower:
    """Reads what staff have written, opens it, and gives it to the registry."""

    def __init__(self, database: Database, registry: Registry, sealer: Sealer) -> None:
        self._database = database
        self._registry = registry
        self._sealer = sealer
        self._rows: Sequence[Row] = ()
        self._given: Mapping[str, Given] = {}
        self._looking = asyncio.Lock()
        self._is_well = True

    @property
    def rows(self) -> Sequence[Row]:
        """What is stored, as this process knows it: by gateway and name."""
        return self._rows

    @property
    def given(self) -> Mapping[str, Given]:
        """The same, opened, by gateway. It has secrets."""
        return self._given

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look again and again until the block ends."""
        task = asyncio.create_task(self._repeat())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def look(self) -> None:
        """From now on this process's gateways are as the database says. Raises what it raises."""
        async with self._looking:
            async with asyncio.timeout(LOOK_S_MAX):
                rows = await self._database.fetch(
                    "select * from batua_gateway_setting order by gateway, name"
                )
            if list(map(dict, rows)) != list(map(dict, self._rows)):
                given = self.opened(rows)
                self._registry.give(given)
                self._rows, self._given = rows, given
            await self._registry.close_unused()

    async def try_to_look(self) -> None:
        """The same, but where it can't the gateways go on as they are, and the log says so."""
        try:
            await self.look()
        except Exception as error:
            # Whatever it is: it must end neither the task nor a start without a database.
            self._say(is_well=False, reason=repr(error))
        else:
            self._say(is_well=True, reason="")

    def opened(self, rows: Sequence[Row]) -> dict[str, Given]:
        """What ``rows`` give to each gateway. What no key opens is told in its place."""
        given: defaultdict[str, Given] = defaultdict(Given)
        for row in rows:
            if row["sealed"] is None:
                continue
            one = given[row["gateway"]]
            try:
                value = self._opened(row)
            except (ConfigurationError, InvariantViolated) as error:
                unreadable = {**one.unreadable, row["name"]: str(error)}
                given[row["gateway"]] = Given(one.values, unreadable)
            else:
                values = {**one.values, row["name"]: value}
                given[row["gateway"]] = Given(values, one.unreadable)
        return dict(given)

    def _opened(self, row: Row) -> str:
        return self._sealer.open(row["sealed"], setting_place(row["gateway"], row["name"]))

    async def _repeat(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await self.try_to_look()

    def _say(self, *, is_well: bool, reason: str) -> None:
        if is_well is not self._is_well:
            self._is_well = is_well
            if is_well:
                log.warning("gateways' settings can be read again")
            else:
                log.error("gateways' settings can't be read, they stay as they are: %s", reason)
