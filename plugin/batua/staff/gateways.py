"""Gateways: whether they take new payments, and by which settings they are reached."""

from __future__ import annotations

from collections.abc import Mapping

from batua.audit import Actor
from batua.gateway_settings import GatewaySettings, Written
from batua.payments import GatewayState, Switches
from batua.staff.acting import Clerk
from batua.staff.words import Word

__all__ = ["GatewayDesk"]


class GatewayDesk:
    """What is under way at a gateway goes on, whatever is set here."""

    def __init__(self, switches: Switches, settings: GatewaySettings, clerk: Clerk) -> None:
        self._switches = switches
        self._settings = settings
        self._clerk = clerk

    async def set_state(self, actor: Actor, code: str, state: GatewayState) -> None:
        """Let a gateway take new payments, or no more."""
        with self._clerk.acting(actor, Word.SET_GATEWAY_STATE, f"gateway:{code}", state=str(state)):
            await self._switches.set_state(code, state, actor=actor.name)

    async def write_settings(
        self, actor: Actor, code: str, values: Mapping[str, str], reason: str
    ) -> Written:
        """Store settings, sealed: nobody reads them back. The log has their names alone."""
        with self._clerk.acting(actor, Word.SET_GATEWAY_SETTING, f"gateway:{code}", reason):
            return await self._settings.write(code, values, actor.name)

    async def clear_setting(self, actor: Actor, code: str, name: str, reason: str) -> Written:
        """Forget a stored setting."""
        with self._clerk.acting(actor, Word.SET_GATEWAY_SETTING, f"gateway:{code}", reason):
            return await self._settings.clear(code, name, actor.name)
