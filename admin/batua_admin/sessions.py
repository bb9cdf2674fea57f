"""Sessions of the panel: a token in a browser's cookie, and its hash in the database."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from starlette.authentication import BaseUser

from batua.audit import Actor
from batua.clock import Clock, NewId
from batua.database import Database, Row, Transaction
from batua.identity import Role

__all__ = ["LIFE", "Sessions", "SignedIn", "end_sessions"]

IDLE = timedelta(hours=1)
"""A session that nobody uses is over after this."""
LIFE = timedelta(hours=12)
"""And every session after this: a working day."""


@dataclass(frozen=True, slots=True)
class SignedIn(BaseUser):
    """Who makes a request of the panel, by their session.

    ``role`` is what they may do now: less than ``account_role`` where ``held_back`` says why.
    Piccolo asks for ``user``, ``superuser`` and ``user_id``.
    """

    staff_id: int
    username: str
    account_role: Role
    role: Role
    held_back: str
    address: str
    session_id: str
    has_second_factor: bool
    has_one_time_password: bool

    @property
    def is_authenticated(self) -> bool:
        return True

    @property
    def display_name(self) -> str:
        return self.username

    @property
    def identity(self) -> str:
        return self.username

    @property
    def user_id(self) -> int:
        return self.staff_id

    @property
    def user(self) -> SignedIn:
        return self

    @property
    def actor(self) -> Actor:
        """As the services want to know it."""
        return Actor(
            name=f"staff:{self.username}",
            role=self.role,
            address=self.address,
            limited=self.held_back,
        )

    @property
    def superuser(self) -> bool:
        return self.role is Role.OWNER


class Sessions:
    """Begins, finds and ends them. Moves no money."""

    def __init__(self, database: Database, *, now: Clock, new_id: NewId) -> None:
        self._database = database
        self._now = now
        self._new_id = new_id

    async def begin(self, account: Row, *, address: str, has_second_factor: bool) -> str:
        """Begin one for whoever has shown to be the owner of ``account``; returns its token.

        Raises ``PermissionError`` where the account was disabled or got another password since
        it was read.
        """
        token, now = secrets.token_urlsafe(32), self._now()
        async with self._database.transaction() as transaction:
            begun = await transaction.execute(
                "insert into batua_session (id, token_sha256, staff_id, address,"
                " has_second_factor, created_at, expires_at, ends_at)"
                " select $1, $2, id, $4, $5, $6, $7, $8 from batua_staff"
                " where id = $3 and password = $9 and active and admin",
                self._new_id("ses"), _sha256(token), account["id"], address,
                has_second_factor, now, now + IDLE, now + LIFE, account["password"],
            )  # fmt: skip
            if not begun:
                raise PermissionError("the account has changed meanwhile")
            # The column is Piccolo's, without a zone.
            await transaction.execute(
                "update batua_staff set last_login = $2 where id = $1",
                account["id"], now.replace(tzinfo=None),
            )  # fmt: skip
            await transaction.execute("delete from batua_session where expires_at < $1", now)
        return token

    async def find(self, token: str) -> Row | None:
        """The session of this token with its account, if both are good; it lives on by that."""
        row = await self._database.fetch_one(
            "select s.id, s.address, s.has_second_factor, s.expires_at, s.ends_at, s.staff_id,"
            " a.username, a.role, a.has_one_time_password"
            " from batua_session s join batua_staff a on a.id = s.staff_id"
            " where s.token_sha256 = $1 and a.active and a.admin",
            _sha256(token),
        )
        now = self._now()
        if row is None or row["expires_at"] <= now:
            return None
        until = min(now + IDLE, row["ends_at"])
        if until - row["expires_at"] > IDLE / 4:
            async with self._database.transaction() as transaction:
                await transaction.execute(
                    "update batua_session set expires_at = $2 where id = $1", row["id"], until
                )
        return row

    async def end(self, token: str) -> None:
        """End the session of this token, if there is one."""
        async with self._database.transaction() as transaction:
            await transaction.execute(
                "delete from batua_session where token_sha256 = $1", _sha256(token)
            )


async def end_sessions(transaction: Transaction, staff_id: int) -> None:
    """Sign somebody out everywhere: what they may do has changed, or how they come in."""
    await transaction.execute("delete from batua_session where staff_id = $1", staff_id)


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
