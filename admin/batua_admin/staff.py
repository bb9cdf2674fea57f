"""Staff accounts: made and changed on the command line, and by an owner in the panel.

In the panel nobody can shut themselves out; the command line is the way back in. Each change is
entered in the audit log before it is made, and after all that could refuse it: what a crash leaves
is an entry without its change, and never a change that nobody hears of. All raise ``Forbidden``
for who is no owner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from batua.audit import Act, Actor, Note
from batua.bootstrap import Batua
from batua.database import Database, Row, Transaction
from batua.errors import Conflict, NotFound
from batua.identity import Role, changing
from batua.staff import Word, require
from batua_admin.passwords import Passwords, check_new_password
from batua_admin.second_factor import SecondFactors, drop_second_factor
from batua_admin.sessions import end_sessions

__all__ = [
    "COMMAND_LINE",
    "create_staff",
    "disable_staff",
    "enable_staff",
    "has_staff",
    "list_staff",
    "reseal_second_factors",
    "reset_password",
    "reset_second_factor",
    "set_staff_role",
]

EMPTY: Mapping[str, object] = MappingProxyType({})
COMMAND_LINE = Actor(name="command line", role=Role.OWNER)


async def create_staff(
    batua: Batua,
    *,
    username: str,
    password: str,
    role: str,
    email: str = "",
    is_one_time: bool = False,
    actor: Actor = COMMAND_LINE,
) -> None:
    """Create an active account. A one-time password must be changed before anything else.

    Raises ``ValueError`` that says what to change: an unknown role, a short password, a name that
    is taken.
    """
    require(actor, Word.CREATE_STAFF)
    rank = Role(role)
    if not username or len(username) > 100 or not username.isprintable():
        raise ValueError("A staff name has 1 to 100 printable characters.")
    check_new_password(password)
    hashed = await Passwords().hash(password)
    email = email or f"{username}@staff.invalid"
    if await batua.database.fetch(
        "select id from batua_staff where username = $1 or email = $2", username, email
    ):
        raise ValueError(_taken(username))
    await _enter(batua, actor, Word.CREATE_STAFF, username, after={"role": rank})
    async with changing(batua.database, batua.identity.watch) as transaction:
        created = await transaction.execute(
            "insert into batua_staff (username, password, email, active, admin, superuser, role,"
            " has_one_time_password) values ($1, $2, $3, $4, $4, $5, $6, $7)"
            " on conflict do nothing",
            username, hashed, email, True, rank is Role.OWNER,
            str(rank), is_one_time,
        )  # fmt: skip
    if not created:
        raise ValueError(_taken(username))


async def has_staff(batua: Batua, username: str) -> bool:
    """Whether there is an account of this name."""
    row = await batua.database.fetch_one("select id from batua_staff where username = $1", username)
    return row is not None


async def list_staff(batua: Batua) -> Sequence[Row]:
    """Every account by name, with its last login in UTC and whether it has a second factor."""
    return await batua.database.fetch(
        "select username, role, active, admin, last_login, f.staff_id is not null as has_factor"
        " from batua_staff left join batua_second_factor f on f.staff_id = batua_staff.id"
        " order by username"
    )


async def disable_staff(batua: Batua, username: str, *, actor: Actor = COMMAND_LINE) -> bool:
    """Shut somebody out of the panel at once; False if that was so already.

    Tokens of this name follow in every process within five seconds. Raises ``NotFound``, and
    ``Conflict``: ``oneself``, or ``last_owner`` rather than leave a shop that nobody can decide
    for.
    """
    _require(actor, Word.DISABLE_STAFF, username)
    account = await _read(batua.database, username)
    if not account["active"]:
        return False
    await _require_other_owner(batua.database, account)
    await _enter(batua, actor, Word.DISABLE_STAFF, username, {"active": True}, {"active": False})
    async with changing(batua.database, batua.identity.watch) as transaction:
        await _require_other_owner(transaction, account)  # nobody changes an account meanwhile
        await transaction.execute(
            "update batua_staff set active = false where id = $1", account["id"]
        )
        await end_sessions(transaction, account["id"])
    return True


async def enable_staff(batua: Batua, username: str, *, actor: Actor = COMMAND_LINE) -> bool:
    """Let somebody into the panel again, by signing in; False if they could all the time.

    Raises ``NotFound``.
    """
    require(actor, Word.ENABLE_STAFF)
    account = await _read(batua.database, username)
    if account["active"]:
        return False
    await _enter(batua, actor, Word.ENABLE_STAFF, username, {"active": False}, {"active": True})
    async with changing(batua.database, batua.identity.watch) as transaction:
        await transaction.execute(
            "update batua_staff set active = true where id = $1", account["id"]
        )
    return True


async def set_staff_role(
    batua: Batua, username: str, role: Role, *, actor: Actor = COMMAND_LINE
) -> Role:
    """Give somebody another role; returns the one before. It ends their sessions.

    Raises ``NotFound``, and ``Conflict`` (``oneself``, ``last_owner``).
    """
    _require(actor, Word.SET_STAFF_ROLE, username)
    account = await _read(batua.database, username)
    before = Role(account["role"])
    if role is before:
        return before
    if not role.reaches(before):
        await _require_other_owner(batua.database, account)
    await _enter(batua, actor, Word.SET_STAFF_ROLE, username, {"role": before}, {"role": role})
    async with changing(batua.database, batua.identity.watch) as transaction:
        if not role.reaches(before):
            await _require_other_owner(transaction, account)  # nobody changes one meanwhile
        await end_sessions(transaction, account["id"])
        await transaction.execute(
            "update batua_staff set role = $2, superuser = $3 where id = $1",
            account["id"],
            str(role),
            role is Role.OWNER,
        )
    return before


async def reset_password(
    batua: Batua,
    username: str,
    password: str,
    *,
    actor: Actor = COMMAND_LINE,
    is_one_time: bool = False,
) -> None:
    """Give somebody another password, and sign them out everywhere.

    Raises ``ValueError``, ``NotFound``, and ``Conflict`` (``oneself``).
    """
    _require(actor, Word.RESET_STAFF_PASSWORD, username)
    check_new_password(password)
    hashed = await Passwords().hash(password)
    account = await _read(batua.database, username)
    await _enter(batua, actor, Word.RESET_STAFF_PASSWORD, username)
    async with changing(batua.database, batua.identity.watch) as transaction:
        await transaction.execute(
            "update batua_staff set password = $2, has_one_time_password = $3 where id = $1",
            account["id"], hashed, is_one_time,
        )  # fmt: skip
        await end_sessions(transaction, account["id"])


async def reset_second_factor(batua: Batua, username: str, *, actor: Actor = COMMAND_LINE) -> bool:
    """Take away the second factor of somebody who has lost it, and sign them out everywhere.

    False if there was none. Raises ``NotFound``, and ``Conflict`` (``oneself``).
    """
    _require(actor, Word.RESET_STAFF_MFA, username)
    account = await _read(batua.database, username)
    if account["has_factor"]:
        await _enter(batua, actor, Word.RESET_STAFF_MFA, username)
    async with changing(batua.database, batua.identity.watch) as transaction:
        if account["has_factor"]:
            await drop_second_factor(transaction, account["id"])
        await end_sessions(transaction, account["id"])
    return bool(account["has_factor"])


async def reseal_second_factors(batua: Batua) -> int:
    """Seal the keys of everybody's app with the newest of our own; returns how many."""
    factors = SecondFactors(batua.database, batua.sealer, now=batua.now, new_id=batua.new_id)
    return await factors.reseal()


def _require(actor: Actor, word: Word, username: str) -> None:
    require(actor, word)
    if actor.name == f"staff:{username}":
        raise Conflict("oneself", "You can't do this to yourself: ask another owner.")


async def _enter(
    batua: Batua,
    actor: Actor,
    word: Word,
    username: str,
    before: Mapping[str, object] = EMPTY,
    after: Mapping[str, object] = EMPTY,
) -> None:
    """Enter in the audit log what is about to be done to an account."""
    subject = f"staff:{username}"
    act = Act(id=batua.new_id("aud"), actor=actor, word=word, subject=subject)
    states = [{subject: dict(state)} if state else {} for state in (before, after)]
    await batua.engine.submit(Note(act, *states))


def _taken(username: str) -> str:
    return f"There is a staff account {username!r} already, or one of its email."


async def _read(database: Database, username: str) -> Row:
    account = await database.fetch_one(
        "select id, username, role, active, f.staff_id is not null as has_factor from batua_staff"
        " left join batua_second_factor f on f.staff_id = batua_staff.id where username = $1",
        username,
    )
    if account is None:
        raise NotFound("staff account", username)
    return account


async def _require_other_owner(database: Database | Transaction, account: Row) -> None:
    owners = await database.fetch(
        "select id from batua_staff where role = 'owner' and active and admin"
    )
    if [row["id"] for row in owners] == [account["id"]]:
        raise Conflict(
            "last_owner",
            f"{account['username']!r} is the last active owner: "
            "make somebody else an owner first, with batua staff role NAME owner.",
        )
