"""``batua grants``: what the role that serves may do, as SQL to read or as done."""

from __future__ import annotations

import asyncio
import os

import click

from batua.database import Database, Dialect, open_database, pending
from batua.errors import ConfigurationError
from batua.grants import ROLE, grant_statements
from batua.settings import read_settings

__all__ = ["apply_grants", "grants"]

POWERS = """
    select rolsuper or rolbypassrls as is_above, exists (
        select from pg_class where relname like 'batua\\_%'
        and relnamespace = to_regnamespace(current_schema()::text)
        and pg_has_role($1, relowner, 'member')
    ) as is_owner from pg_roles where rolname = $1
"""

MAY_CREATE = """
    select rolsuper or rolcreaterole as is_able from pg_roles where rolname = current_user
"""


@click.command()
@click.option("--role", default=ROLE, show_default=True, help="Who serves. Made if you may.")
@click.option("--apply", "is_applied", is_flag=True, help="Run it, as the owner of the tables.")
def grants(role: str, *, is_applied: bool) -> None:
    """Print the SQL that lets a PostgreSQL role serve, and no more than that."""
    if is_applied:
        count = asyncio.run(_apply(read_settings(os.environ).database_url, role))
        click.echo(f"ran {count} statements: {role} may serve, and changes no history")
        return
    for statement in grant_statements(role):
        click.echo(f"{statement};")


async def _apply(url: str, role: str) -> int:
    database = open_database(url)
    await database.open()
    try:
        return await apply_grants(database, role)
    finally:
        await database.close()


async def apply_grants(database: Database, role: str) -> int:
    """Run all of it in one transaction; returns how many statements it was.

    Raises ``ConfigurationError`` where grants would bind nobody: on SQLite, before the tables are
    there, for a role that is a superuser's or owns the tables, and for one that is missing where
    the owner may not make it.
    """
    if database.dialect is not Dialect.POSTGRES:
        raise ConfigurationError(
            "SQLite has no roles: grants are for BATUA_DATABASE_URL=postgresql://…"
        )
    if missing := await pending(database):
        raise ConfigurationError(f"migrate first: the database lacks {', '.join(missing)}")
    statements = grant_statements(role)
    powers = await database.fetch_one(POWERS, role)
    if powers is not None and (powers["is_above"] or powers["is_owner"]):
        raise ConfigurationError(
            f"{role} is a superuser or owns the tables: no grant would bind it. Let another role "
            "migrate, and serve as one that owns nothing"
        )
    if powers is None and not (await database.fetch(MAY_CREATE))[0]["is_able"]:
        raise ConfigurationError(
            f"there is no role {role}, and you may make none: have a superuser run "
            f"createuser --pwprompt {role}, then run this again"
        )
    async with database.transaction() as transaction:
        for statement in statements:
            await transaction.execute(statement)
    return len(statements)
