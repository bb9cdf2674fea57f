"""How often somebody may try to get in: counted by all processes together.

Piccolo counts in each process by itself, and says nobody when to come back.
"""

from __future__ import annotations

from starlette.exceptions import HTTPException

from batua.errors import RateLimited
from batua.limits import Rate, RateLimits
from batua.settings import Settings

__all__ = ["Attempts"]

WINDOW_S = 300
DAY_S = 86_400
CODES_A_DAY = 20
"""Right ones too. Of a million codes three are good at a time: whoever knows a password and tries
twenty every day gets in within a year once in fifty times. Each wrong one is a line in the log."""


class Attempts:
    """Counts before anything is compared: what is refused here was not even tried."""

    def __init__(self, limits: RateLimits, settings: Settings) -> None:
        self._limits = limits
        self._name = Rate("login name", settings.login_limit_name, WINDOW_S, "logins")
        self._address = Rate("login address", settings.login_limit_address, WINDOW_S, "logins")
        self._code = Rate("second factor", CODES_A_DAY, DAY_S, "codes")

    async def count_password(self, name: str, address: str) -> None:
        """Somebody shows a password for ``name``. Raises 429."""
        await self._admit((self._address, address), (self._name, name))

    async def count_code(self, name: str) -> None:
        """Somebody who knows the password of ``name`` shows a code. Raises 429."""
        await self._admit((self._code, name))

    async def _admit(self, *counted: tuple[Rate, str]) -> None:
        try:
            await self._limits.admit(*counted)
        except RateLimited as limited:
            raise HTTPException(
                429, str(limited), headers={"retry-after": str(limited.retry_after_s)}
            ) from None
