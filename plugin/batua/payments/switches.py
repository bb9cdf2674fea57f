"""The state that staff give a gateway: ``disabled``, ``test`` or ``enabled``, as in Odoo.

Disabling stops new payments only: webhooks, poller and refunds go on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from batua.contract import Gateway, Mode
from batua.database import Database
from batua.errors import Conflict, NotFound
from batua.ledger import Book, Engine, Need
from batua.payments.tables import GatewaySwitch
from batua.registry import Plugin, Registry

__all__ = ["GatewayState", "Switches", "switch"]


class GatewayState(StrEnum):
    """Whether a gateway takes new payments, and with which money."""

    DISABLED = "disabled"
    TEST = "test"
    ENABLED = "enabled"


@dataclass(frozen=True, slots=True)
class _SetState:
    code: str
    state: GatewayState
    actor: str

    def needs(self, book: Book) -> Iterable[Need]:
        del book
        yield Need(GatewaySwitch, "code", self.code)

    def decide(self, book: Book) -> None:
        switch(book, self.code, self.state, self.actor)


def switch(book: Book, code: str, state: GatewayState, actor: str) -> None:
    """Stage a gateway's state; its row must have been loaded."""
    row = book.get(GatewaySwitch, "code", code)
    values = {"state": str(state), "updated_by": actor, "updated_at": book.now}
    if row is None:
        book.insert(GatewaySwitch, code=code, **values)
    else:
        book.update(row, **values)


class Switches:
    """Reads and sets the states."""

    def __init__(self, database: Database, engine: Engine, registry: Registry) -> None:
        self._database = database
        self._engine = engine
        self._registry = registry

    async def state(self, code: str) -> GatewayState:
        """The state of one installed gateway. Raises ``NotFound``."""
        return (await self.states())[self._plugin(code).manifest.code]

    async def states(self) -> dict[str, GatewayState]:
        """The state of every installed gateway: off where it is not configured."""
        rows = await self._database.fetch("select code, state from batua_gateway")
        chosen = {row["code"]: GatewayState(row["state"]) for row in rows}
        return {
            code: _effective(plugin, chosen.get(code))
            for code, plugin in self._registry.gateways.items()
        }

    async def set_state(self, code: str, state: GatewayState, *, actor: str) -> None:
        """Set a gateway's state. Raises ``NotFound``, and ``Conflict`` for the wrong credentials.

        ``test`` needs test credentials and ``enabled`` live ones: the two never mix.
        """
        plugin = self._plugin(code)
        if state is not GatewayState.DISABLED:
            if plugin.instance is None:
                raise Conflict(
                    "gateway_off", f"The gateway {code!r} can't be used: {plugin.problem}"
                )
            if _fitting(plugin.instance) is not state:
                mode = plugin.instance.mode
                raise Conflict(
                    "wrong_mode",
                    f"The gateway {code!r} has {mode} credentials, so it can't be {state}. "
                    f"Set {'live' if mode is Mode.TEST else 'test'} credentials first.",
                )
        await self._engine.submit(_SetState(code, state, actor))

    def _plugin(self, code: str) -> Plugin[Gateway]:
        plugin = self._registry.gateways.get(code)
        if plugin is None:
            raise NotFound("gateway", code)
        return plugin


def _effective(plugin: Plugin[Gateway], chosen: GatewayState | None) -> GatewayState:
    """What staff chose, or nothing: a choice for test money says nothing of live money."""
    if plugin.instance is None:
        return GatewayState.DISABLED
    fits = _fitting(plugin.instance)
    return fits if chosen in (None, fits) else GatewayState.DISABLED


def _fitting(gateway: Gateway) -> GatewayState:
    return GatewayState.TEST if gateway.mode is Mode.TEST else GatewayState.ENABLED
