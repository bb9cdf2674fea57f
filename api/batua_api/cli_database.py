"""``batua migrate``."""

from __future__ import annotations

import asyncio
import os

import click

from batua.database import migrate as migrate_database
from batua.database import open_database
from batua.settings import Settings, read_settings

__all__ = ["migrate"]


@click.command()
@click.option("--back", is_flag=True, help="Take the newest migration back.")
def migrate(*, back: bool) -> None:
    """Bring the database's schema forwards, or one step back."""
    done = asyncio.run(_migrate(read_settings(os.environ), back=back))
    for name in done:
        click.echo(f"{'took back' if back else 'applied'} {name}")
    if not done:
        click.echo("nothing to do")


async def _migrate(settings: Settings, *, back: bool) -> list[str]:
    database = open_database(settings.database_url)
    await database.open()
    try:
        return await migrate_database(database, back=back)
    finally:
        await database.close()
