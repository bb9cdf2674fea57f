"""Staff accounts: made and changed on the command line, never by the panel."""

from __future__ import annotations

from collections.abc import Sequence

from batua.bootstrap import Batua
from batua.database import Row, Transaction
from batua.errors import Conflict, NotFound
from batua.identity import Role, changing
from batua_admin.tables import Staff, bind, reading_from

__all__ = [
    "create_staff",
    "disable_staff",
    "enable_staff",
    "has_staff",
    "list_staff",
    "set_staff_role",
]

PASSWORD_LENGTH_MIN = 10


async def create_staff(
    batua: Batua, *, username: str, password: str, role: str, email: str = ""
) -> None:
    """Create an active account.

    Raises ``ValueError`` that says what to change: an unknown role, a short password, a name that
    is taken.
    """
    rank = Role(role)
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
            superuser=rank is Role.OWNER,
            role=str(rank),
        )


async def has_staff(batua: Batua, username: str) -> bool:
    """Whether there is an account of this name."""
    bind([Staff])
    with reading_from(batua.database.piccolo_engine()):
        return bool(await Staff.exists().where(Staff.username == username))


async def list_staff(batua: Batua) -> Sequence[Row]:
    """Every account by name. Piccolo writes ``last_login`` by the server's own clock and zone."""
    return await batua.database.fetch(
        "select username, role, active, admin, last_login from batua_staff order by username"
    )


async def disable_staff(batua: Batua, username: str) -> bool:
    """Shut somebody out of the panel at once; False if that was so already.

    Tokens of this name follow in every process within five seconds. Raises ``NotFound``, and
    ``Conflict`` (``last_owner``) rather than leave a shop that nobody can decide for.
    """
    async with changing(batua.database, batua.identity.watch) as transaction:
        account = await _read(transaction, username)
        if account["active"]:
            await _require_other_owner(transaction, account)
            await transaction.execute(
                "update batua_staff set active = false where id = $1", account["id"]
            )
        # Also where it was so already: Piccolo gives whoever knows the password a session.
        await _end_sessions(transaction, account)
    return bool(account["active"])


async def enable_staff(batua: Batua, username: str) -> bool:
    """Let somebody into the panel again, by signing in; False if they could all the time.

    Raises ``NotFound``.
    """
    async with changing(batua.database, batua.identity.watch) as transaction:
        account = await _read(transaction, username)
        if not account["active"]:
            await _end_sessions(transaction, account)
            await transaction.execute(
                "update batua_staff set active = true where id = $1", account["id"]
            )
    return not account["active"]


async def set_staff_role(batua: Batua, username: str, role: Role) -> Role:
    """Give somebody another role; returns the one before. One that is lower ends their sessions.

    Raises ``NotFound``, and ``Conflict`` (``last_owner``).
    """
    async with changing(batua.database, batua.identity.watch) as transaction:
        account = await _read(transaction, username)
        before = Role(account["role"])
        if not role.reaches(before):
            await _require_other_owner(transaction, account)
            await _end_sessions(transaction, account)
        await transaction.execute(
            "update batua_staff set role = $2, superuser = $3 where id = $1",
            account["id"],
            str(role),
            role is Role.OWNER,
        )
    return before


async def _read(transaction: Transaction, username: str) -> Row:
    # ``changing`` has the lock already: nobody changes an account meanwhile.
    account = await transaction.fetch_one(
        "select id, username, role, active, admin from batua_staff where username = $1", username
    )
    if account is None:
        raise NotFound("staff account", username)
    return account


async def _require_other_owner(transaction: Transaction, account: Row) -> None:
    owners = await transaction.fetch(
        "select id from batua_staff where role = 'owner' and active and admin"
    )
    if [row["id"] for row in owners] == [account["id"]]:
        raise Conflict(
            "last_owner",
            f"{account['username']!r} is the last active owner: "
            "make somebody else an owner first, with batua staff role NAME owner.",
        )


async def _end_sessions(transaction: Transaction, account: Row) -> None:
    await transaction.execute("delete from batua_session where user_id = $1", account["id"])
