"""The second factor: codes of an authenticator app (TOTP, RFC 6238), and recovery codes.

A code is good for once, and from one time step (30 s) before ours to one after it. Of recovery
codes only hashes are kept; the app's secret is sealed, and bound to its account.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

import pyotp

from batua.clock import Clock, NewId
from batua.database import Database, Transaction
from batua.errors import ConfigurationError, Conflict, InvariantViolated
from batua.sealing import Sealer

__all__ = ["ISSUER", "Offer", "SecondFactors", "drop_second_factor"]

ISSUER = "Batua"
STEP_S = 30
STEPS = (0, -1, 1)
DIGITS = 6
RECOVERY_CODES = 10
RECOVERY_BYTES = 10
"""80 bits: what can't be guessed needs no slow hash."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A new secret that nobody has confirmed yet. It is kept by whoever it was offered to.

    ``uri`` is what the app reads from a QR code; ``sealed`` is handed back with its first code.
    """

    secret: str = field(repr=False)
    uri: str = field(repr=False)
    sealed: str


class SecondFactors:
    """Everybody's second factor. Moves no money."""

    def __init__(self, database: Database, sealer: Sealer, *, now: Clock, new_id: NewId) -> None:
        self._database = database
        self._sealer = sealer
        self._now = now
        self._new_id = new_id

    async def has(self, staff_id: int) -> bool:
        """Whether this account has one: then nobody signs in to it without."""
        row = await self._database.fetch_one(
            "select staff_id from batua_second_factor where staff_id = $1", staff_id
        )
        return row is not None

    def offer(self, staff_id: int, username: str) -> Offer:
        """A new secret for this account. Raises ``ConfigurationError`` without a key to seal it."""
        return self._offer(pyotp.random_base32(), staff_id, username)

    def offer_again(self, sealed: str, staff_id: int, username: str) -> Offer:
        """The offer that was sealed as ``sealed``. Raises ``Conflict`` if it was not made here."""
        return self._offer(self._opened(sealed, staff_id), staff_id, username)

    async def enrol(self, staff_id: int, sealed: str, code: str) -> Sequence[str]:
        """Take the secret that was offered, on a code of it; returns the recovery codes.

        They are told this once. Raises ``Conflict`` where the code is wrong, the offer is not
        ours, or the account has a second factor already.
        """
        secret = self._opened(sealed, staff_id)
        step = self._step_of(code, secret, after=0)
        if step is None:
            raise Conflict("wrong_code", "That code is not right. Wait for the next one.")
        codes = [_new_recovery_code() for _ in range(RECOVERY_CODES)]
        stored = self._sealer.seal(secret, _place(staff_id))
        async with self._database.transaction() as transaction:
            taken = await transaction.execute(
                "insert into batua_second_factor (staff_id, secret, last_step, created_at)"
                " values ($1, $2, $3, $4) on conflict do nothing",
                staff_id, stored, step, self._now(),
            )  # fmt: skip
            if not taken:
                raise Conflict("has_second_factor", "This account has a second factor already.")
            await transaction.execute_many(
                "insert into batua_recovery_code (id, staff_id, code_sha256) values ($1, $2, $3)",
                [(self._new_id("rec"), staff_id, _sha256(each)) for each in codes],
            )
        return codes

    async def accept(self, staff_id: int, code: str) -> bool:
        """Whether ``code`` is good, of the app or for recovery. Afterwards it is not any more."""
        row = await self._database.fetch_one(
            "select secret, last_step from batua_second_factor where staff_id = $1", staff_id
        )
        if row is None:
            return False
        secret = self._sealer.open(row["secret"], _place(staff_id))
        step = self._step_of(code, secret, after=row["last_step"])
        async with self._database.transaction() as transaction:
            if step is not None:
                # Of two who come with the same code one changes the row.
                used = await transaction.execute(
                    "update batua_second_factor set last_step = $2"
                    " where staff_id = $1 and last_step < $2",
                    staff_id, step,
                )  # fmt: skip
            else:
                used = await transaction.execute(
                    "delete from batua_recovery_code where staff_id = $1 and code_sha256 = $2",
                    staff_id, _sha256(code),
                )  # fmt: skip
        return used == 1

    async def reseal(self) -> int:
        """Seal all secrets with the newest key; returns how many."""
        rows = await self._database.fetch("select staff_id, secret from batua_second_factor")
        sealed = [
            (row["staff_id"], row["secret"],
             self._sealer.reseal(row["secret"], _place(row["staff_id"])))
            for row in rows
        ]  # fmt: skip
        async with self._database.transaction() as transaction:
            await transaction.execute_many(
                "update batua_second_factor set secret = $3 where staff_id = $1 and secret = $2",
                sealed,
            )
        return len(sealed)

    def _offer(self, secret: str, staff_id: int, username: str) -> Offer:
        uri = pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name=ISSUER)
        return Offer(secret, uri, self._sealer.seal(secret, _offered_place(staff_id)))

    def _opened(self, sealed: str, staff_id: int) -> str:
        try:
            return self._sealer.open(sealed, _offered_place(staff_id))
        except (ConfigurationError, InvariantViolated):
            raise Conflict(
                "not_offered", "Begin again: this secret was not offered here."
            ) from None

    def _step_of(self, code: str, secret: str, *, after: int) -> int | None:
        """The time step about now that ``code`` is of; None if it is of none after ``after``."""
        tried = code.replace(" ", "")
        if len(tried) != DIGITS or not tried.isascii() or not tried.isdigit():
            return None
        now, totp = int(self._now().timestamp()) // STEP_S, pyotp.TOTP(secret)
        matching = [
            now + step
            for step in STEPS
            if hmac.compare_digest(totp.at((now + step) * STEP_S), tried)
        ]
        return next((step for step in matching if step > after), None)


async def drop_second_factor(transaction: Transaction, staff_id: int) -> bool:
    """Take somebody's second factor away, with its recovery codes; False if there was none."""
    dropped = await transaction.execute(
        "delete from batua_second_factor where staff_id = $1", staff_id
    )
    return dropped == 1


def _place(staff_id: int) -> str:
    return f"batua_second_factor/{staff_id}/secret"


def _offered_place(staff_id: int) -> str:
    return f"offered/{staff_id}/second_factor"


def _new_recovery_code() -> str:
    letters = base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower()
    return "-".join(letters[start : start + 4] for start in range(0, len(letters), 4))


def _sha256(recovery_code: str) -> str:
    plain = recovery_code.replace("-", "").replace(" ", "").lower()
    return hashlib.sha256(plain.encode()).hexdigest()
