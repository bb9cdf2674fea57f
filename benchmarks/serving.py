"""Real processes to measure: PostgreSQL, ``batua serve`` and ``batua verify``."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from batua.testing.serving import free_port
from benchmarks.machine import require_durable
from benchmarks.report import Wrong
from tests.postgres import PostgresServer, running_server

__all__ = [
    "SECRET",
    "Proved",
    "pid_of",
    "postgres",
    "prove",
    "scratch",
    "serving",
    "serving_nothing",
    "slower_syncs",
]

SECRET = "a benchmark secret of thirty-two bytes"
BATUA = (sys.executable, "-m", "batua_api.cli")
START_S = 30
STOP_S = 30
LOOK_S = 0.1
SLOWER_SYNCS = {"commit_delay": "1000", "commit_siblings": "0"}
"""Microseconds, whoever else is about."""


@contextmanager
def postgres() -> Iterator[PostgresServer]:
    """A server for one part, set up as PostgreSQL sets itself up but for its checkpoints.

    What was made on one that lives on is dropped.
    """
    with running_server({}) as server:
        try:
            yield server
        finally:
            server.close()


@contextmanager
def scratch(server: PostgresServer) -> Iterator[str]:
    """An empty database that keeps what it commits; nobody is left in it afterwards.

    Raises ``Wrong`` where it does not: what is measured of it would be no figure of a ledger.
    """
    url = server.create(migrated=False)
    try:
        asyncio.run(require_durable(url))
        yield url
    finally:
        server.drop(url)


@contextmanager
def slower_syncs(server: PostgresServer) -> Iterator[None]:
    """Let each sync of the server's log wait a millisecond first, as if its disk were slower.

    What it takes here is what this machine's disk takes; many a cloud's takes that and more.
    https://www.postgresql.org/docs/15/runtime-config-wal.html#GUC-COMMIT-DELAY (2026-11-28)
    """
    for name, value in SLOWER_SYNCS.items():
        server.run(f"alter system set {name} = {value}")
    server.run("select pg_reload_conf()")
    try:
        yield
    finally:
        for name in SLOWER_SYNCS:
            server.run(f"alter system reset {name}")
        server.run("select pg_reload_conf()")


@contextmanager
def serving(
    url: str, count: int = 1, environ: Mapping[str, str] | None = None
) -> Iterator[list[int]]:
    """``count`` processes of ``batua serve`` with one worker each; yields their ports."""
    with ExitStack() as stack:
        yield [stack.enter_context(_serving(url, environ or {})) for _ in range(count)]


@contextmanager
def serving_nothing() -> Iterator[list[int]]:
    """One process of ``benchmarks.floor``; yields its port, as ``serving`` yields its ports."""
    port = free_port()
    with _running([sys.executable, "-m", "benchmarks.floor", str(port)], {}, port):
        yield [port]


@contextmanager
def _serving(url: str, environ: Mapping[str, str]) -> Iterator[int]:
    port = free_port()
    told = {
        "BATUA_DATABASE_URL": url,
        "BATUA_JWT_SECRET": SECRET,
        "BATUA_CUSTOMER_ORDERS": "on",
        "BATUA_RATE_LIMIT": "off",
        **environ,
    }
    with _running([*BATUA, "serve", "--port", str(port)], told, port):
        yield port


@contextmanager
def _running(command: Sequence[str], told: Mapping[str, str], port: int) -> Iterator[None]:
    """The process while it listens on ``port``; what it said at last, where anything fails."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command, env=_clean_environ() | told, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _wait_for(port, process)
            yield
        except BaseException:
            print(_end_of(log), file=sys.stderr)
            raise
        finally:
            process.terminate()
            process.wait(STOP_S)


def pid_of(port: int) -> int:
    """The process that ``serving`` has started on ``port``."""
    wanted = f"serve\0--port\0{port}\0".encode()
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if command.read_bytes().endswith(wanted):
                return int(command.parent.name)
    raise Wrong(f"nobody serves on port {port}")


def _clean_environ() -> dict[str, str]:
    # A shop that its developer has configured is not what the table is about.
    return {name: value for name, value in os.environ.items() if not name.startswith("BATUA_")}


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(LOOK_S)
    raise Wrong("a server did not start")


def _end_of(log: IO[bytes]) -> str:
    log.seek(0)
    return log.read()[-4000:].decode(errors="replace")


@dataclass(frozen=True, slots=True)
class Proved:
    """What ``batua verify`` said, how long it took and how much memory it had at most."""

    verdict: str
    seconds: float
    peak_mib: float


def prove(url: str, seconds_max: float = 900) -> Proved:
    """Run ``batua verify`` in a process of its own. Raises ``Wrong`` for an unsound ledger."""
    command = [*BATUA, "verify", "--quiet", "--database-url", url]
    began, peak = time.perf_counter(), 0
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command, env=_clean_environ(), stdout=log, stderr=subprocess.STDOUT
        )
        try:
            while process.poll() is None:
                # Asked of the living: wait4 would count what this process has, if it forked.
                peak = max(peak, _peak_kib(process.pid))
                if time.perf_counter() - began > seconds_max:
                    raise Wrong(f"batua verify took longer than {seconds_max:.0f} s")
                time.sleep(LOOK_S)
        finally:
            process.kill()
            process.wait(STOP_S)
        seconds = time.perf_counter() - began
        if process.returncode != 0:
            raise Wrong(f"batua verify: {_end_of(log)}")
        if peak == 0:
            raise Wrong("nobody could see how much memory batua verify had")
        return Proved(_end_of(log).strip(), seconds, peak / 1024)


def _peak_kib(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0
    found = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return int(next(found, 0))
