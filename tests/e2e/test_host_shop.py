"""The host of ``examples/host-shop``: customers buy with the wallet, and it is killed meanwhile.

Whatever it was doing when it was killed: once it runs again, every order that its customer pays is
paid once, marked paid by the hook, and shipped once.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from batua.bootstrap import open_batua
from batua.ledger.proof import prove
from batua.settings import read_settings
from batua_api.auth import Role, Scope, issue_token
from tests.support.ports import free_port
from tests.support.processes import (
    Program,
    clean_environ,
    wait_until_ready,
)

ROOT = Path(__file__).parents[2] / "examples" / "host-shop"
PRICE = 30_000
GIVEN = 1_000_000_000
POINTS = ("database.asking", "database.answered", "database.committing", "database.committed")
SECRET = "5e" * 32
ENGINES = ("sqlite", "postgres")
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@contextlib.contextmanager
def host(environ, log, failpoint=""):
    """The host, until the block ends or its failpoint kills it."""
    port = free_port()
    variables = environ | ({"BATUA_TEST_FAILPOINT": failpoint} if failpoint else {})
    command = [sys.executable, "-m", "uvicorn", "--factory", "host_shop.app:create_app"]
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*command, "--port", str(port), "--log-level", "warning"],
            cwd=ROOT, env=variables, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    program = Program(process, log, variables, ROOT, port)
    try:
        yield program
    except BaseException as error:
        error.add_note(program.said()[-4000:])
        raise
    finally:
        program.kill()


@contextlib.contextmanager
def signed_in(program):
    with httpx.Client(base_url=program.base, trust_env=False, timeout=10) as http:
        login = http.post("/login", json={"user": "asha", "password": "asha's password"})
        assert login.status_code == 204, login.text
        http.get("/products").raise_for_status()
        http.headers["x-csrftoken"] = http.cookies["csrftoken"]
        yield http


def staff(environ):
    """What staff show: a token of Batua's own, which no login of the host's can make."""
    settings = read_settings(environ)
    token = issue_token(settings, "fay", Scope.STAFF, Role.FINANCE, ttl=timedelta(hours=1))
    return {"Authorization": f"Bearer {token}"}


def buy_and_pay(http):
    """One more order, and every one that is not paid: as a customer does who saw an error."""
    http.post("/orders", json={"product": "tea"}).raise_for_status()
    pay_all(http)


def pay_all(http):
    for order in http.get("/orders").raise_for_status().json():
        if order["status"] == "pending":
            assert http.post(f"/orders/{order['id']}/pay").status_code == 202


def until_marked(http):
    """Until the hook has marked every order; returns them."""
    deadline = time.monotonic() + 20
    while True:
        orders = http.get("/orders").json()
        if all(order["status"] == "paid" for order in orders):
            return orders
        assert time.monotonic() < deadline, orders
        time.sleep(0.05)


async def tell_again(environ):
    """Replay every event, wait until the host has heard it, and prove the ledger beside it."""
    async with open_batua(read_settings(environ), {}) as batua:
        told = await batua.listeners.replay("hook:order.paid", since=LONG_AGO)
        async with asyncio.timeout(20):
            while (await batua.listeners.list())[0]["waiting"]:  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
        assert (await prove(batua.database)).is_sound
        return told


@pytest.mark.parametrize(
    ("engine", "kills"),
    [("sqlite", 2), *(pytest.param(each, 40, marks=pytest.mark.soak) for each in ENGINES)],
)
def test_a_host_that_is_killed_marks_each_order_paid_exactly_once(request, tmp_path, engine, kills):
    database_url = request.getfixturevalue(f"{engine}_url")
    environ = clean_environ(
        database_url,
        BATUA_JWT_SECRET="x" * 32,
        BATUA_HOOK_TIMEOUT_S="0.5",
        BATUA_APPROVAL_LIMIT=str(GIVEN),
        HOST_SHOP_SECRET=SECRET,
        HOST_SHOP_DATABASE=str(tmp_path / "host.sqlite"),
    )
    log, by_staff = tmp_path / "host.log", staff(environ)
    chosen = random.Random(19)
    with host(environ, log) as program:
        wait_until_ready(program, "/health/ready")
        with httpx.Client(base_url=program.base, trust_env=False, timeout=10) as http:
            given = http.post(
                "/api/v1/customers/asha/adjustments",
                json={"amount": GIVEN, "currency": "INR", "direction": "credit",
                      "reason_code": "goodwill", "note": ""},
                headers={**by_staff, "Idempotency-Key": "opening"},
            )  # fmt: skip
            assert given.status_code == 201, given.text
        with signed_in(program) as http:
            # One login for both: the wallet is the host's customer's, and nobody is staff by it.
            assert http.get("/api/v1/wallet").json()["available"] == GIVEN
            assert http.get("/api/v1/customers/asha/wallet").status_code == 403
            buy_and_pay(http)
            time.sleep(chosen.uniform(0, 0.02))
    # The block's end was the first kill.
    for _ in range(kills - 1):
        failpoint = f"{chosen.choice(POINTS)}:kill@{chosen.randint(5, 30)}"
        with host(environ, log, failpoint) as program:
            with contextlib.suppress(httpx.TransportError, RuntimeError):
                wait_until_ready(program, "/health/ready")
                with signed_in(program) as http:
                    while True:
                        buy_and_pay(http)
            # By its failpoint, not yet by the block's end.
            assert program.process.wait(10) == -signal.SIGKILL
    with host(environ, log) as program:
        wait_until_ready(program, "/health/ready")
        with signed_in(program) as http:
            buy_and_pay(http)
            orders = until_marked(http)
            assert len(orders) >= 2
            assert [order["shipments"] for order in orders] == [1] * len(orders)
            left = http.get("/api/v1/wallet").json()["available"]
            assert left == GIVEN - PRICE * len(orders)
            # Told again, all of it: the ids are known, and nothing goes out twice.
            assert asyncio.run(tell_again(environ)) == len(orders)
            assert http.get("/orders").json() == orders
