"""Gateways: whether they take new payments."""

from __future__ import annotations

from batua.audit import Actor
from batua.payments import GatewayState, Switches
from batua.staff.acting import Clerk
from batua.staff.words import Word

__all__ = ["GatewayDesk"]


class GatewayDesk:
    """What is under way at a gateway goes on, whatever is set here."""

    def __init__(self, switches: Switches, clerk: Clerk) -> None:
        self._switches = switches
        self._clerk = clerk

    async def set_state(self, actor: Actor, code: str, state: GatewayState) -> None:
        """Let a gateway take new payments, or no more."""
        with self._clerk.acting(actor, Word.SET_GATEWAY_STATE, f"gateway:{code}", state=str(state)):
            await self._switches.set_state(code, state, actor=actor.name)
