"""PgBouncer in transaction mode before a database of the tests, on a free port of loopback."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.postgres import identity_in
from tests.support.ports import free_port

__all__ = ["pooled_url", "require_pgbouncer"]

READY_S = 10
ROOT = Path(__file__).parents[2]


def require_pgbouncer() -> str:
    """The program. Without one the test is skipped, or fails where all must run."""
    found = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        if os.environ.get("BATUA_TEST_REQUIRE_ALL") == "1":
            pytest.fail("no pgbouncer, and BATUA_TEST_REQUIRE_ALL=1")
        pytest.skip("no pgbouncer is installed")
    return found


@contextlib.contextmanager
def pooled_url(url: str, *, pool_size: int = 8) -> Iterator[str]:
    """The same database behind ``deploy/pgbouncer.ini``, with the tests' server and sign-in."""
    program, parts, port = require_pgbouncer(), urlsplit(url), free_port()
    # Not pytest's folder, which nobody but root may enter: PgBouncer refuses to be root.
    folder = Path(tempfile.mkdtemp(prefix="batua-pgbouncer-"))
    shipped = (ROOT / "deploy" / "pgbouncer.ini").read_text().splitlines()
    ours = {
        "*": f"* = host={parts.hostname} port={parts.port}",
        "listen_addr": "listen_addr = 127.0.0.1",
        "listen_port": f"listen_port = {port}",
        "auth_type": "auth_type = trust",
        "auth_file": f"auth_file = {folder / 'users'}",
        "default_pool_size": f"default_pool_size = {pool_size}",
        "unix_socket_dir": "unix_socket_dir =",
        "client_tls_sslmode": "", "client_tls_cert_file": "", "client_tls_key_file": "",
        "server_tls_sslmode": "", "server_tls_ca_file": "",
    }  # fmt: skip
    lines = [ours.get(line.partition("=")[0].strip(), line) for line in shipped]
    (folder / "pgbouncer.ini").write_text("\n".join(lines) + "\n")
    (folder / "users").write_text(f'"{parts.username}" ""\n')
    who = identity_in(folder)
    for path in (folder / "pgbouncer.ini", folder / "users"):
        identity_in(path)
    with (folder / "pgbouncer.log").open("wb") as log:
        running = subprocess.Popen(
            [program, folder / "pgbouncer.ini"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", **who,
        )  # fmt: skip
    try:
        _wait_until_it_listens(running, port, folder / "pgbouncer.log")
        netloc = f"{parts.username}@127.0.0.1:{port}"
        yield parts._replace(netloc=netloc, query="pooler=transaction").geturl()
    finally:
        running.terminate()
        running.wait(READY_S)
        shutil.rmtree(folder)


def _wait_until_it_listens(running: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + READY_S
    while True:
        assert running.poll() is None, log.read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)
