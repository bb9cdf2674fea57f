"""Rules about giving captured money back: once per refund_id, never more than was taken."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

from batua.contract import (
    GatewayError,
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayUnavailable,
    PaymentResult,
    ProviderRefundStatus,
    RefundResult,
    Refunds,
    Support,
)
from batua.testing.conformance.creating import LOST, LOST_READS
from batua.testing.conformance.rule import expect, outcome, rule
from batua.testing.conformance.subject import Subject, lookup_of, patiently

__all__: list[str] = []

_PART = 10_000


@rule("A refund gives back what was asked, in parts where that is declared, up to the whole.",
      needs="refund")  # fmt: skip
async def refund_gives_back(shop: Subject) -> None:
    attempt = await _captured(shop)
    if shop.capabilities.refund is Support.PARTIAL:
        asked = [shop.refund_of(attempt, _PART)]
        asked.append(shop.refund_of(attempt, attempt.amount.amount - _PART))
    else:
        asked = [shop.refund_of(attempt)]
    for request in asked:
        made = await _refunds(shop).refund(request)
        expect(made.amount == request.amount, f"asked {request.amount}, refunded {made.amount}")
        expect(made.provider_payment_id == attempt.provider_payment_id, "of another payment")
        expect(made.status is not ProviderRefundStatus.FAILED, f"it failed: {made!r}")
        expect(made.mode is shop.gateway.mode, f"a refund of mode {made.mode}")
        found = await _refunds(shop).fetch_refund(lookup_of(request, made.provider_refund_id))
        expect(
            found is not None and found.provider_refund_id == made.provider_refund_id,
            f"asked by its id: {found!r}",
        )
    gone = [each["amount"] for each in await _refunded(shop)]
    expect(gone == [each.amount.amount for each in asked], f"the provider gave back {gone}")


@rule("More than was captured, of nothing, or of an attempt that took no money is "
      "GatewayRejected, and nothing is given back.", needs="refund")  # fmt: skip
async def refund_of_too_much_is_refused(shop: Subject) -> None:
    attempt = await _captured(shop)
    more = attempt.amount.amount + 1000
    failed = await shop.pay("failed")
    untaken = [each.provider_payment_id for each in (await shop.fetched(failed)).attempts]
    asked = [shop.refund_of(attempt, more)]
    asked += [
        dataclasses.replace(shop.refund_of(attempt), provider_payment_id=each)
        for each in (*untaken, f"{attempt.provider_payment_id}x", "../x")
    ]
    for request in asked:
        answer = await outcome(_refunds(shop).refund(request))
        expect(isinstance(answer, GatewayRejected), f"{request}: {answer!r}")
    await _refunds(shop).refund(shop.refund_of(attempt))
    answer = await outcome(_refunds(shop).refund(shop.refund_of(attempt)))
    expect(isinstance(answer, GatewayRejected), f"the whole a second time: {answer!r}")
    gone = [each["amount"] for each in await _refunded(shop)]
    expect(gone == [attempt.amount.amount], f"the provider gave back {gone}")


@rule("The same refund_id again is the same refund, and one at the provider; also when the first "
      "took the whole.", needs="refund")  # fmt: skip
async def refund_twice_is_one(shop: Subject) -> None:
    request = shop.refund_of(await _captured(shop))
    first = await _refunds(shop).refund(request)
    again = await _refunds(shop).refund(request)
    expect(
        again.provider_refund_id == first.provider_refund_id,
        f"{first.provider_refund_id}, then {again.provider_refund_id}",
    )
    expect(len(await _refunded(shop)) == 1, "the provider has given back twice")


@rule("A refund whose answer is lost is GatewayOutcomeUnknown or is made good at once, never a "
      "refusal; fetch_refund finds it by our id, and the same call again makes no other.",
      needs="refund", timeout_s=0.4)  # fmt: skip
async def refund_survives_a_lost_answer(shop: Subject) -> None:
    for fault in LOST:
        request, before = shop.refund_of(await _captured(shop)), len(await _refunded(shop))
        shop.provider.spoil_write(fault)
        first = await outcome(_refunds(shop).refund(request))
        shop.provider.heal()
        expect(isinstance(first, RefundResult | GatewayOutcomeUnknown), f"after {fault}: {first!r}")
        found = await _refunds(shop).fetch_refund(lookup_of(request))
        was_made = len(await _refunded(shop)) > before
        expect((found is not None) == was_made, f"after {fault}: found {found!r}")
        again = await patiently(partial(_refunds(shop).refund, request))
        made = (await _refunded(shop))[before:]
        expect(
            [each["id"] for each in made] == [again.provider_refund_id],
            f"after {fault} and a second call the provider has {made}",
        )


@rule("A refund that never reached the provider is GatewayUnavailable, and nothing was given "
      "back.", needs="refund")  # fmt: skip
async def refund_not_reached_is_unavailable(shop: Subject) -> None:
    attempt = await _captured(shop)
    shop.provider.spoil_all("429")
    answers = {"429": await outcome(_refunds(shop).refund(shop.refund_of(attempt)))}
    shop.provider.heal()
    gateway: Any = shop.build(shop.dead_end())
    answers["refused connection"] = await outcome(gateway.refund(shop.refund_of(attempt)))
    for cause, answer in answers.items():
        expect(isinstance(answer, GatewayUnavailable), f"{cause}: {answer!r}")
    expect(not await _refunded(shop), "something was given back")


@rule("A refund that the provider has never heard of is None.", needs="refund")
async def unknown_refund_is_none(shop: Subject) -> None:
    attempt = await _captured(shop)
    await _refunds(shop).refund(shop.refund_of(attempt, _part(shop)))
    found = await _refunds(shop).fetch_refund(lookup_of(shop.refund_of(attempt)))
    expect(found is None, f"found {found!r}")


@rule("A refund of another payment is never taken for ours.", needs="refund")
async def refunds_are_never_mixed(shop: Subject) -> None:
    ours, other = await _captured(shop), await _captured(shop)
    made = await _refunds(shop).refund(shop.refund_of(other))
    asked = lookup_of(shop.refund_of(ours), made.provider_refund_id)
    answer = await outcome(_refunds(shop).fetch_refund(asked))
    expect(answer is None or isinstance(answer, GatewayRejected), f"answered {answer!r}")


@rule("fetch_refund tells how a refund ended, also when one that succeeded fails after all.",
      needs="refund")  # fmt: skip
async def refunds_end_is_told(shop: Subject) -> None:
    request = shop.refund_of(await _captured(shop))
    made = await _refunds(shop).refund(request)
    for status in ("succeeded", "failed"):
        await shop.provider.control("settle_refund", refund=made.provider_refund_id, status=status)
        found = await _refunds(shop).fetch_refund(lookup_of(request, made.provider_refund_id))
        expect(found is not None and found.status == status, f"{status} is told as {found!r}")


@rule("fetch_refund only reads: every kind of silence is GatewayUnavailable.",
      needs="refund", timeout_s=0.4)  # fmt: skip
async def fetch_refund_only_reads(shop: Subject) -> None:
    request = shop.refund_of(await _captured(shop))
    made = await _refunds(shop).refund(request)
    for fault in LOST_READS:
        shop.provider.spoil_all(fault)
        answers: list[RefundResult | GatewayError | None] = [
            await outcome(_refunds(shop).fetch_refund(lookup_of(request, reference)))
            for reference in (made.provider_refund_id, "")
        ]
        shop.provider.heal()
        for answer in answers:
            expect(isinstance(answer, GatewayUnavailable), f"{fault}: {answer!r}")


async def _captured(shop: Subject) -> PaymentResult:
    return await shop.attempt(await shop.pay())


async def _refunded(shop: Subject) -> list[dict[str, Any]]:
    return [refund for taken in await shop.provider.ledger() for refund in taken["refunds"]]


def _refunds(shop: Subject) -> Refunds:
    if not isinstance(shop.gateway, Refunds):
        raise TypeError("it has no refund")
    return shop.gateway


def _part(shop: Subject) -> int | None:
    return _PART if shop.capabilities.refund is Support.PARTIAL else None
