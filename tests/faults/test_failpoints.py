"""Fail at the Nth await around money, for every N: killed, with an exception, cancelled.

A clean run of the whole job counts the awaits. Then the job is run again for each of them, broken
there, taken up again with the same keys, and must end as the clean one did. ``make test`` takes a
seeded sample of the places, ``make soak`` takes them all.
"""

import asyncio
import os
import random
import re
import shutil
import signal
import sys
from itertools import count
from pathlib import Path

import pytest

import batua
from batua.failpoints import NAMES, Action, Failpoint, FailpointReached, arm, parse, reach
from tests.support.clock import START, FakeClock
from tests.support.failing import STEPS, outcome, take_up
from tests.support.provider import open_provider
from tests.support.shop import open_shop

NEVER = 10**9
SAMPLE = 5
SEED = 20261123


async def the_job(new_database, failpoint):
    """Do all of it; with a failpoint armed, break there and go on."""
    url = new_database()
    async with (
        open_provider() as provider,
        open_shop(url, FakeClock(START), provider=provider) as shop,
    ):
        with arm(failpoint):
            for step in STEPS:
                await take_up(shop, step)
        return await outcome(shop)


def places(total):
    """All passes in soak; a seeded sample of them in a test."""
    every = range(1, total + 1)
    if os.environ.get("BATUA_TEST_SOAK"):
        return list(every)
    return sorted(random.Random(SEED).sample(every, min(SAMPLE, total)))


@pytest.fixture
def new_database(request, dialect_name, tmp_path):
    """Makes fresh migrated databases, of one engine."""
    number = count()
    if dialect_name == "sqlite":
        template = request.getfixturevalue("_migrated_file")
        yield lambda: f"sqlite:///{shutil.copy(template, tmp_path / f'{next(number)}.sqlite')}"
        return
    server, made = request.getfixturevalue("postgres_server"), []

    def create():
        made.append(server.create())
        return made[-1]

    yield create
    for url in made:
        server.drop(url)


@pytest.fixture
async def clean(new_database):
    """How it ends when nothing goes wrong, and which failpoints it passes."""
    counting = Failpoint(Action.RAISE, NEVER)
    return await the_job(new_database, counting), counting.passed


async def test_the_job_passes_every_failpoint_there_is(clean):
    ended, passed = clean
    assert set(passed) == set(NAMES)
    assert ended["waiting"] == []
    assert set(ended["orders"].values()) == {"paid", "partially_refunded"}
    assert all(held == 0 for _, held in ended["accounts"].values())


@pytest.mark.parametrize("action", [Action.RAISE, Action.CANCEL])
async def test_broken_anywhere_it_ends_the_same(new_database, clean, action):
    ended, passed = clean
    for at in places(len(passed)):
        failpoint = Failpoint(action, at)
        assert await the_job(new_database, failpoint) == ended, f"{action} at pass {at}"
        assert len(failpoint.passed) >= at, "it was reached"


async def test_killed_anywhere_it_ends_the_same(new_database, clean):
    ended, passed = clean
    for at in places(len(passed)):
        url = new_database()
        async with open_provider() as provider:
            ended_with, said = await run_child(url, provider, f"kill@{at}")
            assert ended_with == -signal.SIGKILL, (at, said)
            clock = FakeClock(START)
            clock.advance(31)
            async with open_shop(url, clock, provider=provider) as shop:
                for step in STEPS:
                    await take_up(shop, step)
                assert await outcome(shop) == ended, f"killed at pass {at} ({passed[at - 1]})"


async def run_child(url, provider, failpoint):
    """The job in a process of its own; returns how it ended and what it said."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.failing",
        url, provider.base, provider.environ["BATUA_RAZORPAY_BASE_URL"],
        env={**os.environ, "BATUA_TEST_FAILPOINT": failpoint},
        cwd=Path(__file__).parents[2],
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(60):
        _, said = await child.communicate()
    return child.returncode, said.decode()[-2000:]


# --- the failpoints themselves ------------------------------------------------------------------


def test_every_failpoint_is_in_the_list_and_every_name_in_the_code():
    root = Path(batua.__file__).parent
    found = {
        name
        for path in root.rglob("*.py")
        for name in re.findall(r'\breach\("([a-z.]+)"\)', path.read_text(encoding="utf-8"))
    }
    assert found == set(NAMES)


def test_what_can_be_armed_is_said_when_something_else_is():
    assert parse("") is None
    assert parse("kill@3") == Failpoint(Action.KILL, 3)
    assert parse("inbox.stored:raise@1") == Failpoint(Action.RAISE, 1, "inbox.stored")
    for text in ("nowhere:kill@1", "explode@1", "kill"):
        with pytest.raises(ValueError, match=r"nowhere|explode|invalid literal"):
            parse(text)


def test_one_name_is_counted_alone():
    with arm(Failpoint(Action.RAISE, 2, "inbox.stored")) as armed:
        reach("database.asking")
        reach("inbox.stored")
        with pytest.raises(FailpointReached, match=r"inbox\.stored, pass 2"):
            reach("inbox.stored")
    reach("inbox.stored")
    assert armed.passed == ["inbox.stored"] * 2
