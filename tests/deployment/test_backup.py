"""A backup that is taken while people pay, and restored elsewhere: nothing is missing."""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from batua.errors import ConfigurationError
from batua_api.cli import cli
from tests.postgres import run_apart
from tests.support.clients import VARIABLES, ShopClient
from tests.support.databases import read_rows
from tests.support.load import under_load
from tests.support.own_postgres import own_postgres
from tests.support.ports import free_port
from tests.support.processes import running_serve
from tests.support.provider import open_provider

SOME = 10
"""Taps that are paid before, while and after a backup is taken."""


def batua(url, *words, **variables):
    """Run the command in this process: a new one takes a second to begin."""
    told = dict.fromkeys(name for name in os.environ if name.startswith("BATUA_"))
    told |= {"BATUA_DATABASE_URL": url, **VARIABLES, **variables}
    done = CliRunner().invoke(cli, words, env=told, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


@asynccontextmanager
async def selling(url, cwd):
    """A shop in which a top-up was paid, and then people tap; with what reconciling needs."""
    port = free_port()
    async with open_provider() as provider:
        provider.simulator.webhook_url = f"http://127.0.0.1:{port}/api/v1/webhooks/razorpay"
        gateway = provider.environ
        serve = running_serve(url, cwd=cwd, port=port, **VARIABLES, **gateway)
        async with AsyncExitStack() as stack:
            # From a thread: the provider is in this one, and has to answer meanwhile.
            program = await asyncio.to_thread(stack.enter_context, serve)
            shop = await stack.enter_async_context(ShopClient(program))
            top_up = await shop.top_up("meera", 50_000)
            await provider.pay(top_up["checkout"]["provider_reference"])
            await shop.until_balance("meera", 50_000)
            async with under_load(lambda: shop) as load:
                await load.until_more(SOME)
                yield load, gateway


async def assert_restored(url, load, acknowledged, gateway):
    """The copy is proved, agrees with the provider, and has all that was acknowledged before."""
    assert "sound" in await asyncio.to_thread(batua, url, "verify", "--quiet")
    today = datetime.now(UTC).date().isoformat()
    await asyncio.to_thread(batua, url, "reconcile", "--day", today, **gateway)
    await load.assert_kept(url, acknowledged)


async def test_sqlite_is_copied_while_it_serves(sqlite_url, tmp_path):
    url, elsewhere = sqlite_url, tmp_path / "elsewhere"
    elsewhere.mkdir()
    copy = elsewhere / "copy.sqlite"
    async with selling(url, tmp_path) as (load, gateway):
        before = dict(load.paid)
        said = await asyncio.to_thread(batua, url, "backup", str(copy))
        assert f"batua verify --database-url sqlite:///{copy}" in said
        await load.until_more(SOME)
        assert copy.stat().st_mode & 0o777 == 0o600
        assert sorted(path.name for path in elsewhere.iterdir()) == ["copy.sqlite"]
        with pytest.raises(ConfigurationError, match="is there already"):
            await asyncio.to_thread(batua, url, "backup", str(copy))
        await assert_restored(f"sqlite:///{copy}", load, before, gateway)
    assert len(load.paid) > len(before) >= SOME


async def test_postgres_is_dumped_and_copied_with_its_log(tmp_path):
    with own_postgres(wal_level="replica", max_wal_senders="4", archive_mode="on", fsync="off",
                      archive_command="cp %p ../archive/%f") as server:  # fmt: skip
        archive = server.folder / "archive"
        archive.mkdir()
        shutil.chown(archive, *owner_of(server.folder))
        await asyncio.to_thread(server.run, "createdb", "shop")
        url = server.url("shop")
        await asyncio.to_thread(batua, url, "migrate")
        async with selling(url, tmp_path) as (load, gateway):
            dumped = dict(load.paid)
            await asyncio.to_thread(dump_and_restore, server)
            await asyncio.to_thread(
                server.run, "pg_basebackup", "-D", server.folder / "restored", "-c", "fast"
            )
            await load.until_more(SOME)
            logged = dict(load.paid)
            await asyncio.to_thread(run_apart, archived(url))
            await load.until_more(SOME)
            await assert_restored(server.url("copy"), load, dumped, gateway)
            load.end()
        # The machine is lost. Elsewhere there are the base backup and the archived log.
        await asyncio.to_thread(server.stop)
        shutil.rmtree(server.folder / "data")
        restored = server.folder / "restored"
        (restored / "recovery.signal").touch()
        with (restored / "postgresql.auto.conf").open("a") as settings:
            settings.write("restore_command = 'cp ../archive/%f %p'\n")
        await asyncio.to_thread(server.start, "restored")
        await assert_writable(url)
        assert "sound" in await asyncio.to_thread(batua, url, "verify", "--quiet")
        await load.assert_kept(url, logged)
    assert len(load.paid) > len(logged) > len(dumped) >= SOME


def owner_of(path):
    found = path.stat()
    return found.st_uid, found.st_gid


def dump_and_restore(server):
    """The commands of the how-to."""
    server.run("pg_dump", "--format=custom", "--file=shop.dump", "shop")
    server.run("createdb", "copy")
    server.run("pg_restore", "--exit-on-error", "--dbname=copy", "shop.dump")


async def archived(url):
    """Until the log so far is in the archive."""
    (wal,) = await read_rows(url, "select pg_walfile_name(pg_switch_wal()) as name")
    async with asyncio.timeout(30):
        while True:
            (seen,) = await read_rows(url, "select last_archived_wal as name from pg_stat_archiver")
            if seen["name"] is not None and seen["name"] >= wal["name"]:
                return
            await asyncio.sleep(0.05)


async def assert_writable(url):
    """Until it has read all of the log that there is, and takes part again."""
    async with asyncio.timeout(30):
        while (await read_rows(url, "select pg_is_in_recovery() as is_still"))[0]["is_still"]:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgresql://nobody@127.0.0.1:1/shop", "pg_basebackup"),
        ("sqlite:///none.db", "no none.db"),
    ],
)
def test_what_can_not_be_copied_is_said(url, why, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=why):
        batua(url, "backup", "copy.sqlite")
    assert list(tmp_path.iterdir()) == []
