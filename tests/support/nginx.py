"""nginx in front of a shop, with TLS: as `deploy/nginx.conf` has it, on a port of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

__all__ = ["certificate", "proxied", "required_program"]

READY_S = 10

CONFIG = """daemon off; worker_processes 1; master_process off;
pid {folder}/pid; error_log {folder}/log; events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {folder}/fullchain.pem; ssl_certificate_key {folder}/privkey.pem;
        proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Proto https;
        location {location} {{ proxy_pass {target}; }}
        location / {{ return 410; }}
    }}
}}
"""


def required_program(name: str) -> str:
    """A program of the machine, or the test is skipped: it needs more than Python."""
    found = shutil.which(name, path="/usr/bin:/usr/sbin:/bin")
    if found is None:
        told = f"{name} is not installed"
        if os.environ.get("BATUA_TEST_REQUIRE_ALL") == "1":
            pytest.fail(told)
        pytest.skip(told)
    return found


def certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1, which is its own authority; its key is beside it."""
    subprocess.run(
        [required_program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=127.0.0.1", "-addext",
         "subjectAltName=IP:127.0.0.1", "-days", "1", "-keyout", folder / "privkey.pem",
         "-out", folder / "fullchain.pem"],
        capture_output=True, check=True, timeout=30,
    )  # fmt: skip
    return folder / "fullchain.pem"


@contextlib.contextmanager
def proxied(folder: Path, port: int, location: str, target: str) -> Iterator[str]:
    """nginx on ``port``: what is below ``location`` goes to ``target``; gives its address.

    nginx takes ``location`` off where ``target`` ends with a slash. Whatever else is asked for is
    410: nobody below a prefix may ask for what is not.
    """
    nginx = required_program("nginx")
    settings = {"folder": folder, "port": port, "location": location, "target": target}
    (folder / "nginx.conf").write_text(CONFIG.format(**settings))
    process = subprocess.Popen([nginx, "-c", folder / "nginx.conf", "-e", folder / "log"])
    try:
        deadline = time.monotonic() + READY_S
        while not (folder / "pid").exists():
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline, "nginx does not start"
            time.sleep(0.02)
        yield f"https://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(READY_S)
