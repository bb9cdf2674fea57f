"""Passwords: hashed slowly, beside everything else that the process does.

The hashes are Piccolo's (PBKDF2), so that what was stored before is read on.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets

from batua_admin.tables import Staff

__all__ = [
    "PASSWORD_LENGTH_MIN",
    "Passwords",
    "check_new_password",
    "is_outdated",
    "new_one_time_password",
]

PASSWORD_LENGTH_MIN = 10
PASSWORD_LENGTH_MAX = 128
AT_ONCE_MAX = 2
"""How many are hashed at a time: a flood of guesses must not take all processors from payments."""


def check_new_password(password: str) -> None:
    """Raises ``ValueError`` that says what to change."""
    if len(password) < PASSWORD_LENGTH_MIN:
        raise ValueError(f"A password has at least {PASSWORD_LENGTH_MIN} characters.")
    if len(password) > PASSWORD_LENGTH_MAX:
        raise ValueError(f"A password has at most {PASSWORD_LENGTH_MAX} characters.")


def is_outdated(stored: str) -> bool:
    """Whether it was hashed otherwise than today: then it would take other work than none."""
    return int(Staff.split_stored_password(stored)[1]) != Staff._pbkdf2_iteration_count


def new_one_time_password() -> str:
    """One to be handed over, and changed by whoever gets it."""
    return secrets.token_urlsafe(15)


class Passwords:
    """Hashes them in threads: a third of a second each, while payments go on."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(AT_ONCE_MAX)

    async def hash(self, password: str) -> str:
        """As it is stored."""
        async with self._turn:
            return await asyncio.to_thread(Staff.hash_password, password)

    async def are_same(self, password: str, stored: str | None) -> bool:
        """Whether ``stored`` was made of ``password``. None never was, and takes as much work."""
        async with self._turn:
            return await asyncio.to_thread(_are_same, password, stored)


def _are_same(password: str, stored: str | None) -> bool:
    tried = password[:PASSWORD_LENGTH_MAX]
    if stored is None:
        Staff.hash_password(tried)
        return False
    _, iterations, salt, _ = Staff.split_stored_password(stored)
    hashed = Staff.hash_password(tried, salt, int(iterations))
    return hmac.compare_digest(hashed, stored) and tried == password
