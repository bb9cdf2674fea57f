"""Staff and how they get in: the tables, as our lists show them. Piccolo reads and writes none."""

from __future__ import annotations

from piccolo.apps.user.tables import BaseUser
from piccolo.columns import BigInt, Boolean, Integer, Text, Timestamptz, Varchar
from piccolo.table import Table

from batua.identity import Role

__all__ = ["STAFF_TABLES", "RecoveryCode", "SecondFactor", "Session", "Staff"]


class Staff(BaseUser, tablename="batua_staff"):
    """Somebody who may use the panel. ``last_login`` is in UTC."""

    role = Varchar(length=20, default=Role.VIEWER.value)
    has_one_time_password = Boolean(default=False)


class Session(Table, tablename="batua_session"):
    """A signed-in member of staff. The token itself is in their browser and nowhere else.

    It is over at ``expires_at``, which moves on while it is used, and at ``ends_at`` whatever
    happens.
    """

    id = Text(primary_key=True)
    token_sha256 = Text(secret=True)
    staff_id = Integer()
    address = Text()
    has_second_factor = Boolean()
    created_at = Timestamptz()
    expires_at = Timestamptz()
    ends_at = Timestamptz()


class SecondFactor(Table, tablename="batua_second_factor"):
    """What makes the codes of somebody's authenticator app. ``secret`` is sealed.

    No code is taken whose time step is not after ``last_step``: each is good for once.
    """

    staff_id = Integer(primary_key=True)
    secret = Text(secret=True)
    last_step = BigInt()
    created_at = Timestamptz()


class RecoveryCode(Table, tablename="batua_recovery_code"):
    """One that was not used yet, hashed: for whoever has lost the app."""

    id = Text(primary_key=True)
    staff_id = Integer()
    code_sha256 = Text(secret=True)


STAFF_TABLES: tuple[type[Table], ...] = (Staff, Session, SecondFactor, RecoveryCode)
