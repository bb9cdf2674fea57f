"""Rules about taking what was authorized, or giving it back."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any

from batua.contract import (
    Captures,
    FollowUpRequest,
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayUnavailable,
    Money,
    PaymentResult,
    ProviderPaymentStatus,
    Voids,
)
from batua.testing.conformance.creating import LOST
from batua.testing.conformance.rule import expect, outcome, rule
from batua.testing.conformance.subject import Paid, Subject, patiently

__all__: list[str] = []

CAPTURED = ProviderPaymentStatus.CAPTURED
VOIDED = ProviderPaymentStatus.VOIDED

FollowUp = Callable[[FollowUpRequest], Awaitable[PaymentResult]]


@rule("An authorized attempt is captured whole, once however often it is asked.", needs="capture")
async def capture_takes_once(shop: Subject) -> None:
    paid, request = await _authorized(shop)
    first = await _capture(shop)(request)
    expect(first.status is CAPTURED and first.amount == request.amount, f"captured: {first!r}")
    again = await _capture(shop)(request)
    expect(
        (again.status, again.provider_payment_id) == (CAPTURED, first.provider_payment_id),
        f"captured again: {again!r}",
    )
    await _expect_taken(shop, [first.provider_payment_id])
    found = [each for each in (await shop.fetched(paid)).attempts if each.status is CAPTURED]
    ids = [each.provider_payment_id for each in found]
    expect(ids == [first.provider_payment_id], f"fetched: {found}")


@rule("A capture whose answer is lost is GatewayOutcomeUnknown or is made good at once; asked "
      "again it is captured, once.", needs="capture", timeout_s=0.4)  # fmt: skip
async def capture_survives_a_lost_answer(shop: Subject) -> None:
    for number, fault in enumerate(LOST, start=1):
        _, request = await _authorized(shop)
        await _survives(shop, _capture(shop), request, fault, CAPTURED)
        taken = await shop.provider.ledger()
        expect(len(taken) == number, f"after {fault} there are {len(taken)} captures")


@rule("A capture that never reached the provider is GatewayUnavailable, and nothing was taken.",
      needs="capture")  # fmt: skip
async def capture_not_reached_is_unavailable(shop: Subject) -> None:
    _, request = await _authorized(shop)
    await _expect_unavailable(shop, "capture", request)
    await _expect_taken(shop, [])


@rule("A capture of more than was authorized, of another currency or of an unknown attempt is "
      "GatewayRejected, and nothing was taken.", needs="capture")  # fmt: skip
async def wrong_capture_is_refused(shop: Subject) -> None:
    _, request = await _authorized(shop)
    await shop.pay("failed")
    wrong = [
        dataclasses.replace(request, amount=_more(request.amount)),
        dataclasses.replace(request, provider_payment_id=f"{request.provider_payment_id}x"),
        dataclasses.replace(request, provider_payment_id="../x"),
    ]
    for each in wrong:
        answer = await outcome(_capture(shop)(each))
        expect(isinstance(answer, GatewayRejected), f"{each}: {answer!r}")
    await _expect_taken(shop, [])


@rule("A void gives the authorized money back: the attempt is VOIDED, also when it is asked "
      "again, and can't be captured.", needs="void")  # fmt: skip
async def void_gives_back(shop: Subject) -> None:
    paid, request = await _authorized(shop)
    for word in ("once", "again"):
        answer = await outcome(_void(shop)(request))
        expect(
            isinstance(answer, PaymentResult) and answer.status is VOIDED,
            f"voided {word}: {answer!r}",
        )
    expect((await shop.attempt(paid)).status is VOIDED, "fetched, it is not voided")
    if isinstance(shop.gateway, Captures):
        answer = await outcome(shop.gateway.capture(request))
        expect(isinstance(answer, GatewayRejected), f"captured after the void: {answer!r}")
    await _expect_taken(shop, [])


@rule("A void whose answer is lost is GatewayOutcomeUnknown or is made good at once; asked again "
      "it is voided.", needs="void", timeout_s=0.4)  # fmt: skip
async def void_survives_a_lost_answer(shop: Subject) -> None:
    for fault in LOST:
        _, request = await _authorized(shop)
        await _survives(shop, _void(shop), request, fault, VOIDED)


@rule("Money that was captured can't be voided: GatewayRejected.", needs="void")
async def captured_is_not_voided(shop: Subject) -> None:
    attempt = await shop.attempt(paid := await shop.pay())
    answer = await outcome(_void(shop)(shop.follow_up(paid, attempt)))
    expect(isinstance(answer, GatewayRejected), f"voided after the capture: {answer!r}")
    await _expect_taken(shop, [attempt.provider_payment_id])


async def _authorized(shop: Subject) -> tuple[Paid, FollowUpRequest]:
    paid = await shop.pay("authorized")
    attempt = await shop.attempt(paid)
    return paid, shop.follow_up(paid, attempt)


async def _survives(
    shop: Subject,
    act: FollowUp,
    request: FollowUpRequest,
    fault: str,
    end: ProviderPaymentStatus,
) -> None:
    shop.provider.spoil_write(fault)
    first = await outcome(act(request))
    shop.provider.heal()
    expect(
        isinstance(first, GatewayOutcomeUnknown)
        or (isinstance(first, PaymentResult) and first.status is end),
        f"after {fault}: {first!r}",
    )
    again = await patiently(lambda: act(request))
    expect(again.status is end, f"after {fault} and a second call: {again!r}")


async def _expect_unavailable(shop: Subject, verb: str, request: FollowUpRequest) -> None:
    shop.provider.spoil_all("429")
    answer = await outcome(getattr(shop.gateway, verb)(request))
    shop.provider.heal()
    expect(isinstance(answer, GatewayUnavailable), f"429: {answer!r}")
    gateway: Any = shop.build(shop.dead_end())
    answer = await outcome(getattr(gateway, verb)(request))
    expect(isinstance(answer, GatewayUnavailable), f"refused connection: {answer!r}")


async def _expect_taken(shop: Subject, ids: list[str]) -> None:
    taken = [each["id"] for each in await shop.provider.ledger()]
    expect(taken == ids, f"the provider took {taken}, not {ids}")


def _capture(shop: Subject) -> FollowUp:
    if not isinstance(shop.gateway, Captures):
        raise TypeError("it has no capture")
    return shop.gateway.capture


def _void(shop: Subject) -> FollowUp:
    if not isinstance(shop.gateway, Voids):
        raise TypeError("it has no void")
    return shop.gateway.void


def _more(amount: Money) -> Money:
    # Some providers let a tip be added: up to 15 % more.
    return Money(amount.amount * 2, amount.currency)
