"""Staff accounts: made on the command line, never by the panel."""

from __future__ import annotations

from batua.bootstrap import Batua
from batua_admin.tables import Staff, StaffRole, bind, reading_from

__all__ = ["create_staff", "has_staff"]

PASSWORD_LENGTH_MIN = 10


async def create_staff(
    batua: Batua, *, username: str, password: str, role: str, email: str = ""
) -> None:
    """Create an active account.

    Raises ``ValueError`` that says what to change: an unknown role, a short password, a name that
    is taken.
    """
    rank = StaffRole(role)
    if not username or len(username) > 100 or not username.isprintable():
        raise ValueError("A staff name has 1 to 100 printable characters.")
    if len(password) < PASSWORD_LENGTH_MIN:
        raise ValueError(f"A password has at least {PASSWORD_LENGTH_MIN} characters.")
    if await has_staff(batua, username):
        raise ValueError(f"There is a staff account {username!r} already.")
    with reading_from(batua.database.piccolo_engine()):
        await Staff.create_user(
            username=username,
            password=password,
            email=email or f"{username}@staff.invalid",
            active=True,
            admin=True,
            superuser=rank is StaffRole.OWNER,
            role=str(rank),
        )


async def has_staff(batua: Batua, username: str) -> bool:
    """Whether there is an account of this name."""
    bind([Staff])
    with reading_from(batua.database.piccolo_engine()):
        return bool(await Staff.exists().where(Staff.username == username))
