"""``batua backup``: a SQLite shop, copied while it serves."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import click

from batua.database import back_up_sqlite, open_database
from batua.database.sqlite import SQLiteDatabase
from batua.errors import ConfigurationError
from batua.settings import read_settings

__all__ = ["backup"]


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
def backup(file: Path) -> None:
    """Copy a SQLite shop to FILE while it serves. PostgreSQL has pg_basebackup and pg_dump."""
    database = open_database(read_settings(os.environ).database_url)
    if not isinstance(database, SQLiteDatabase):
        raise ConfigurationError(
            "this shop is in PostgreSQL: back it up with pg_basebackup or pg_dump "
            "(docs/how-to/back-up-and-restore.md)"
        )
    asyncio.run(back_up_sqlite(database.path, file))
    click.echo(f"copied {database.path} to {file}; prove it with:")
    click.echo(f"batua verify --database-url sqlite:///{file}")
