"""Two hundred at once for one balance, one order, one hold: the counts come out exactly."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack

import pytest

from batua.clock import utc_now
from batua.errors import Refusal
from batua.ledger import (
    AccountName,
    CaptureHold,
    Engine,
    Movement,
    OpenHold,
    PostTransfer,
    VoidHold,
)
from batua.ledger.proof import prove
from tests.support.ledger import REVENUE, TABLES, balances, movement
from tests.support.provider import open_provider
from tests.support.racing import LedgerBank, NaiveBank, assert_overdraw_is_refused
from tests.support.shop import open_shop

CLIENTS = 200


@pytest.fixture
def rounds(soak):
    return range(100 if soak else 3)


@pytest.fixture
async def doors(database_url, open_more):
    """Two engines with pools of their own on one database, proved sound afterwards."""
    databases = [await open_more(database_url) for _ in range(2)]
    engines = [Engine(database, TABLES, now=utc_now) for database in databases]
    yield databases, engines
    for engine in engines:
        await engine.close()
    proof = await prove(databases[0])
    assert proof.is_sound, proof.findings[:3]


# --- overdraw -----------------------------------------------------------------------------------


async def test_of_200_debits_at_once_exactly_ten_fit(doors, rounds):
    for number in rounds:
        await assert_overdraw_is_refused(LedgerBank(*doors), f"asha-{number}", clients=CLIENTS)


async def test_the_same_at_one_engine(database_url, open_more, rounds):
    database = await open_more(database_url)
    engine = Engine(database, TABLES, now=utc_now)
    for number in rounds:
        bank = LedgerBank([database], [engine])
        await assert_overdraw_is_refused(bank, f"asha-{number}", clients=CLIENTS)
    await engine.close()


async def test_who_checks_and_then_updates_is_caught(database_url, open_more):
    """The control: the harness above fails for statements that commit one by one."""
    bank = NaiveBank(await open_more(database_url), in_transaction=False)
    with pytest.raises(AssertionError):
        await assert_overdraw_is_refused(bank, "asha", clients=CLIENTS)


async def test_read_committed_alone_is_caught_too(postgres_url, open_more):
    """The control again, in one transaction at READ COMMITTED: it reads what is stale by then.

    SQLite has no such level: BEGIN IMMEDIATE is a lock already.
    """
    bank = NaiveBank(await open_more(postgres_url, pool_size=50), in_transaction=True)
    with pytest.raises(AssertionError):
        await assert_overdraw_is_refused(bank, "asha", clients=CLIENTS)


# --- refunds ------------------------------------------------------------------------------------


async def test_of_200_refunds_at_once_as_many_fit_as_were_paid_for(database_url, clock, rounds):
    async with AsyncExitStack() as stack:
        provider = await stack.enter_async_context(open_provider())
        shops = [
            await stack.enter_async_context(open_shop(database_url, clock, provider=provider))
            for _ in range(2)
        ]
        for number in rounds:
            fitting = 7 + number % 5
            await race_for_a_refund(shops, f"asha-{number}", fitting)


async def race_for_a_refund(shops, customer, fitting):
    order = await shops[0].paid_order(1_000 * fitting + 999, customer=customer)

    async def refund(number):
        await asyncio.sleep(number % 20 / 1000)
        answer = await shops[number % len(shops)].refund(order, "wallet", 1_000)
        return answer.status, answer.body.get("code", "")

    answers = Counter(await asyncio.gather(*map(refund, range(CLIENTS))))
    assert answers == {
        (201, ""): fitting,
        (409, "refund_exceeds_refundable"): CLIENTS - fitting,
    }
    row = await shops[0].row("order", order)
    assert (row["refunded"], row["refund_reserved"]) == (1_000 * fitting, 0)
    assert await shops[0].balance(customer) == 1_000 * fitting


# --- holds --------------------------------------------------------------------------------------


async def test_holds_at_once_set_aside_what_is_there_and_are_closed_once(doors, rounds):
    databases, engines = doors
    for number in rounds:
        asha = AccountName.wallet(f"asha-{number}", "INR")
        await LedgerBank(databases, engines).open({asha.owner: 100})
        ids = [f"hld-{number}-{client}" for client in range(CLIENTS)]
        opened = await at_once(engines, [OpenHold(id=key, account=asha, amount=10) for key in ids])
        codes = Counter(map(code_of, opened))
        assert codes == {"done": 10, "exceeds_available_balance": CLIENTS - 10}
        assert (await balances(databases[0]))[asha.key] == (100, 100)
        held = [key for key, answer in zip(ids, opened, strict=True) if code_of(answer) == "done"]
        await race_to_close(databases[0], engines, asha, held)


async def race_to_close(database, engines, asha, held):
    """Twenty clients a hold capture or void it, each capture a part of another size."""
    revenue = (await balances(database)).get(REVENUE.key, (0, 0))[0]
    wanted = []
    for client in range(CLIENTS):
        hold, amount = held[client % len(held)], 1 + client // 2 % 10
        capture = CaptureHold(movement(asha, REVENUE, amount, id=hold))
        wanted.append(capture if client // len(held) % 2 else VoidHold(hold))
    answers = await at_once(engines, wanted)
    codes = [Counter() for _ in held]
    taken = 0
    for client, (operation, answer) in enumerate(zip(wanted, answers, strict=True)):
        code = code_of(answer)
        codes[client % len(held)][code] += 1
        if code == "done" and isinstance(operation, CaptureHold):
            taken += operation.movement.amount
    assert [each["done"] for each in codes] == [1] * len(held)
    assert set().union(*codes) <= {
        "done", "exists", "hold_already_captured", "hold_already_voided",
        "exists_with_different_amount",
    }  # fmt: skip
    assert [each.total() for each in codes] == [CLIENTS // len(held)] * len(held)
    after = await balances(database)
    assert after[asha.key] == (100 - taken, 0)
    assert after.get(REVENUE.key, (0, 0))[0] == revenue + taken


async def test_one_id_sent_by_200_at_once_moves_money_once(doors, rounds):
    """Half of them ask for another amount: whoever is first says which one it is."""
    databases, engines = doors
    for number in rounds:
        asha = AccountName.wallet(f"asha-{number}", "INR")
        await LedgerBank(databases, engines).open({asha.owner: 100})
        wanted = [
            PostTransfer(
                Movement(id=f"trf-{number}", kind="test", debit=asha, credit=REVENUE,
                         amount=10 + client % 2, reason="a race", actor="test")
            )
            for client in range(CLIENTS)
        ]  # fmt: skip
        answers = Counter(map(code_of, await at_once(engines, wanted)))
        half = CLIENTS // 2
        assert answers == {"done": 1, "exists": half - 1, "exists_with_different_amount": half}
        assert (await balances(databases[0]))[asha.key][0] in {90, 89}


async def at_once(engines, operations):
    async def submit(number, operation):
        await asyncio.sleep(number % 20 / 1000)
        return await engines[number % len(engines)].submit(operation)

    return await asyncio.gather(
        *(submit(*each) for each in enumerate(operations)), return_exceptions=True
    )


def code_of(answer):
    if isinstance(answer, Refusal):
        return answer.ledger_code
    if isinstance(answer, BaseException):
        raise answer
    return "exists" if answer.exists else "done"
