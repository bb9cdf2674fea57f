"""The proof opens what it proves read-only, in place or as a copy, and leaves no trace."""

import asyncio
import contextlib
import os
import shutil
import sqlite3

import pytest

from batua.errors import ConfigurationError, DatabaseUnavailable
from batua.ledger.proof import open_books, prove, read_ledger_id
from tests.support.books import ASHA, SALES, move, post

JUNK = b"this is no database, however long it may be" * 100


def url_of(path):
    return f"sqlite:///{path}"


def backed_up(database, folder):
    """A copy as ``sqlite3 .backup`` makes it, whoever writes meanwhile."""
    folder.mkdir(exist_ok=True)
    copy = folder / "copy.sqlite"
    source, target = sqlite3.connect(database.path), sqlite3.connect(copy)
    source.backup(target, pages=1)
    source.close()
    target.close()
    return copy


def state_of(folder):
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


@contextlib.contextmanager
def read_only(folder):
    """Nothing can be made in ``folder`` (unless root looks on: then it only is not)."""
    before = state_of(folder)
    for path in folder.iterdir():
        path.chmod(0o444)
    folder.chmod(0o555)
    yield
    folder.chmod(0o755)
    assert state_of(folder) == before


async def proved(url, **options):
    async with open_books(url) as books:
        return await prove(books, **options)


@pytest.fixture
def sqlite_shop(lot_shop):
    if not hasattr(lot_shop, "path"):
        pytest.skip("a server has no file to copy")
    return lot_shop


async def test_a_backup_on_a_read_only_disk_is_proved_and_left_alone(sqlite_shop, tmp_path):
    copy = backed_up(sqlite_shop, tmp_path / "backups")
    with read_only(copy.parent):
        proof = await proved(url_of(copy))
    assert proof.findings == ()
    assert proof.transfers == 26


async def test_a_backup_made_under_load_is_sound(sqlite_shop, tmp_path):
    async def sell():
        for number in range(30):
            await post(sqlite_shop, move(f"x{number}", "sale", ASHA, SALES, 1))

    selling = asyncio.create_task(sell())
    await asyncio.sleep(0.05)
    copy = await asyncio.to_thread(backed_up, sqlite_shop, tmp_path / "backups")
    await selling
    proof = await proved(url_of(copy))
    assert proof.findings == ()
    assert 26 <= proof.transfers <= 56


async def test_a_copy_with_its_write_ahead_log_has_what_is_in_the_log(sqlite_shop, tmp_path):
    await post(sqlite_shop, move("x", "sale", ASHA, SALES, 1))
    for end in ("", "-wal"):
        shutil.copyfile(f"{sqlite_shop.path}{end}", tmp_path / f"copy.sqlite{end}")
    assert (await proved(url_of(tmp_path / "copy.sqlite"))).transfers == 27


async def test_a_copy_of_the_file_alone_lacks_what_was_in_the_log(sqlite_shop, tmp_path):
    sqlite3.connect(sqlite_shop.path).execute("pragma wal_checkpoint(truncate)").connection.close()
    anchor_at = (await proved(url_of(sqlite_shop.path))).transfers
    shutil.copyfile(sqlite_shop.path, tmp_path / "copy.sqlite")
    await post(sqlite_shop, move("x", "sale", ASHA, SALES, 1))
    assert (await proved(url_of(tmp_path / "copy.sqlite"))).transfers == anchor_at


async def test_a_shop_is_proved_while_it_sells(lot_shop, database_url):
    async with open_books(database_url) as books:
        selling = asyncio.create_task(post(lot_shop, move("x", "sale", ASHA, SALES, 1)))
        proof = await prove(books, page_rows=1)
        await selling
    assert proof.findings == ()
    assert (await prove(lot_shop)).transfers == 27


async def test_a_file_that_is_written_meanwhile_proves_nothing(sqlite_shop, tmp_path):
    copy = backed_up(sqlite_shop, tmp_path / "backups")
    with pytest.raises(DatabaseUnavailable, match="run it again"):
        async with open_books(url_of(copy)) as books, books.snapshot():
            os.utime(copy, ns=(0, 0))


async def test_nothing_can_be_written(lot_shop, database_url):
    async with open_books(database_url) as books, books.snapshot() as reader:
        with pytest.raises(DatabaseUnavailable, match=r"read-?only"):
            await reader.fetch("update batua_ledger set transfer_seq = 0")
    async with open_books(database_url) as books:
        assert await read_ledger_id(books) == await read_ledger_id(lot_shop)


async def test_the_first_row_of_a_copy(lot_shop, database_url):
    async with open_books(database_url) as books:
        row = await books.fetch_one("select transfer_seq from batua_ledger")
        assert row["transfer_seq"] == 26
        assert await books.fetch_one("select id from batua_order where id = 'no'") is None


@pytest.mark.parametrize("content", [JUNK, b"SQLite format 3\0" + JUNK])
async def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path, content):
    path = tmp_path / "junk.sqlite"
    path.write_bytes(content)
    with pytest.raises(DatabaseUnavailable, match=r"junk\.sqlite can't be read"):
        await proved(url_of(path))


async def test_a_file_that_is_not_there_is_not_made(tmp_path):
    with pytest.raises(ConfigurationError, match="there is no database at"):
        await proved(url_of(tmp_path / "no" / "shop.sqlite"))
    assert list(tmp_path.iterdir()) == []


async def test_a_server_that_is_not_there_is_said_to_be_gone():
    with pytest.raises(DatabaseUnavailable, match="PostgreSQL"):
        await proved("postgresql://postgres@127.0.0.1:1/shop")


@pytest.mark.parametrize("url", ["mysql://x", "sqlite://", "shop.sqlite"])
async def test_another_url_is_refused(url):
    with pytest.raises(ConfigurationError, match="must be sqlite"):
        await proved(url)
