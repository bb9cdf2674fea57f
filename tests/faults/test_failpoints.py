"""Fail at the Nth await around money, for every N: killed, with an exception, cancelled.

A clean run of the whole job counts the awaits. Then the job is run again for each of them, broken
there, taken up again with the same keys, and must end as the clean one did. All of that twice: with
an engine that is alone, and beside another writer. ``make test`` takes a seeded sample of the
places, ``make soak`` takes them all; ``-s`` says how many there are.
"""

import asyncio
import os
import random
import re
import shutil
import signal
import sys
from collections import Counter
from itertools import count
from pathlib import Path

import pytest

import batua
from batua.failpoints import NAMES, Action, Failpoint, FailpointReached, arm, parse, reach
from tests.support.clock import START, FakeClock
from tests.support.failing import (
    STEPS,
    open_path,
    outcome,
    take_up,
    take_up_killed,
    three_at_once,
)
from tests.support.provider import open_provider

NEVER = 10**9
SAMPLE = 2
SEED = 20261123
PATHS = ("alone", "crowded")
MISSED_MAX = 0.02
"""Of all places. What the worker does side by side passes now a few more and now a few less."""
SHARE, SHARES = map(int, os.environ.get("BATUA_TEST_SHARE", "0/1").split("/"))
"""One in ``SHARES`` of all places, from the one after ``SHARE``: for several processes at once."""

ENDED = {}
"""How the job ends when nothing goes wrong, and what it passes, by engine and path."""


class NotReached(Exception):
    """This time the job had less places."""


async def the_job(new_database, path, failpoint):
    """Do all of it; with a failpoint armed, break there and go on."""
    async with (
        open_provider() as provider,
        open_path(path, new_database(), FakeClock(START), provider) as shop,
    ):
        with arm(failpoint):
            for step in STEPS:
                await take_up(shop, step)
        if len(failpoint.passed) < failpoint.at != NEVER:
            raise NotReached
        return await outcome(shop)


async def the_job_killed(children, new_database, path, at):
    """Do it in a process that is killed, and go on in this one."""
    url = new_database()
    async with open_provider() as provider:
        ended_with = await children.run(f"kill@{at}", path, url, provider)
        if ended_with == 0:
            raise NotReached
        assert ended_with == -signal.SIGKILL, children.said()
        async with open_path(path, url, FakeClock(START), provider) as shop:
            await take_up_killed(shop)
            return await outcome(shop)


def places(passed, *words):
    """All passes in soak; in a test a sample of them, seeded by ``words``."""
    every = range(1, len(passed) + 1)
    if os.environ.get("BATUA_TEST_SOAK"):
        return list(every[SHARE::SHARES])
    return sorted(random.Random(f"{SEED} {words}").sample(every, SAMPLE))


async def broken_places(clean, words, job):
    """Where the job was broken and then ended otherwise than the clean one, and how."""
    ended, passed = clean
    wrong, missed, tried = {}, 0, places(passed, *words)
    for at in tried:
        try:
            differs = unlike(await job(at), ended)
        except NotReached:
            missed += 1
            continue
        except Exception as error:  # the other places are of interest too: soak takes hours
            differs = repr(error)
        if differs:
            wrong[f"pass {at} of {len(passed)}, {passed[at - 1]}"] = differs
    print(*words, f"broke the job at {len(tried) - missed} of {len(passed)} places")
    assert missed <= MISSED_MAX * len(tried), f"{missed} of {len(tried)} were not reached"
    return wrong


def unlike(found, wanted):
    """What differs, by its name."""
    return {name: (found[name], wanted[name]) for name in wanted if found[name] != wanted[name]}


@pytest.fixture(params=PATHS)
def path(request):
    """Whether the engine is alone, or somebody else writes before each of its groups."""
    return request.param


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
        # The one before is done with: thousands of them would fill the disk.
        while made:
            server.drop(made.pop())
        made.append(server.create())
        return made[-1]

    yield create
    for url in made:
        server.drop(url)


@pytest.fixture
async def clean(new_database, dialect_name, path):
    """How it ends when nothing goes wrong, and which failpoints it passes."""
    if (dialect_name, path) not in ENDED:
        counting = Failpoint(Action.RAISE, NEVER)
        ended = await the_job(new_database, path, counting)
        ENDED[dialect_name, path] = ended, counting.passed
    return ENDED[dialect_name, path]


async def test_the_job_passes_every_failpoint_there_is(clean):
    ended, passed = clean
    assert set(passed) == set(NAMES)
    assert ended["waiting"] == []
    assert set(ended["orders"].values()) == {"paid", "partially_refunded", "cancelled"}
    assert {status for _, _, status in ended["holds"]} == {"captured", "voided", "expired"}
    assert all(held == 0 for _, held in ended["accounts"].values())
    assert {status for _, status, _ in ended["keys"]} == {"finished"}


async def test_the_job_takes_the_path_that_is_meant(clean, path):
    times = Counter(clean[1])
    transactions = times["database.begun"] - times["database.rolled_back"]
    by_themselves = times["database.committed"] - transactions
    print(f"{path}: {len(clean[1])} places, {dict(times)}")
    if path == "alone":
        assert by_themselves > 40, "groups are written by one statement each"
    else:
        assert by_themselves == 0, "no group is written without the lock"
        assert transactions > 60


async def test_taps_at_once_are_one_group(new_database, path):
    counting = Failpoint(Action.RAISE, NEVER)
    async with (
        open_provider() as provider,
        open_path(path, new_database(), FakeClock(START), provider) as shop,
    ):
        with arm(counting):
            await three_at_once(shop)
    assert counting.passed.count("database.committed") == 2, "what they need, and the three"


@pytest.mark.parametrize("action", [Action.RAISE, Action.CANCEL])
async def test_broken_anywhere_it_ends_the_same(new_database, dialect_name, path, clean, action):
    async def job(at):
        return await the_job(new_database, path, Failpoint(action, at))

    wrong = await broken_places(clean, (dialect_name, path, action), job)
    assert not wrong, f"{len(wrong)} places"


async def test_killed_anywhere_it_ends_the_same(children, new_database, dialect_name, path, clean):
    async def job(at):
        return await the_job_killed(children, new_database, path, at)

    wrong = await broken_places(clean, (dialect_name, path, Action.KILL), job)
    assert not wrong, f"{len(wrong)} places"


class Children:
    """Processes that do the job, forked one after another from one that has imported all."""

    def __init__(self, parent, errors):
        self._parent = parent
        self._errors = errors

    async def run(self, failpoint, path, url, provider):
        """How the job ended: 0, or less than that if it was killed."""
        proxied = provider.environ["BATUA_RAZORPAY_BASE_URL"]
        words = (failpoint, path, url, provider.base, proxied)
        self._parent.stdin.write(f"{' '.join(words)}\n".encode())
        async with asyncio.timeout(60):
            return int(await self._parent.stdout.readline())

    def said(self):
        """The end of what they wrote to their standard error."""
        return self._errors.read_text()[-2000:]


@pytest.fixture
async def children(tmp_path):
    errors = tmp_path / "errors"
    with errors.open("w") as file:
        parent = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.support.failing",
            cwd=Path(__file__).parents[2],
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=file,
            start_new_session=True,
        )  # fmt: skip
    yield Children(parent, errors)
    # With whichever child has not come to its end.
    os.killpg(parent.pid, signal.SIGKILL)
    await parent.wait()


# --- the failpoints themselves ------------------------------------------------------------------


def test_every_failpoint_is_in_the_list_and_every_name_in_the_code():
    root = Path(batua.__file__).parent
    found = {
        name
        for path in root.rglob("*.py")
        for name in re.findall(r'\breach\("([a-z._]+)"\)', path.read_text(encoding="utf-8"))
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
