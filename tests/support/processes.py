"""Batua as its users run it: real processes, ended with the block that started them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from batua_api.local import beside_database
from tests.support.ports import free_port

__all__ = [
    "RUNNING",
    "SIMULATOR_SECRETS",
    "Program",
    "clean_environ",
    "gateway_at",
    "run_batua",
    "running_demo",
    "running_serve",
    "running_simulator",
    "running_worker",
    "wait_until_ready",
]

BATUA = (sys.executable, "-m", "batua_api.cli")
READY_S = 30
SECRET_LENGTH_MIN = 12
"""What is shorter may stand in any word."""
END_S = 20
DEMO_IS_OPEN = "Stop it with Ctrl+C"
"""The demo is ready before its customers are seeded; it says this after."""

SIMULATOR_SECRETS = {
    "SIMULATOR_RAZORPAY_KEY_SECRET": "simulator_key_secret",
    "SIMULATOR_RAZORPAY_WEBHOOK_SECRET": "simulator_webhook_secret",
}
"""Those of ``batua simulate razorpay``, where nobody tells it others."""

RUNNING: list[Program] = []
"""What runs at the moment, for whoever reports a failure."""


@dataclass
class Program:
    """A running ``batua`` command."""

    process: subprocess.Popen[bytes]
    log: Path
    environ: dict[str, str]
    cwd: Path
    port: int = 0

    @property
    def base(self) -> str:
        """Where it serves, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def database_url(self) -> str:
        return self.environ["BATUA_DATABASE_URL"]

    def kill(self) -> None:
        """SIGKILL, as the power goes: to the program and to whatever it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(END_S)

    def stop(self) -> int:
        """SIGTERM, as a service is stopped; returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(END_S)

    def secrets(self) -> dict[str, str]:
        """What a demo made up for its database."""
        path = self.cwd / beside_database(self.database_url, "secret")
        return dict(line.split("=", 1) for line in path.read_text().splitlines())

    def said(self) -> str:
        """All that it wrote, to standard output and standard error."""
        return self.log.read_text(errors="replace")


def clean_environ(database_url: str = "", **variables: str) -> dict[str, str]:
    """This machine's environment without its own ``BATUA_*``."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BATUA_")}
    return kept | {"BATUA_DATABASE_URL": database_url} | variables


def run_batua(
    *arguments: str, environ: Mapping[str, str], cwd: Path
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, whatever its exit status."""
    return subprocess.run(
        [*BATUA, *arguments],
        env=environ,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@contextlib.contextmanager
def running_demo(
    database_url: str, *, cwd: Path, port: int | None = None, **variables: str
) -> Iterator[Program]:
    """``batua demo``, open and seeded."""
    port = port or free_port()
    environ = clean_environ(database_url, **variables)
    arguments = ("demo", "--port", str(port), "--database-url", database_url)
    with _running(*arguments, environ=environ, cwd=cwd, port=port) as demo:
        wait_until_ready(demo, "/api/v1/health/ready", DEMO_IS_OPEN)
        yield demo


@contextlib.contextmanager
def running_serve(
    database_url: str,
    *,
    cwd: Path,
    port: int | None = None,
    with_worker: bool = False,
    workers: int = 1,
    **variables: str,
) -> Iterator[Program]:
    """``batua serve`` on a migrated database, ready."""
    port = port or free_port()
    told = ("--with-worker",) if with_worker else ()
    arguments = ("serve", "--port", str(port), "--workers", str(workers), *told)
    environ = clean_environ(database_url, **variables)
    with _running(*arguments, environ=environ, cwd=cwd, port=port) as server:
        wait_until_ready(server, "/api/v1/health/ready")
        yield server


@contextlib.contextmanager
def running_worker(database_url: str, *, cwd: Path, **variables: str) -> Iterator[Program]:
    """``batua worker``. It serves nothing, so nobody can tell when it is ready."""
    with _running("worker", environ=clean_environ(database_url, **variables), cwd=cwd) as worker:
        yield worker


@contextlib.contextmanager
def running_simulator(
    *, cwd: Path, webhook_url: str | None = None, port: int | None = None
) -> Iterator[Program]:
    """``batua simulate razorpay`` with its default keys. Its books end with it."""
    port = port or free_port()
    told = ("--webhook-url", webhook_url) if webhook_url else ()
    arguments = ("simulate", "razorpay", "--port", str(port), *told)
    with _running(*arguments, environ=clean_environ(), cwd=cwd, port=port) as simulator:
        wait_until_ready(simulator, "/_control/payments")
        yield simulator


def gateway_at(simulator: Program) -> dict[str, str]:
    """The settings of a shop whose Razorpay is this simulator."""
    return {
        "BATUA_RAZORPAY_KEY_ID": "rzp_test_simulator",
        "BATUA_RAZORPAY_KEY_SECRET": "simulator_key_secret",
        "BATUA_RAZORPAY_WEBHOOK_SECRET": "simulator_webhook_secret",
        "BATUA_RAZORPAY_BASE_URL": simulator.base,
    }


@contextlib.contextmanager
def _running(
    *arguments: str, environ: dict[str, str], cwd: Path, port: int = 0
) -> Iterator[Program]:
    log = cwd / f"{arguments[0]}-{port or free_port()}-{time.time_ns()}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*BATUA, *arguments],
            env=environ,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,  # its own group, so that kill also meets its children
        )
    program = Program(process, log, environ, cwd, port)
    RUNNING.append(program)
    try:
        yield program
    except BaseException as error:
        error.add_note(f"{' '.join(arguments)} said:\n{program.said()[-6000:]}")
        raise
    finally:
        RUNNING.remove(program)
        program.kill()
    if arguments[0] != "simulate":  # it prints the settings of its gateway
        assert not (leaked := _leaked(program)), f"its log has the values of {leaked}"


def _leaked(program: Program) -> list[str]:
    """The secrets that a program was given, or has made up, and told in its log."""
    told = dict(program.environ)
    with contextlib.suppress(OSError, ValueError):
        told |= program.secrets()
    told.pop("DEMO_STAFF_PASSWORD", None)  # for whoever tries the demo
    said = program.said()
    return [
        name
        for name, value in told.items()
        if name.startswith(("BATUA_", "SIMULATOR_"))
        and name.endswith(("SECRET", "TOKEN", "ENCRYPTION_KEY"))
        and len(value) >= SECRET_LENGTH_MIN
        and value in said
    ]


def wait_until_ready(program: Program, path: str, says: str = "") -> None:
    """Until it answers 200 at ``path``, and has written what it ``says``."""
    deadline = time.monotonic() + READY_S
    with httpx.Client(base_url=program.base, trust_env=False, verify=False, timeout=2) as http:
        while True:
            if program.process.poll() is not None:
                raise RuntimeError(f"it ended with {program.process.returncode} before it served")
            with contextlib.suppress(httpx.HTTPError):
                if http.get(path).status_code == 200 and says in program.said():
                    return
            if time.monotonic() > deadline:
                raise TimeoutError(f"not ready within {READY_S} s")
            time.sleep(0.02)
