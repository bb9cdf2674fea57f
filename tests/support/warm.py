"""The ``batua`` command without the second or two that Python needs to import it.

A process imports everything once and forks itself for every call, which then runs the command in
the caller's folder, with its arguments, variables and streams. What serves for long is started as
anybody would start it.
"""

from __future__ import annotations

# First: it puts the fixed SQLite in the place of sqlite3, as the command does.
import batua.fixed_sqlite  # noqa: F401

# isort: split

import contextlib
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

from batua_api import cli

__all__ = ["warm_batua"]

READY_S = 60
CLIENT = """#!{python} -IS
import json, os, socket, sys
if sys.argv[1:2] and sys.argv[1] in ("serve", "worker", "demo", "simulate"):
    os.execv({python!r}, [{python!r}, "-m", "batua_api.cli", *sys.argv[1:]])
with socket.socket(socket.AF_UNIX) as caller:
    caller.connect({address!r})
    socket.send_fds(caller, [b" "], [0, 1, 2])
    caller.sendall(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode())
    caller.shutdown(socket.SHUT_WR)
    ended = caller.recv(1)
sys.exit(ended[0] if ended else "the command was killed")
"""


@contextlib.contextmanager
def warm_batua() -> Iterator[str]:
    """The text of a program that is ``batua``, while the block runs."""
    with tempfile.TemporaryDirectory(prefix="batua-warm-") as folder:
        address = str(Path(folder) / "socket")
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.warm", address],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
            cwd=Path(__file__).parents[2],
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            ready, _, _ = select.select([process.stdout], [], [], READY_S)
            assert ready, "it was not imported in time"
            assert process.stdout.readline() == b"ready\n"
            yield CLIENT.format(python=sys.executable, address=address)
        finally:
            process.stdin.close()  # it ends when nobody holds the other side
            process.stdout.close()
            process.wait(READY_S)


def main(address: str) -> None:
    """Answer callers until standard input ends."""
    for home in cli.HOMES.values():
        import_module(f"batua_api.{home.partition(':')[0]}")
    for group in ("batua.gateways", "batua.notifiers"):
        for plugin in entry_points(group=group):
            plugin.load()
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        print("ready", flush=True)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps
        while True:
            ready, _, _ = select.select([listener, sys.stdin], [], [])
            if sys.stdin in ready:
                return
            caller, _ = listener.accept()
            with caller:
                if os.fork() == 0:
                    _run(caller)


def _run(caller: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _, streams, _, _ = socket.recv_fds(caller, 1, 3)
    with caller.makefile("rb") as told:
        words, folder, environ = json.loads(told.read())
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv = ["batua", *words]
    status: object = 1
    try:
        cli.main()
        status = 0
    except SystemExit as ended:
        status = ended.code or 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        caller.sendall(bytes([status if isinstance(status, int) else 1]))
        os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
