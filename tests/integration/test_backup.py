"""Backups of a SQLite shop that get in each other's way."""

from __future__ import annotations

import asyncio
from pathlib import Path

from batua.database import back_up_sqlite, pending
from batua.errors import ConfigurationError
from tests.support.databases import opened


async def test_of_backups_to_one_name_one_is_taken_and_whole(sqlite_url, tmp_path):
    source, target = Path(sqlite_url.removeprefix("sqlite:///")), tmp_path / "to" / "copy.sqlite"
    target.parent.mkdir()

    done = await asyncio.gather(
        *(back_up_sqlite(source, target) for _ in range(4)), return_exceptions=True
    )

    refused = [error for error in done if error is not None]
    assert [type(error) for error in refused] == [ConfigurationError] * 3, done
    assert all("is there already" in str(error) for error in refused)
    assert list(target.parent.iterdir()) == [target]
    async with opened(f"sqlite:///{target}") as copy:
        assert await pending(copy) == []


async def test_a_part_of_another_backup_is_left_to_it(sqlite_url, tmp_path):
    source, target = Path(sqlite_url.removeprefix("sqlite:///")), tmp_path / "to" / "copy.sqlite"
    target.parent.mkdir()
    part = target.with_name("copy.sqlite.part")
    part.write_text("another's")

    await back_up_sqlite(source, target)

    assert part.read_text() == "another's"
