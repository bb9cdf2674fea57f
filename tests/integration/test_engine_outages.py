"""The only writer of money, and a database that goes away."""

# An operation is handed the book whether it looks at it or not.
# ruff: noqa: ARG002

from __future__ import annotations

import asyncio
from functools import partial

import asyncpg
import pytest

from batua.clock import new_id
from batua.errors import (
    CommitUnknown,
    InsufficientFunds,
    NotFound,
    TryAgain,
)
from batua.ledger import (
    CaptureHold,
    Engine,
    Posted,
    PostTransfer,
)
from tests.support.engine import (
    assert_chain_holds,
    at_once,
    breaks_a_constraint,
    edit,
    holding_the_lock,
)
from tests.support.ledger import (
    ASHA,
    BANK,
    RAVI,
    TABLES,
    accounts,
    balances,
    lose,
    movement,
)
from tests.support.proxy import Cut, CuttingProxy

# --- a database that goes away ------------------------------------------------------------------


@pytest.fixture
async def proxy(postgres_url):
    async with CuttingProxy(postgres_url) as proxy:
        yield proxy


@pytest.fixture
async def far(proxy, open_more, clock):
    """An engine whose PostgreSQL is behind ``proxy``."""
    database = await open_more(proxy.url, pool_size=2)
    engine = Engine(database, TABLES, now=clock.now)
    yield engine
    await engine.close()


@pytest.fixture(params=["in one statement", "under the lock"])
def lose_next(request, far, proxy):
    """Lose the next thing that commits, in either way that there is."""
    return partial(lose, far, proxy, in_one=request.param == "in one statement")


async def test_a_postgres_that_is_down_says_try_again_and_later_it_works(far, proxy):
    await far.submit(PostTransfer(movement(amount=100)))
    await proxy.down()
    answers = await at_once(far, *(PostTransfer(movement(amount=1)) for _ in range(5)))
    assert {type(answer) for answer in answers} == {TryAgain}
    assert {answer.code for answer in answers} == {"database_unavailable"}
    await proxy.up()
    assert (await far.submit(PostTransfer(movement(amount=1)))).seq == 2


async def test_a_session_that_was_ended_and_has_not_hung_up_yet_says_try_again(
    far, proxy, postgres_url
):
    await far.submit(PostTransfer(movement(amount=100)))
    await far.submit(PostTransfer(movement(amount=100)))
    proxy.linger()
    await edit(
        postgres_url,
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where application_name = 'batua' and datname = current_database()",
    )
    await asyncio.sleep(0.1)
    for far._is_alone in (True, False):
        with pytest.raises(TryAgain) as refused:
            await far.submit(PostTransfer(movement(amount=1)))
        assert refused.value.code == "database_unavailable"
    proxy.release()
    await asyncio.sleep(0.1)
    assert (await far.submit(PostTransfer(movement(amount=1)))).seq == 3


async def test_a_loop_that_ends_leaves_nobody_waiting_for_an_answer(engine, monkeypatch):
    reached, never = asyncio.Event(), asyncio.Event()

    async def hang(*_args, **_options):
        reached.set()
        await never.wait()

    monkeypatch.setattr(engine, "_run", hang)
    begun = asyncio.create_task(engine.submit(PostTransfer(movement(amount=1))))
    await reached.wait()
    queued = asyncio.create_task(engine.submit(PostTransfer(movement(amount=1))))
    await asyncio.sleep(0)
    assert engine.queued == 1
    engine._runner.cancel()
    async with asyncio.timeout(5):
        answers = await asyncio.gather(begun, queued, return_exceptions=True)
    assert [(type(answer), getattr(answer, "code", "")) for answer in answers] == [
        (CommitUnknown, ""),
        (TryAgain, "overloaded"),
    ]
    monkeypatch.undo()
    assert (await engine.submit(PostTransfer(movement(amount=1)))).seq == 1


@pytest.mark.parametrize("in_one", [True, False])
async def test_a_postgres_that_is_full_says_try_again_and_later_it_works(far, postgres_url, in_one):
    await edit(
        postgres_url,
        "create function full_disk() returns trigger language plpgsql as"
        " $$ begin raise exception 'the disk is full' using errcode = '53100'; end $$;"
        " create trigger full_disk before insert on batua_transfer execute function full_disk()",
    )
    far._is_alone = in_one
    answers = await at_once(far, *(PostTransfer(movement(amount=1)) for _ in range(3)))
    assert {getattr(answer, "code", answer) for answer in answers} == {"database_unavailable"}
    await edit(postgres_url, "drop trigger full_disk on batua_transfer")
    assert (await far.submit(PostTransfer(movement(amount=1)))).seq == 1


async def test_a_sqlite_that_stays_locked_says_try_again_and_later_it_works(
    sqlite_url, open_more, clock
):
    database, other = await open_more(sqlite_url), await open_more(sqlite_url)
    engine = Engine(database, TABLES, now=clock.now)
    await database._writer.run(lambda connection: connection.execute("pragma busy_timeout = 20"))
    async with holding_the_lock(other):
        answers = await at_once(engine, *(PostTransfer(movement(amount=1)) for _ in range(5)))
    assert {type(answer) for answer in answers} == {TryAgain}
    assert (await engine.submit(PostTransfer(movement(amount=1)))).seq == 1
    await engine.close()


@pytest.mark.parametrize("cut", [Cut.BEFORE, Cut.AFTER])
@pytest.mark.parametrize("times", [1, 3])
async def test_a_lost_commit_has_one_effect_and_one_answer(
    far, lose_next, proxy, open_more, postgres_url, cut, times
):
    await far.submit(PostTransfer(movement(amount=100)))
    lose_next(cut, times=times)
    answer = await far.submit(PostTransfer(movement(amount=5)))
    assert proxy.met.is_set()
    assert answer.seq == 2
    assert await balances(await open_more(postgres_url)) == {
        BANK.key: (-105, 0), ASHA.key: (105, 0),
    }  # fmt: skip


@pytest.mark.parametrize("cut", [Cut.BEFORE, Cut.AFTER])
async def test_a_lost_commit_of_a_group_has_every_effect_once(
    far, lose_next, open_more, postgres_url, cut
):
    lose_next(cut)
    answers = await at_once(
        far,
        *(PostTransfer(movement(amount=1)) for _ in range(20)),
        PostTransfer(movement(ASHA, RAVI, 1000)),
    )
    assert isinstance(answers.pop(), InsufficientFunds)
    assert [answer.seq for answer in answers] == list(range(1, 21))
    database = await open_more(postgres_url)
    assert await balances(database) == {BANK.key: (-20, 0), ASHA.key: (20, 0)}
    assert await assert_chain_holds(database) == 20


async def test_what_reaches_the_server_after_it_was_decided_again_writes_nothing(
    far, proxy, open_more, postgres_url
):
    await far.submit(PostTransfer(movement(amount=100)))
    lose(far, proxy, Cut.LATE, in_one=True)
    first = PostTransfer(movement(amount=5))
    assert (await far.submit(first)).seq == 2
    assert (await far.submit(PostTransfer(movement(amount=7)))).seq == 3

    proxy.release()
    await proxy.answered.wait()

    assert (await far.submit(first)).seq == 2
    database = await open_more(postgres_url)
    assert await balances(database) == {BANK.key: (-112, 0), ASHA.key: (112, 0)}
    assert await assert_chain_holds(database) == 3


async def test_a_lost_commit_beside_an_operation_that_breaks_a_constraint(
    far, lose_next, open_more, postgres_url
):
    class OnlyOnce:
        """Stages what is fine at first and breaks a constraint the second time."""

        runs = 0

        def needs(self, book):
            return accounts(BANK, RAVI)

        def decide(self, book):
            self.runs += 1
            return breaks_a_constraint(book) if self.runs > 1 else None

    lose_next(Cut.AFTER)
    good, bad = await at_once(far, PostTransfer(movement(amount=1)), OnlyOnce())
    assert good.seq == 1
    assert isinstance(bad, asyncpg.CheckViolationError)
    assert await balances(await open_more(postgres_url)) == {BANK.key: (-1, 0), ASHA.key: (1, 0)}


@pytest.mark.parametrize("size", [1, 3])
async def test_a_commit_that_nobody_can_ask_about_stays_unknown(
    far, lose_next, proxy, open_more, postgres_url, size
):
    near = await open_more(postgres_url)
    for turn in range(TURNS):  # a busy machine may let the engine ask before the server is gone
        operations = [PostTransfer(movement(amount=1)) for _ in range(size)]
        lose_next(Cut.AFTER)
        work = asyncio.create_task(at_once(far, *operations))
        await proxy.met.wait()
        while await credited(near) != size * (turn + 1):  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0.005)
        await proxy.down()
        answers = await work
        await proxy.up()
        if not all(isinstance(answer, Posted) for answer in answers):
            break
    assert {type(answer) for answer in answers} == {CommitUnknown}, (
        "TryAgain would say that nothing happened, and it did"
    )
    again = await at_once(far, *operations)
    assert [answer.seq for answer in again] == list(range(size * turn + 1, size * (turn + 1) + 1))
    assert await credited(near) == size * (turn + 1)


TURNS = 5


async def credited(database):
    return (await balances(database)).get(ASHA.key, (0, 0))[0]


async def test_a_commit_that_comes_back_as_a_refusal_is_refused(far, proxy):
    far._is_alone = False
    unknown = CaptureHold(movement(ASHA, RAVI, 1, id=new_id("hld")))
    proxy.arm(Cut.BEFORE)
    with pytest.raises(NotFound):
        await far.submit(unknown)
