"""Two hundred at once for one balance, one order, one hold: the counts come out exactly.

Each race is run against the mistake as well, and caught: were it not, the others would prove
nothing.
"""

from __future__ import annotations

from collections import Counter
from contextlib import AsyncExitStack

import pytest

from batua.clock import utc_now
from batua.ledger import AccountName, Engine, PostTransfer
from tests.support.ledger import REVENUE, TABLES, balances, movement, prove_transfers
from tests.support.provider import open_provider
from tests.support.racing import (
    SHOP,
    LedgerBank,
    NaiveBank,
    NaiveShop,
    ShopOfDoors,
    at_once,
    code_of,
)
from tests.support.shop import open_shop

CLIENTS = 200
CAREFUL_CLIENTS = 40  # of those who pass, one after another: each waits for a disk


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
    proof = await prove_transfers(databases[0])
    assert proof.is_sound, proof.findings[:3]


@pytest.fixture(params=["sqlite", "postgres", "postgres at read committed"])
def mistake(request, open_more):
    """Opens a bank or a shop that checks and then updates.

    SQLite has no READ COMMITTED: BEGIN IMMEDIATE is a lock already.
    """
    dialect, _, level = request.param.partition(" at ")
    url = request.getfixturevalue(f"{dialect}_url")

    async def open_one(kind):
        return kind(await open_more(url, pool_size=50), in_transaction=bool(level))

    return open_one


@pytest.fixture
def careful(database_url, open_more):
    """Opens the same without the mistake: it locks what it reads."""

    async def open_one(kind):
        return kind(await open_more(database_url), in_transaction=True, locks=True)

    return open_one


# --- overdraw -----------------------------------------------------------------------------------


async def assert_overdraw_is_refused(bank, owner, *, clients):
    """Debits of 10 at once on a purse of 100: exactly ten succeed."""
    await bank.open({owner: 100})
    answers = Counter(await at_once(clients, lambda client: bank.move(client, owner, SHOP, 10)))
    left = (await bank.read(0))[owner]
    assert (answers[True], answers[False], left) == (10, clients - 10, 0)


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


async def test_who_checks_and_then_debits_is_caught(mistake):
    bank = await mistake(NaiveBank)
    with pytest.raises(AssertionError):
        await assert_overdraw_is_refused(bank, "asha", clients=CLIENTS)


async def test_who_locks_and_then_debits_passes(careful):
    bank = await careful(NaiveBank)
    await assert_overdraw_is_refused(bank, "asha", clients=CAREFUL_CLIENTS)


# --- refunds ------------------------------------------------------------------------------------


async def assert_refunds_fit(shop, customer, fitting, *, clients):
    """Refunds of 1000 at once of an order in which ``fitting`` of them have room."""
    order = await shop.sell(customer, 1_000 * fitting + 999)
    codes = Counter(await at_once(clients, lambda client: shop.refund(client, order, 1_000)))
    assert codes == {"done": fitting, "refund_exceeds_refundable": clients - fitting}
    assert await shop.look(order, customer) == (1_000 * fitting, 0, 1_000 * fitting)


async def test_of_200_refunds_at_once_as_many_fit_as_were_paid_for(database_url, clock, rounds):
    async with AsyncExitStack() as stack:
        provider = await stack.enter_async_context(open_provider())
        shops = [
            await stack.enter_async_context(open_shop(database_url, clock, provider=provider))
            for _ in range(2)
        ]
        for number in rounds:
            fitting = 7 + number % 5
            shop = ShopOfDoors(shops)
            await assert_refunds_fit(shop, f"asha-{number}", fitting, clients=CLIENTS)


async def test_who_checks_and_then_refunds_is_caught(mistake):
    shop = await mistake(NaiveShop)
    with pytest.raises(AssertionError):
        await assert_refunds_fit(shop, "asha", 7, clients=CLIENTS)


async def test_who_locks_and_then_refunds_passes(careful):
    await assert_refunds_fit(await careful(NaiveShop), "asha", 7, clients=CAREFUL_CLIENTS)


# --- holds --------------------------------------------------------------------------------------

CLOSED = {
    "done", "exists", "hold_already_captured", "hold_already_voided",
    "exists_with_different_amount",
}  # fmt: skip


async def assert_held_once(bank, owner, *, clients):
    """Holds of 10 at once on a purse of 100: exactly ten succeed. Returns their ids."""
    await bank.open({owner: 100})
    ids = [f"hld-{owner}-{client}" for client in range(clients)]
    codes = await at_once(clients, lambda client: bank.hold(client, ids[client], owner, 10))
    assert Counter(codes) == {"done": 10, "exceeds_available_balance": clients - 10}
    assert (await bank.look(owner))[:2] == (100, 100)
    return [key for key, code in zip(ids, codes, strict=True) if code == "done"]


async def assert_closed_once(bank, owner, held, *, clients):
    """Several clients a hold capture or void it, each capture a part of another size.

    The purse has nothing but ``held``, holds of 10 each: one client succeeds with each of them.
    """
    balance, _, revenue = await bank.look(owner)

    def part(client):
        """How much the client captures; the others void, which takes nothing."""
        return 1 + client // 2 % 10 if client // len(held) % 2 else 0

    async def close(client):
        hold = held[client % len(held)]
        if amount := part(client):
            return await bank.capture(client, hold, owner, amount)
        return await bank.void(client, hold)

    codes = await at_once(clients, close)
    assert set(codes) <= CLOSED
    done = [client for client, code in enumerate(codes) if code == "done"]
    assert sorted(client % len(held) for client in done) == list(range(len(held)))
    taken = sum(map(part, done))
    assert await bank.look(owner) == (balance - taken, 0, revenue + taken)


async def test_holds_at_once_set_aside_what_is_there_and_are_closed_once(doors, rounds):
    bank = LedgerBank(*doors)
    for number in rounds:
        held = await assert_held_once(bank, f"asha-{number}", clients=CLIENTS)
        await assert_closed_once(bank, f"asha-{number}", held, clients=CLIENTS)


async def test_who_checks_and_then_holds_is_caught(mistake):
    bank = await mistake(NaiveBank)
    with pytest.raises(AssertionError):
        await assert_held_once(bank, "asha", clients=CLIENTS)


async def test_who_checks_and_then_closes_a_hold_is_caught(mistake):
    """The holds are opened one after another, so that only their closing is a race."""
    bank = await mistake(NaiveBank)
    await bank.open({"asha": 100})
    held = [f"hld-{number}" for number in range(10)]
    assert [await bank.hold(0, key, "asha", 10) for key in held] == ["done"] * 10
    with pytest.raises(AssertionError):
        await assert_closed_once(bank, "asha", held, clients=CLIENTS)


async def test_who_locks_and_then_holds_and_closes_passes(careful):
    bank = await careful(NaiveBank)
    held = await assert_held_once(bank, "asha", clients=CAREFUL_CLIENTS)
    await assert_closed_once(bank, "asha", held, clients=CAREFUL_CLIENTS)


# --- one id -------------------------------------------------------------------------------------


async def test_one_id_sent_by_200_at_once_moves_money_once(doors, rounds):
    """Half of them ask for another amount: whoever is first says which one it is."""
    databases, engines = doors
    for number in rounds:
        asha = AccountName.wallet(f"asha-{number}", "INR")
        await LedgerBank(databases, engines).open({asha.owner: 100})
        await race_for_an_id(engines, f"trf-{number}", asha)
        assert (await balances(databases[0]))[asha.key][0] in {90, 89}


async def race_for_an_id(engines, key, asha):
    async def send(client):
        amount, engine = 10 + client % 2, engines[client // 2 % len(engines)]
        wanted = movement(asha, REVENUE, amount, id=key)
        return await code_of(engine.submit(PostTransfer(wanted)))

    answers = Counter(await at_once(CLIENTS, send))
    half = CLIENTS // 2
    assert answers == {"done": 1, "exists": half - 1, "exists_with_different_amount": half}
