"""A Redis of the tests' own: on a free port of loopback, and keeping nothing."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.ports import free_port

__all__ = ["NoRedis", "running_redis"]

PROGRAMS = ("redis-server", "valkey-server")
START_S = 20
STOP_S = 10


class NoRedis(Exception):
    """No Redis could be started here; the message says what was tried."""


@contextmanager
def running_redis() -> Iterator[str]:
    """Redis or Valkey; yields its URL."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        raise NoRedis(f"none of {', '.join(PROGRAMS)} is installed")
    port = free_port()
    process = subprocess.Popen(
        [program, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, process)
        yield f"redis://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(STOP_S)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise NoRedis(f"{process.args} did not start")
