"""``batua serve`` again and again, without the second that Python needs to import it.

A process imports everything once and forks a server whenever it is told to: the child runs the
command like any other process and can be killed like it.  Thousands of kills take less than an
hour.

A lease may be made shorter: a quick test has no 30 s to wait until one that a kill left is over.
"""

from __future__ import annotations

# First: it puts the fixed SQLite in the place of sqlite3. Whatever imports the database before it
# keeps the system's, and then the servers have another journal mode than in a shop.
import batua.fixed_sqlite  # noqa: F401

# isort: split

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

from tests.support.clients import ShopClient
from tests.support.ports import free_port
from tests.support.processes import Program, clean_environ, run_batua, wait_until_ready

__all__ = ["Fork", "Forks", "forking"]

LEASE_VARIABLE = "BATUA_TEST_LEASE_S"


class Forks:
    """Starts servers on one database, one after another.

    ``on_start`` hears where the next one will serve, before it does.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        environ: dict[str, str],
        cwd: Path,
        on_start: Callable[[str], None],
    ) -> None:
        self._process = process
        self._environ = environ
        self._cwd = cwd
        self._on_start = on_start

    def start(self) -> Fork:
        """A server that may not be ready yet."""
        port, log = free_port(), self._cwd / "serve.log"
        program = Program(self._process, log, self._environ, self._cwd, port)
        self._on_start(program.base)
        return Fork(self, self._ask(f"start {port} {log}"), program)

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[tuple[Fork, ShopClient]]:
        """A server that is ready, killed at the end, and somebody who talks to it."""
        fork = self.start()
        try:
            await asyncio.to_thread(fork.wait_until_ready)
            async with ShopClient(fork.program) as shop:
                yield fork, shop
        finally:
            fork.kill()

    def wait(self, pid: int) -> None:
        """Until the server has gone."""
        self._ask(f"wait {pid}")

    def _ask(self, words: str) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{words}\n".encode())
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


class Fork:
    """One of the servers."""

    def __init__(self, forks: Forks, pid: int, program: Program) -> None:
        self._forks = forks
        self._pid = pid
        self._is_killed = False
        self.program = program

    def wait_until_ready(self) -> None:
        wait_until_ready(self.program, "/api/v1/health/ready")

    def kill(self) -> None:
        """SIGKILL, and wait until it has gone."""
        if not self._is_killed:
            self._is_killed = True
            os.killpg(self._pid, signal.SIGKILL)
            self._forks.wait(self._pid)


@contextlib.contextmanager
def forking(
    database_url: str,
    *,
    cwd: Path,
    on_start: Callable[[str], None] = lambda _: None,
    lease_s: float | None = None,
    **variables: str,
) -> Iterator[Forks]:
    """Servers of a shop that is migrated here. ``lease_s`` None leaves the lease as it is."""
    environ = clean_environ(database_url, **variables)
    if lease_s is not None:
        environ[LEASE_VARIABLE] = str(lease_s)
    migrated = run_batua("migrate", environ=environ, cwd=cwd)
    assert migrated.returncode == 0, migrated.stderr
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.forking"],
        env=environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        cwd=cwd,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        yield Forks(process, environ, cwd, on_start)
    finally:
        process.kill()
        process.communicate()


# --- in the process that forks --------------------------------------------------------------------


def _listen() -> None:
    for line in sys.stdin:
        what, first, *rest = line.split()
        if what == "start":
            answer = os.fork()
            if answer == 0:
                _serve(first, rest[0])
        else:
            answer, _ = os.waitpid(int(first), 0)
        print(answer, flush=True)


def _serve(port: str, log: str) -> None:
    os.setsid()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for here, there in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(here, there)
    try:
        cli(["serve", "--port", port, "--with-worker"])
    finally:
        os._exit(1)


if __name__ == "__main__":
    import batua_api.asgi  # noqa: F401
    from batua.clock import utc_now
    from batua.ledger import idempotency
    from batua.registry import Registry
    from batua_api.cli import cli

    Registry({}, now=utc_now, timeout_s=1)  # imports the adapters
    if lease_s := os.environ.get(LEASE_VARIABLE):
        idempotency.LEASE_S = float(lease_s)
    _listen()
