"""One request, one effect, one answer, stored with the effect itself."""

# An operation is handed the book whether it looks at it or not.
# ruff: noqa: ARG002

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, dataclass, replace

import pytest

from batua.errors import (
    Conflict,
    IdempotencyConflict,
    InProgress,
    InsufficientFunds,
    InvariantViolated,
    TryAgain,
)
from batua.ledger import Begun, Claim, Claimed, Engine, Finished, PostTransfer, StoredAnswer
from batua.ledger.idempotency import LEASE_S, claim_id
from tests.support.ledger import ASHA, BANK, RAVI, REVENUE, TABLES, balances, movement


@pytest.fixture
async def engine(database, clock):
    engine = Engine(database, TABLES, now=clock.now)
    yield engine
    await engine.close()


def claim(key="key-1", *, principal="asha", route="POST /top-ups", fingerprint="f1"):
    return Claim(
        principal=principal,
        route=route,
        key=key,
        fingerprint=fingerprint,
        render=lambda answer: (201, json.dumps(answer, ensure_ascii=False, default=asdict) + "\n"),
        render_refusal=lambda refusal: (422, json.dumps({"code": refusal.code})),
    )


@dataclass(frozen=True)
class Answers:
    """Touches no money: answers, or raises."""

    answer: object

    def needs(self, book):
        return ()

    def decide(self, book):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@dataclass(frozen=True)
class PostsThen:
    """Posts, and then refuses: what it posted must go."""

    movement: object
    refusal: Exception

    def needs(self, book):
        return PostTransfer(self.movement).needs(book)

    def decide(self, book):
        PostTransfer(self.movement).decide(book)
        raise self.refusal


async def rows_of(database):
    return [dict(row) for row in await database.fetch("select * from batua_idempotency")]


# --- all at once --------------------------------------------------------------------------------


async def test_the_same_key_gets_the_same_answer_byte_for_byte(engine, database, clock):
    first = await engine.submit(Claimed(Answers({"name": "आशा", "amount": 5}), claim()))
    clock.advance(3600)
    again = await engine.submit(Claimed(Answers("something else by now"), claim()))
    assert first == StoredAnswer(201, '{"name": "आशा", "amount": 5}\n', replayed=False)
    assert again == replace(first, replayed=True)
    (row,) = await rows_of(database)
    assert (row["status"], row["principal"], row["key"]) == ("finished", "asha", "key-1")


async def test_the_effect_happens_once(engine, database):
    for _ in range(3):
        answer = await engine.submit(Claimed(PostTransfer(movement(amount=10)), claim()))
        assert json.loads(answer.body)["seq"] == 1
    assert await balances(database) == {BANK.key: (-10, 0), ASHA.key: (10, 0)}


async def test_another_request_under_the_same_key_is_a_conflict(engine, database):
    await engine.submit(Claimed(PostTransfer(movement(amount=10)), claim()))
    with pytest.raises(IdempotencyConflict, match="'key-1' was used before") as refused:
        await engine.submit(Claimed(PostTransfer(movement(amount=20)), claim(fingerprint="f2")))
    assert refused.value.code == "idempotency_key_reused"
    assert await balances(database) == {BANK.key: (-10, 0), ASHA.key: (10, 0)}


async def test_a_key_belongs_to_one_principal_and_one_route(engine, database):
    claims = [claim(), claim(principal="ravi"), claim(route="POST /orders"), claim("key-2")]
    for each in claims:
        await engine.submit(Claimed(PostTransfer(movement(amount=10)), each))
    assert await balances(database) == {BANK.key: (-40, 0), ASHA.key: (40, 0)}
    assert len(await rows_of(database)) == 4


def test_parts_of_a_claim_can_not_be_shifted_into_each_other():
    assert len({claim_id("a", "b", "c"), claim_id("ab", "", "c"), claim_id("a", "bc", ""),
                claim_id("", "ab", "c")}) == 4  # fmt: skip
    assert claim().id == claim_id("asha", "POST /top-ups", "key-1")
    assert len(claim().id) == 64


async def test_a_hundred_at_once_have_one_effect_and_one_answer(
    database_url, database, open_more, clock
):
    racing = [Engine(each, TABLES, now=clock.now)
              for each in (database, await open_more(database_url))]  # fmt: skip
    answers = await asyncio.gather(
        *(
            racing[n % 2].submit(Claimed(PostTransfer(movement(amount=10)), claim()))
            for n in range(100)
        )
    )
    assert len({(answer.status, answer.body) for answer in answers}) == 1
    assert sum(not answer.replayed for answer in answers) == 1
    assert await balances(database) == {BANK.key: (-10, 0), ASHA.key: (10, 0)}
    for engine in racing:
        await engine.close()


async def test_a_final_refusal_is_an_answer_and_is_kept(engine, database):
    debit = PostTransfer(movement(ASHA, RAVI, 10))
    refused = await engine.submit(Claimed(debit, claim()))
    assert refused == StoredAnswer(422, '{"code": "insufficient_funds"}', replayed=False)
    assert await balances(database) == {}, "the accounts it opened are gone"
    await engine.submit(PostTransfer(movement(amount=100)))
    again = await engine.submit(Claimed(debit, claim()))
    assert again == replace(refused, replayed=True), "the money has come, the answer stays"
    assert (await engine.submit(Claimed(debit, claim("key-2")))).status == 201


async def test_a_final_refusal_after_a_post_keeps_the_answer_and_not_the_post(engine, database):
    operation = PostsThen(movement(amount=10), Conflict("wallet_frozen", "It is frozen."))
    answer = await engine.submit(Claimed(operation, claim()))
    assert answer.body == '{"code": "wallet_frozen"}'
    assert await balances(database) == {}
    assert (await rows_of(database))[0]["response_status"] == 422


async def test_a_refusal_that_may_pass_is_not_kept(engine, database):
    with pytest.raises(TryAgain):
        await engine.submit(Claimed(PostsThen(movement(), TryAgain("busy", "Later.")), claim()))
    assert await rows_of(database) == []
    assert (await engine.submit(Claimed(PostTransfer(movement(amount=10)), claim()))).status == 201


async def test_a_bug_keeps_nothing(engine, database):
    with pytest.raises(ZeroDivisionError):
        await engine.submit(Claimed(Answers(ZeroDivisionError()), claim()))
    assert await rows_of(database) == []


async def test_an_answer_that_is_no_longer_kept_is_said_to_be_gone(engine, database):
    await engine.submit(Claimed(PostTransfer(movement(amount=10)), claim()))
    async with database.transaction() as transaction:
        await transaction.execute("update batua_idempotency set response_body = null")
    with pytest.raises(Conflict, match="30 days") as refused:
        await engine.submit(Claimed(PostTransfer(movement(amount=10)), claim()))
    assert refused.value.code == "key_expired"
    assert await balances(database) == {BANK.key: (-10, 0), ASHA.key: (10, 0)}


# --- in two steps -------------------------------------------------------------------------------


async def test_begun_then_finished_is_answered_and_replayed(engine, database):
    begun = await engine.submit(Begun(Answers("started"), claim(), "top_1"))
    assert begun == "started"
    (row,) = await rows_of(database)
    assert (row["status"], row["subject"]) == ("in_progress", "top_1")
    finished = await engine.submit(Finished(PostTransfer(movement(amount=10)), claim()))
    assert (finished.status, finished.replayed) == (201, False)
    again = await engine.submit(Begun(Answers("started again"), claim(), "top_2"))
    assert again == replace(finished, replayed=True)
    assert await balances(database) == {BANK.key: (-10, 0), ASHA.key: (10, 0)}


async def test_the_first_step_has_its_effect_with_the_key(engine, database):
    await engine.submit(Begun(PostTransfer(movement(amount=10)), claim(), "top_1"))
    for resume in (False, True):
        with pytest.raises(InProgress):
            await engine.submit(
                Begun(PostTransfer(movement(amount=10)), claim(), "top_2", resume=resume)
            )
    assert await balances(database) == {BANK.key: (-10, 0), ASHA.key: (10, 0)}


async def test_while_it_is_under_way_the_key_is_in_progress(engine, clock):
    await engine.submit(Begun(Answers("started"), claim(), "top_1"))
    clock.advance(LEASE_S - 1)
    for operation in (Begun(Answers(""), claim(), "top_2"), Claimed(Answers(""), claim())):
        with pytest.raises(InProgress) as refused:
            await engine.submit(operation)
        assert (refused.value.subject, refused.value.lease_expired) == ("top_1", False)
        assert not refused.value.is_final
    clock.advance(1)
    with pytest.raises(InProgress) as refused:
        await engine.submit(Begun(Answers(""), claim(), "top_2"))
    assert refused.value.lease_expired


async def test_an_expired_lease_is_taken_over_by_one(engine, database, clock):
    await engine.submit(Begun(Answers("started"), claim(), "top_1"))
    clock.advance(LEASE_S)
    takers = [Begun(Answers("never run"), claim(), "top_1", resume=True) for _ in range(20)]
    answers = await asyncio.gather(*map(engine.submit, takers), return_exceptions=True)
    assert answers.count(None) == 1
    others = [answer for answer in answers if answer is not None]
    assert {type(answer) for answer in others} == {InProgress}
    assert not any(answer.lease_expired for answer in others)
    assert (await rows_of(database))[0]["subject"] == "top_1"
    await engine.submit(Finished(Answers("done"), claim()))
    assert (await engine.submit(takers[0])).replayed, "who resumes too late is answered"


async def test_resuming_what_never_began_is_a_bug(engine):
    with pytest.raises(InvariantViolated, match="batua_idempotency has no row"):
        await engine.submit(Begun(Answers(""), claim(), "top_1", resume=True))
    with pytest.raises(InvariantViolated, match="batua_idempotency has no row"):
        await engine.submit(Finished(Answers(""), claim()))


async def test_another_request_is_a_conflict_while_the_first_is_under_way(engine):
    await engine.submit(Begun(Answers("started"), claim(), "top_1"))
    with pytest.raises(IdempotencyConflict):
        await engine.submit(Begun(Answers(""), claim(fingerprint="f2"), "top_2"))


async def test_a_final_refusal_of_the_first_step_is_kept(engine, database):
    refused = await engine.submit(Begun(PostTransfer(movement(ASHA, RAVI, 10)), claim(), "ord_1"))
    assert refused == StoredAnswer(422, '{"code": "insufficient_funds"}', replayed=False)
    assert await balances(database) == {}
    again = await engine.submit(Begun(Answers("started"), claim(), "ord_2"))
    assert again == replace(refused, replayed=True)


async def test_a_passing_refusal_of_the_first_step_keeps_nothing(engine, database):
    refusal = TryAgain("busy", "Later.")
    with pytest.raises(TryAgain):
        await engine.submit(Begun(PostsThen(movement(), refusal), claim(), "top_1"))
    assert await rows_of(database) == []
    assert await engine.submit(Begun(Answers("started"), claim(), "top_2")) == "started"


async def test_finished_twice_has_one_effect(engine, database):
    await engine.submit(Begun(Answers("started"), claim(), "top_1"))
    answers = await asyncio.gather(
        *(engine.submit(Finished(PostTransfer(movement(amount=10)), claim())) for _ in range(10))
    )
    assert len({answer.body for answer in answers}) == 1
    assert sum(not answer.replayed for answer in answers) == 1
    assert await balances(database) == {BANK.key: (-10, 0), ASHA.key: (10, 0)}


async def test_a_final_refusal_of_the_last_step_is_kept_and_its_effect_is_not(engine, database):
    await engine.submit(Begun(Answers("started"), claim(), "top_1"))
    refusal = Conflict("already_paid", "It is paid.")
    answer = await engine.submit(Finished(PostsThen(movement(), refusal), claim()))
    assert answer.body == '{"code": "already_paid"}'
    assert await balances(database) == {}
    assert (await engine.submit(Finished(Answers("late"), claim()))).replayed


async def test_a_passing_refusal_of_the_last_step_is_kept_nowhere_and_the_work_goes_on(
    engine, database, clock
):
    await engine.submit(Begun(Answers("started"), claim(), "top_1"))
    with pytest.raises(TryAgain):
        await engine.submit(Finished(PostsThen(movement(), TryAgain("busy", "Later.")), claim()))
    (row,) = await rows_of(database)
    assert row["response_body"] is None
    assert await balances(database) == {}
    with pytest.raises(InProgress) as refused:
        await engine.submit(Begun(Answers(""), claim(), "top_2"))
    assert refused.value.lease_expired, "it has let go, so that nobody waits for the lease"
    assert await engine.submit(Begun(Answers(""), claim(), "top_1", resume=True)) is None
    assert (
        await engine.submit(Finished(PostTransfer(movement(REVENUE, ASHA, 10)), claim()))
    ).status == 201


async def test_refusals_say_what_the_wallet_has():
    refusal = InsufficientFunds(owner="asha", amount=5, available=3, currency="INR")
    assert "3 INR available" in str(refusal)
