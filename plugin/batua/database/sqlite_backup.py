"""A copy of a SQLite file while it is written: whole, of one moment, and on the disk."""

from __future__ import annotations

import os
import secrets
import sqlite3
from pathlib import Path

from batua.database.sqlite_connection import Connection
from batua.errors import ConfigurationError

__all__ = ["back_up_sqlite"]


async def back_up_sqlite(source: Path, target: Path) -> None:
    """Copy the shop in ``source`` to ``target``, which only its owner may read.

    Whatever was acknowledged before this was called is in the copy.  It has its name once it is
    whole.  Raises ``ConfigurationError`` when there is no shop, or something at ``target``
    already, and ``DatabaseUnavailable`` when the disk is full.
    """
    _require_room(source, target)
    connection = Connection(source, read_only=True)
    try:
        await connection.run(lambda copied: _copy_all(copied, target))
    finally:
        await connection.close()


def _require_room(source: Path, target: Path) -> None:
    if not source.is_file():
        raise ConfigurationError(f"there is no {source} to copy")
    if target.exists():
        raise _taken(target)


def _taken(target: Path) -> ConfigurationError:
    return ConfigurationError(f"{target} is there already: a backup overwrites nothing")


def _copy_all(source: sqlite3.Connection, target: Path) -> None:
    part = target.with_name(f"{target.name}.{secrets.token_hex(4)}.part")
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        _copy(source, part)
        _name(part, target)
    finally:
        part.unlink(missing_ok=True)
    _sync(target.parent)


def _name(part: Path, target: Path) -> None:
    try:
        os.link(part, target)  # a rename would overwrite what another backup wrote meanwhile
    except FileExistsError:
        raise _taken(target) from None


def _copy(source: sqlite3.Connection, part: Path) -> None:
    copy = sqlite3.connect(part, isolation_level=None)
    try:
        # All pages in one step: what is written meanwhile waits for it, or comes after it.
        source.backup(copy)
        # A copy is one file: it leaves no log beside it, and a machine that only reads opens it.
        copy.execute("pragma journal_mode = delete")
    finally:
        copy.close()
    _sync(part)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
