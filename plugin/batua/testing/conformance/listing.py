"""Rules about lists: of what moved, of what was paid out, and of disputes."""

from __future__ import annotations

import asyncio
import dataclasses
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from batua.contract import (
    DisputeLookup,
    DisputeResult,
    Disputes,
    DisputeStatus,
    GatewayUnavailable,
    PaymentResult,
    ProviderPaymentStatus,
    RefundResult,
    Refunds,
    SettlementResult,
    Settles,
    TransactionResult,
    Transactions,
)
from batua.testing.conformance.creating import LOST_READS
from batua.testing.conformance.provider import Refusal
from batua.testing.conformance.rule import at_once, expect, outcome, rule
from batua.testing.conformance.subject import Subject

__all__: list[str] = []

_MANY = 103
"""More than a page of any list that we know of."""
_AT_ONCE = 8
_HOUR = timedelta(hours=1)


@rule("list_transactions agrees with the provider's ledger: every capture, refund and dispute "
      "once, with its amount.", needs="transactions")  # fmt: skip
async def transactions_agree_with_the_ledger(shop: Subject) -> None:
    attempt = await shop.attempt(await shop.pay())
    await shop.pay("failed")
    if isinstance(shop.gateway, Refunds):
        await shop.gateway.refund(shop.refund_of(attempt))
    disputed = await shop.attempt(await shop.pay())
    with suppress(Refusal):  # Some providers tell of no disputes.
        await shop.provider.control("dispute", payment=disputed.provider_payment_id, status="open")
    await _expect_listed(shop)


@rule("list_transactions is whole however much there is: all pages.", needs="transactions")
async def transactions_are_all_pages(shop: Subject) -> None:
    turns = asyncio.Semaphore(_AT_ONCE)

    async def pay() -> None:
        async with turns:
            await shop.pay()

    await at_once(pay() for _ in range(_MANY))
    await _expect_listed(shop)


@rule(
    "list_transactions lists nothing that happened after the time that is asked for.",
    needs="transactions",
)
async def transactions_keep_to_their_time(shop: Subject) -> None:
    await shop.pay()
    now = datetime.now(UTC)
    listed = await _transactions(shop).list_transactions(now - 3 * _HOUR, now - 2 * _HOUR)
    expect(not listed, f"of two hours ago it lists {listed}")


@rule("list_transactions only reads: every kind of silence is GatewayUnavailable, never a part "
      "of the list.", needs="transactions", timeout_s=0.4)  # fmt: skip
async def list_only_reads(shop: Subject) -> None:
    await shop.pay()
    await _listed(shop)
    for fault in LOST_READS:
        shop.provider.spoil_all(fault)
        answer = await outcome(_listed(shop))
        shop.provider.heal()
        expect(isinstance(answer, GatewayUnavailable), f"{fault}: {answer!r}")


@rule("fetch_dispute tells how a dispute stands and what is disputed; of one that the provider "
      "has never heard of, None.", needs="disputes")  # fmt: skip
async def dispute_is_fetched(shop: Subject) -> None:
    gateway = shop.gateway
    if not isinstance(gateway, Disputes):
        raise TypeError("it has no fetch_dispute")
    for end in (DisputeStatus.LOST, DisputeStatus.WON):
        attempt = await shop.attempt(await shop.pay())
        for status in (DisputeStatus.OPEN, end):
            taken = attempt.provider_payment_id
            await shop.provider.control("dispute", payment=taken, status=status)
            (dispute,) = _parts(
                [each for each in await shop.provider.ledger() if each["id"] == taken], "disputes"
            )
            asked = DisputeLookup(provider_dispute_id=dispute["id"], provider_payment_id=taken)
            found = await gateway.fetch_dispute(asked)
            expect(found is not None and found.status is status, f"{status} is told as {found!r}")
            expect(found is None or found.amount.amount == dispute["amount"], f"told {found!r}")
            unknown = dataclasses.replace(asked, provider_dispute_id=_other(dispute["id"]))
            expect(await gateway.fetch_dispute(unknown) is None, "an unknown dispute is found")


@rule("list_settlements answers with settlements of this gateway's mode, keeps to its time, and "
      "a silence is GatewayUnavailable.", needs="settlements", timeout_s=0.4)  # fmt: skip
async def settlements_are_listed(shop: Subject) -> None:
    gateway = shop.gateway
    if not isinstance(gateway, Settles):
        raise TypeError("it has no list_settlements")
    await shop.pay()
    now = datetime.now(UTC)
    for each in await gateway.list_settlements(now - _HOUR, now + _HOUR):
        expect(isinstance(each, SettlementResult), f"{each!r} is no settlement")
        expect(each.mode is gateway.mode, f"a settlement of mode {each.mode}")
    earlier = await gateway.list_settlements(now - 3 * _HOUR, now - 2 * _HOUR)
    expect(not earlier, f"hours before there was anything: {earlier}")
    shop.provider.spoil_all("500_after_effect")
    answer = await outcome(gateway.list_settlements(now - _HOUR, now + _HOUR))
    expect(isinstance(answer, GatewayUnavailable), f"500: {answer!r}")


async def _listed(shop: Subject) -> tuple[TransactionResult, ...]:
    now = datetime.now(UTC)
    return await _transactions(shop).list_transactions(now - _HOUR, now + _HOUR)


async def _expect_listed(shop: Subject) -> None:
    listed, ledger = await _listed(shop), await shop.provider.ledger()
    captures = [
        (each.provider_payment_id, each.amount.amount)
        for each in listed
        if isinstance(each, PaymentResult) and each.status is ProviderPaymentStatus.CAPTURED
    ]
    _expect_same("captures", captures, _pairs(ledger))
    refunds = [
        (each.provider_refund_id, each.amount.amount)
        for each in listed
        if isinstance(each, RefundResult)
    ]
    _expect_same("refunds", refunds, _pairs(_parts(ledger, "refunds")))
    disputes = [
        (each.provider_dispute_id, each.amount.amount)
        for each in listed
        if isinstance(each, DisputeResult)
    ]
    _expect_same("disputes", disputes, _pairs(_parts(ledger, "disputes")))


def _parts(ledger: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [part for taken in ledger for part in taken[name]]


def _other(name: str) -> str:
    """An id of the same form."""
    return name[:-1] + ("1" if not name.endswith("1") else "2")


def _pairs(documents: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(each["id"], each["amount"]) for each in documents]


def _expect_same(what: str, told: list[tuple[str, int]], is_so: list[tuple[str, int]]) -> None:
    missing, extra = sorted(set(is_so) - set(told)), sorted(set(told) - set(is_so))
    expect(not missing, f"{len(missing)} {what} are not listed: {missing[:3]}")
    expect(not extra, f"{what} are listed that the provider has not: {extra[:3]}")
    expect(len(told) == len(set(told)), f"{what} are listed twice")


def _transactions(shop: Subject) -> Transactions:
    if not isinstance(shop.gateway, Transactions):
        raise TypeError("it has no list_transactions")
    return shop.gateway
