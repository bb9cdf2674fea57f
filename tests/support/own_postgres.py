"""A PostgreSQL of a test's own, which it may stop, freeze, lose and restore."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.postgres import (
    NoPostgres,
    binaries_of,
    identity_in,
    initialize,
    serve_folder,
    stop,
)
from tests.support.ports import free_port

__all__ = ["OwnPostgres", "own_postgres"]

READY_S = 60


class OwnPostgres:
    """A cluster in a folder, and its server while it runs."""

    def __init__(self, binaries: Path, folder: Path, settings: Mapping[str, str]) -> None:
        self.binaries = binaries
        self.folder = folder
        self.port = free_port()
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, name: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def start(self, data: str = "data") -> None:
        """Serve the cluster in this folder of ours, at the port where it was before."""
        self._process, server = serve_folder(
            self.binaries, self.folder / data, self.port, self._settings
        )
        server.close()

    def signal(self, number: signal.Signals) -> None:
        """To the server and to all of its sessions: SIGSTOP freezes it, SIGCONT thaws it."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        for pid in [self._process.pid, *map(int, children.read_text().split())]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def stop(self) -> None:
        """End its sessions and the server, as an administrator would in a hurry."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.signal(signal.SIGCONT)
            stop(self._process)
            self._process = None

    def run(self, program: str, *words: str | Path) -> str:
        """Run one of PostgreSQL's own programs against this server; returns what it printed."""
        here = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": "postgres"}
        done = subprocess.run(
            [self.binaries / program, *words],
            env=os.environ | here,
            capture_output=True, text=True, check=False, timeout=READY_S, cwd=self.folder,
            **identity_in(self.folder),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextlib.contextmanager
def own_postgres(**settings: str) -> Iterator[OwnPostgres]:
    """A new cluster, serving. Without a PostgreSQL here the test is skipped, or fails."""
    folder = Path(tempfile.mkdtemp(prefix="batua-own-postgres-"))
    binaries = next(binaries_of(), None)
    if binaries is None:
        why = "no PostgreSQL is installed that a test could stop"
        if os.environ.get("BATUA_TEST_REQUIRE_ALL") == "1":
            pytest.fail(why)
        pytest.skip(why)
    own = OwnPostgres(binaries, folder, settings)
    try:
        initialize(binaries, folder)
        own.start()
        yield own
    except NoPostgres as error:
        pytest.fail(str(error))
    finally:
        own.stop()
        shutil.rmtree(folder, ignore_errors=True)
