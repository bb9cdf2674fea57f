"""The ledger's own operations: what they answer, what they refuse, and that a replay is one."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from msgspec import structs

from batua.contract import AMOUNT_MAX
from batua.errors import (
    CommitUnknown,
    Conflict,
    DatabaseUnavailable,
    HoldNotDue,
    InsufficientFunds,
    InvalidRequest,
    LinkedRefused,
    NotFound,
    Refusal,
    TryAgain,
)
from batua.ledger import (
    AccountName,
    Book,
    CaptureHold,
    Engine,
    ExpireHold,
    Expiry,
    HoldClosed,
    HoldOpened,
    Linked,
    LinkedAnswers,
    NewLot,
    OpenHold,
    PostTransfer,
    ReverseTransfer,
    VoidHold,
    account_needs,
)
from batua.ledger.operations.lookup import name_of_account
from batua.ledger.rows import NotLoaded
from batua.ledger.tables import Hold
from tests.support.clock import START
from tests.support.ledger import (
    ASHA,
    BANK,
    RAVI,
    REVENUE,
    TABLES,
    Balance,
    Staged,
    balances,
    lose,
    movement,
)
from tests.support.proxy import Cut, CuttingProxy

DOLLARS = AccountName.wallet("asha", "USD")
SOON = START + timedelta(minutes=10)
FUNDING = movement(amount=500, id="fund")


@pytest.fixture
async def engine(database, clock):
    """ASHA has 500."""
    engine = Engine(database, TABLES, now=clock.now)
    await engine.submit(PostTransfer(FUNDING))
    yield engine
    await engine.close()


async def at_once(engine, *operations):
    return await asyncio.gather(*map(engine.submit, operations), return_exceptions=True)


async def code_of(engine, operation):
    with pytest.raises(Refusal) as refused:
        await engine.submit(operation)
    return refused.value.ledger_code


def hold(id="hld", account=ASHA, amount=300, **more):
    return OpenHold(id=id, account=account, amount=amount, **more)


def take(id="hld", amount=300, debit=ASHA, credit=REVENUE, **more):
    return CaptureHold(movement(debit, credit, amount, id=id, **more))


def reverse(id="rev", of="fund", **more):
    return ReverseTransfer(id=id, of=of, reason="a mistake", actor="test", **more)


def freezing(name):
    return Staged(
        lambda book: book.update(book.account(name), status="frozen"),
        tuple(account_needs(name)),
    )


# --- transfers ----------------------------------------------------------------------------------


async def test_the_same_transfer_again_answers_the_same(engine, database):
    wanted = PostTransfer(movement(ASHA, RAVI, 10, id="trf", occurred_at=START))
    first = await engine.submit(wanted)
    assert (first.id, first.seq, first.exists) == ("trf", 2, False)
    assert await engine.submit(wanted) == replace(first, exists=True)
    assert (await balances(database))[RAVI.key] == (10, 0)


DIFFERENT = {
    "amount": {"amount": 11},
    "accounts": {"debit": RAVI, "credit": ASHA},
    "kind": {"kind": "other"},
    "details": {"order_id": "ord_1", "reason": "another"},
}


@pytest.mark.parametrize("what", DIFFERENT)
async def test_an_id_that_was_used_for_something_else_is_refused(engine, database, what):
    known = movement(ASHA, RAVI, 10, id="trf", occurred_at=START)
    await engine.submit(PostTransfer(known))
    changed = PostTransfer(structs.replace(known, **DIFFERENT[what]))
    assert await code_of(engine, changed) == f"exists_with_different_{what}"
    assert (await balances(database))[RAVI.key] == (10, 0)


async def test_a_new_id_is_one_for_holds_and_transfers_alike(engine):
    known = movement(ASHA, RAVI, 10, id="trf", occurred_at=START)
    await engine.submit(PostTransfer(known))
    await engine.submit(hold())
    for operation in (
        PostTransfer(movement(id="hld")),
        hold(id="trf"),
        reverse(id="hld"),
        reverse(id="trf"),
    ):
        assert await code_of(engine, operation) == "exists_with_different_kind"
    later = structs.replace(known, occurred_at=SOON)
    assert await code_of(engine, PostTransfer(later)) == "exists_with_different_details"
    unknown = structs.replace(known, credit=AccountName.wallet("nobody", "INR"))
    assert await code_of(engine, PostTransfer(unknown)) == "exists_with_different_accounts"


REFUSED = {
    "amount_must_be_positive": [0, -1, True, 5.0, "5", None],
    "amount_too_large": [AMOUNT_MAX + 1, 2**63],
    "exceeds_available_balance": [501],
}


@pytest.mark.parametrize(
    ("code", "amount"), [(code, each) for code, amounts in REFUSED.items() for each in amounts]
)
async def test_an_amount_that_can_not_be_is_refused(engine, database, code, amount):
    before = await balances(database)
    assert await code_of(engine, PostTransfer(movement(ASHA, RAVI, amount))) == code
    assert await code_of(engine, hold(amount=amount)) == code
    assert await balances(database) == before


async def test_a_transfer_is_between_two_accounts_of_one_currency(engine):
    assert await code_of(engine, PostTransfer(movement(ASHA, ASHA))) == "accounts_must_differ"
    assert await code_of(engine, PostTransfer(movement(ASHA, DOLLARS))) == "currency_mismatch"


async def test_a_balance_stays_within_what_the_database_can_keep(engine, database):
    more = AMOUNT_MAX - 499
    before = await balances(database)
    for operation in (
        PostTransfer(movement(BANK, RAVI, more)),  # below the limit of BANK
        PostTransfer(movement(REVENUE, ASHA, more)),  # above that of ASHA
    ):
        assert await code_of(engine, operation) == "exceeds_balance_limit"
    assert await balances(database) == before
    await engine.submit(hold(account=BANK, amount=AMOUNT_MAX))
    assert await code_of(engine, hold(id="h2", account=BANK)) == "exceeds_balance_limit"
    assert await code_of(engine, take(amount=more, debit=BANK)) == "exceeds_balance_limit"


async def test_a_frozen_wallet_takes_no_part_but_what_was_promised_is_kept(engine):
    await engine.submit(hold())
    await engine.submit(freezing(ASHA))
    for operation in (
        PostTransfer(movement(ASHA, RAVI, 1)),
        PostTransfer(movement(BANK, ASHA, 1)),
        hold(id="h2", amount=1),
    ):
        assert await code_of(engine, operation) == "wallet_frozen"
    assert (await engine.submit(PostTransfer(FUNDING))).exists
    assert not (await engine.submit(take(amount=100))).exists


# --- reversals ----------------------------------------------------------------------------------


async def test_a_transfer_is_reversed_once_and_the_reversal_is_a_transfer_too(engine, database):
    first = await engine.submit(reverse(approved_by="ravi"))
    assert (first.seq, first.exists) == (2, False)
    assert await balances(database) == {BANK.key: (0, 0), ASHA.key: (0, 0)}
    row = await database.fetch_one("select * from batua_transfer where id = 'rev'")
    assert (row["kind"], row["reverses"], row["approved_by"]) == ("reversal", 1, "ravi")
    assert (await engine.submit(reverse(approved_by="ravi"))) == replace(first, exists=True)
    assert await code_of(engine, reverse()) == "exists_with_different_details"
    assert await code_of(engine, reverse(id="rev2")) == "already_reversed"
    assert (await engine.submit(reverse(id="rev2", of="rev"))).seq == 3
    assert await code_of(engine, reverse(of="rev")) == "exists_with_different_accounts"
    assert (await balances(database))[ASHA.key] == (500, 0)


async def test_what_was_spent_can_not_be_reversed(engine):
    await engine.submit(PostTransfer(movement(ASHA, RAVI, 1)))
    assert await code_of(engine, reverse()) == "exceeds_available_balance"
    with pytest.raises(NotFound) as refused:
        await engine.submit(reverse(of="nothing"))
    assert refused.value.code == "transfer_not_found"


async def test_a_group_may_reverse_what_it_has_just_posted(engine, database):
    answers = await at_once(
        engine,
        PostTransfer(movement(ASHA, RAVI, 10, id="trf")),
        reverse(of="trf"),
        reverse(id="rev2", of="trf"),
    )
    assert [answers[0].seq, answers[1].seq] == [2, 3]
    assert answers[2].code == "already_reversed"
    assert (await balances(database))[ASHA.key] == (500, 0)


# --- holds --------------------------------------------------------------------------------------


async def test_a_hold_again_answers_the_same_and_with_other_content_is_refused(engine, database):
    wanted = hold(expires_at=SOON, order_id="ord_1")
    assert await engine.submit(wanted) == HoldOpened(id="hld", exists=False)
    assert await engine.submit(wanted) == HoldOpened(id="hld", exists=True)
    for changes, what in (
        ({"amount": 301}, "amount"),
        ({"account": RAVI}, "accounts"),
        ({"expires_at": None}, "details"),
        ({"order_id": None}, "details"),
    ):
        code = await code_of(engine, replace(wanted, **changes))
        assert code == f"exists_with_different_{what}"
    assert (await balances(database))[ASHA.key] == (500, 300)


async def test_a_capture_takes_a_part_and_gives_the_rest_back_once(engine, database):
    await engine.submit(hold())
    first = await engine.submit(take(amount=200))
    assert await engine.submit(take(amount=200)) == replace(first, exists=True)
    assert await code_of(engine, take(amount=100)) == "exists_with_different_amount"
    assert await balances(database) == {
        BANK.key: (-500, 0), ASHA.key: (300, 0), REVENUE.key: (200, 0),
    }  # fmt: skip
    assert await code_of(engine, VoidHold("hld")) == "hold_already_captured"
    assert await code_of(engine, ExpireHold("hld")) == "hold_already_captured"


async def test_a_capture_that_a_room_made_under_another_id_is_no_replay(engine):
    await engine.submit(hold())

    def capture(book):
        room = movement(ASHA, REVENUE, 300, id="another")
        return book.capture_hold(book.need(Hold, "id", "hld"), room)

    await engine.submit(Staged(capture, tuple(take().needs(None))))
    assert await code_of(engine, take()) == "hold_already_captured"


async def test_a_capture_keeps_to_its_hold(engine):
    await engine.submit(hold())
    await engine.submit(PostTransfer(movement(amount=500, credit=RAVI)))
    assert await code_of(engine, take(amount=301)) == "exceeds_held_amount"
    assert await code_of(engine, take(debit=RAVI)) == "exists_with_different_accounts"
    for operation in (take(id="nothing"), VoidHold("nothing"), ExpireHold("nothing")):
        with pytest.raises(NotFound) as refused:
            await engine.submit(operation)
        assert refused.value.code == "hold_not_found"


async def test_a_void_gives_back_once(engine, database):
    await engine.submit(hold())
    assert await engine.submit(VoidHold("hld")) == HoldClosed(
        id="hld", status="voided", exists=False
    )
    assert (await engine.submit(VoidHold("hld"))).exists
    assert await code_of(engine, take()) == "hold_already_voided"
    assert await code_of(engine, ExpireHold("hld")) == "hold_already_voided"
    assert (await balances(database))[ASHA.key] == (500, 0)


async def test_a_hold_whose_time_is_up_is_expired_before_and_after_it_is_swept(
    engine, database, clock
):
    assert await code_of(engine, hold(expires_at=START)) == "hold_expired"
    await engine.submit(hold(expires_at=SOON))
    clock.advance(599)
    with pytest.raises(HoldNotDue, match="2026-11-22T12:10:00Z") as refused:
        await engine.submit(ExpireHold("hld"))
    assert not refused.value.is_final
    clock.advance(1)
    for operation in (take(), VoidHold("hld")):
        assert await code_of(engine, operation) == "hold_expired"
    assert (await balances(database))[ASHA.key] == (500, 300)
    assert await engine.submit(ExpireHold("hld")) == HoldClosed(
        id="hld", status="expired", exists=False
    )
    assert (await engine.submit(ExpireHold("hld"))).exists
    for operation in (take(), VoidHold("hld")):
        assert await code_of(engine, operation) == "hold_expired"
    assert (await balances(database))[ASHA.key] == (500, 0)


async def test_a_hold_without_an_end_never_expires(engine, clock):
    await engine.submit(hold())
    clock.advance(10**8)
    assert await code_of(engine, ExpireHold("hld")) == "hold_not_due"


async def test_a_sweep_expires_what_is_due_and_leaves_the_rest(engine, database, clock):
    for number in range(4):
        due = None if number == 3 else START + timedelta(seconds=number + 1)
        await engine.submit(hold(id=f"h{number}", amount=10, expires_at=due))
    expiry = Expiry(database, engine)
    assert await expiry.due_holds(10) == []
    clock.advance(2)
    assert await expiry.due_holds(1) == ["h0"], "the longest due first"
    for _ in range(2):
        await asyncio.gather(*(expiry.expire_hold(f"h{number}") for number in range(4)))
    assert (await balances(database))[ASHA.key] == (500, 20)
    rows = await database.fetch("select id, status from batua_hold order by id")
    assert [row["status"] for row in rows] == ["expired", "expired", "held", "held"]


async def test_a_sweep_leaves_alone_what_was_closed_while_it_looked(engine, database, clock):
    await engine.submit(hold(expires_at=SOON))
    await engine.submit(take())
    clock.advance(600)
    await Expiry(database, engine).expire_hold("hld")
    assert (await database.fetch_one("select status from batua_hold"))["status"] == "captured"


async def test_a_group_may_close_the_hold_that_it_opened(engine, database):
    answers = await at_once(
        engine, hold(), hold(id="h2", amount=100), take(amount=50), VoidHold("h2")
    )
    assert [answer.exists for answer in answers] == [False] * 4
    assert (await balances(database))[ASHA.key] == (450, 0)


def test_an_account_that_nobody_loaded_is_not_guessed():
    book = Book(START)
    with pytest.raises(NotLoaded, match=r"batua_account\.id = 7"):
        name_of_account(book, 7)


# --- linked -------------------------------------------------------------------------------------


async def test_linked_operations_see_one_another_and_happen_together(engine, database):
    linked = Linked(
        (
            hold(),
            take(amount=200),
            PostTransfer(movement(REVENUE, RAVI, 200, id="on")),
            reverse(of="on"),
            hold(id="h2", amount=1),
            VoidHold("h2"),
        )
    )
    first = await engine.submit(linked)
    assert not first.exists
    assert [answer.exists for answer in first.answers] == [False] * 6
    again = await engine.submit(linked)
    assert again.exists
    assert [answer.id for answer in again.answers] == [answer.id for answer in first.answers]
    assert await balances(database) == {
        BANK.key: (-500, 0), ASHA.key: (300, 0), REVENUE.key: (200, 0), RAVI.key: (0, 0),
    }  # fmt: skip


async def test_one_refusal_undoes_all_and_says_which_and_why(engine, database):
    before = await balances(database)
    head = dict(await database.fetch_one("select * from batua_ledger"))
    linked = Linked((hold(), take(), PostTransfer(movement(ASHA, RAVI, 300)), VoidHold("none")))
    with pytest.raises(LinkedRefused, match=r"Operation 2 .*exceeds_available_balance") as refused:
        await engine.submit(linked)
    assert refused.value.index == 2
    assert isinstance(refused.value.cause, InsufficientFunds)
    assert refused.value.is_final
    assert await balances(database) == before
    assert dict(await database.fetch_one("select * from batua_ledger")) == head
    assert await code_of(engine, VoidHold("hld")) == "hold_not_found"


async def test_a_refusal_that_may_pass_is_not_made_final_by_a_link(engine):
    await engine.submit(hold(expires_at=SOON))
    with pytest.raises(LinkedRefused) as refused:
        await engine.submit(Linked((ExpireHold("hld"),)))
    assert not refused.value.is_final


async def test_what_happened_by_itself_can_not_be_linked_any_more(engine, database):
    with pytest.raises(LinkedRefused) as refused:
        await engine.submit(
            Linked((PostTransfer(movement(ASHA, RAVI, 5, id="new")), PostTransfer(FUNDING)))
        )
    assert (refused.value.index, refused.value.cause.code) == (1, "exists")
    assert (await balances(database))[ASHA.key] == (500, 0)


async def test_operations_of_other_rooms_are_linked_too(engine):
    linked = Linked((Balance(ASHA), Linked((PostTransfer(movement(ASHA, RAVI, 5, id="x")),))))
    first = await engine.submit(linked)
    assert (first.answers[0], first.exists) == (500, False)
    again = await engine.submit(linked)
    assert (again.answers[0], again.exists) == (495, True)
    assert await engine.submit(Linked(())) == LinkedAnswers(answers=(), exists=False)


# --- which may be sent again --------------------------------------------------------------------


def test_what_may_pass_and_what_is_final_are_told_apart():
    passing = [TryAgain("overloaded", "Later."), DatabaseUnavailable("gone"), CommitUnknown("?")]
    assert [error.is_transient for error in passing] == [True] * 3
    final = [Conflict("already_reversed", "No."), InvalidRequest("No."), NotFound("hold", "h")]
    assert [error.is_transient for error in final] == [False] * 3


def test_http_keeps_its_own_name_for_too_little_money():
    refusal = InsufficientFunds(owner="asha", amount=2, available=1, currency="INR")
    assert (refusal.code, refusal.ledger_code) == (
        "insufficient_funds",
        "exceeds_available_balance",
    )


# --- a COMMIT whose answer is lost --------------------------------------------------------------


@pytest.mark.parametrize("cut", [Cut.BEFORE, Cut.AFTER])
@pytest.mark.parametrize("in_one", [True, False])
async def test_a_lost_commit_of_any_operation_has_one_effect(
    postgres_url, open_more, clock, cut, in_one
):
    async with CuttingProxy(postgres_url) as proxy:
        engine = Engine(await open_more(proxy.url, pool_size=2), TABLES, now=clock.now)
        database = await open_more(postgres_url)
        await engine.submit(PostTransfer(FUNDING))
        steps = [
            hold(expires_at=SOON),
            hold(id="h2", amount=100),
            take(amount=200),
            VoidHold("h2"),
            PostTransfer(movement(ASHA, RAVI, 50, id="trf")),
            reverse(of="trf"),
            Linked((hold(id="h3", amount=10), take(id="h3", amount=10))),
            hold(id="h4", amount=20, expires_at=SOON),
        ]
        for step in steps:
            lose(engine, proxy, cut, in_one=in_one)
            answer = await engine.submit(step)
            assert proxy.met.is_set()
            assert answer.exists == (cut is Cut.AFTER), "what was committed is found by its id"
        clock.advance(600)
        lose(engine, proxy, cut, in_one=in_one)
        assert (await engine.submit(ExpireHold("h4"))).status == "expired"
        assert await balances(database) == {
            BANK.key: (-500, 0), ASHA.key: (290, 0), REVENUE.key: (210, 0), RAVI.key: (0, 0),
        }  # fmt: skip
        await engine.close()


async def test_a_reversal_gives_lots_back_what_was_spent_and_takes_what_was_opened(
    engine, database
):
    promotion = AccountName.promotion("INR")
    bonus = movement(promotion, ASHA, 40, id="bonus", opens=NewLot(kind="bonus"))
    await engine.submit(PostTransfer(bonus))
    await engine.submit(PostTransfer(movement(ASHA, REVENUE, 30, id="spent")))

    async def remaining():
        (lot,) = await database.fetch("select remaining from batua_lot")
        return lot["remaining"]

    assert await remaining() == 10
    await engine.submit(reverse(id="back", of="spent"))
    assert await remaining() == 40
    await engine.submit(reverse(id="taken", of="bonus"))
    assert await remaining() == 0
    assert (await balances(database))[ASHA.key] == (500, 0)


@pytest.mark.parametrize("is_swept", [True, False])
async def test_a_bonus_that_has_expired_is_not_taken_a_second_time(
    engine, database, clock, is_swept
):
    promotion = AccountName.promotion("INR")
    opens = NewLot(kind="bonus", expires_at=SOON)
    await engine.submit(PostTransfer(movement(promotion, ASHA, 40, id="bonus", opens=opens)))
    clock.advance(600)
    if is_swept:
        await engine.submit(PostTransfer(movement(ASHA, REVENUE, 1)))
    before = await balances(database)
    assert await code_of(engine, reverse(id="taken", of="bonus")) == "lot_expired"
    assert await balances(database) == before
