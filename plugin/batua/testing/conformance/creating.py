"""Rules about creating a payment: once per id, whatever becomes of the answer."""

from __future__ import annotations

from collections import Counter
from functools import partial

from batua.contract import (
    CreatedPayment,
    GatewayError,
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayUnavailable,
    Money,
    active_currencies,
)
from batua.testing.conformance.declaring import shows_a_secret
from batua.testing.conformance.rule import at_once, expect, outcome, rule
from batua.testing.conformance.subject import Subject, patiently

__all__ = ["LOST", "LOST_READS"]

LOST = ("500", "500_after_effect", "timeout_after_effect", "html", "connection_reset")
"""What takes an answer away; all but the first after the call had its effect."""

LOST_READS = ("500", "html", "connection_reset", "429")
"""The same for calls that only read, without the wait."""


@rule("The same payment_id twice is the same payment, and one at the provider.", of_fronts=True)
async def create_twice_is_one(shop: Subject) -> None:
    request = shop.request()
    first = await shop.gateway.create_payment(request)
    expect(first.provider_reference, "there is no provider_reference")
    kept = shop.money_side.provider.kept()
    again = await shop.gateway.create_payment(request)
    expect(
        again.provider_reference == first.provider_reference,
        f"{first.provider_reference} and then {again.provider_reference}",
    )
    _expect_kept(shop, kept, Counter(), "the second call")


@rule("Other payment_ids are other payments.", of_fronts=True)
async def payments_are_apart(shop: Subject) -> None:
    created = [await shop.gateway.create_payment(shop.request()) for _ in range(2)]
    calls = (shop.gateway.create_payment(shop.request()) for _ in range(6))
    created += await at_once(calls)
    references = {each.provider_reference for each in created}
    expect(len(references) == len(created), "two payments have one provider_reference")


@rule("When one answer of create_payment is lost, the error says so or the payment is found at "
      "once; the same call again gives that payment, and there is one.", timeout_s=0.4)  # fmt: skip
async def create_survives_a_lost_answer(shop: Subject) -> None:
    usual = await _usual_growth(shop)
    for fault in (*LOST, "slow_drip"):
        request, kept = shop.request(), shop.provider.kept()
        shop.provider.spoil_write(fault)
        first = await outcome(shop.gateway.create_payment(request))
        shop.provider.heal()
        _expect_honest(shop, first, kept, fault)
        again = await patiently(partial(shop.gateway.create_payment, request))
        if isinstance(first, CreatedPayment):
            expect(
                first.provider_reference == again.provider_reference,
                f"after {fault}: {first.provider_reference}, then {again.provider_reference}",
            )
        _expect_kept(shop, kept, usual, f"{fault} and a second call")


@rule("When every answer is lost, create_payment is GatewayOutcomeUnknown once it has been sent, "
      "never a refusal; the same call later gives one payment.", timeout_s=0.4)  # fmt: skip
async def create_says_what_it_does_not_know(shop: Subject) -> None:
    usual = await _usual_growth(shop)
    for fault in ("500_after_effect", "html", "connection_reset"):
        request, kept = shop.request(), shop.provider.kept()
        shop.provider.spoil_write(fault, rest=True)
        first = await outcome(shop.gateway.create_payment(request))
        shop.provider.heal()
        expect(isinstance(first, GatewayError), f"after {fault} only: {first!r}")
        _expect_honest(shop, first, kept, fault)
        await patiently(partial(shop.gateway.create_payment, request))
        _expect_kept(shop, kept, usual, f"{fault} only and a second call")


@rule("A provider that can't be reached, or asks to wait (429), is GatewayUnavailable, and "
      "nothing was created.", of_fronts=True)  # fmt: skip
async def create_not_reached_is_unavailable(shop: Subject) -> None:
    behind = shop.money_side
    await shop.gateway.create_payment(shop.request())
    kept = behind.provider.kept()
    behind.provider.spoil_all("429")
    answers = {"429": await outcome(shop.gateway.create_payment(shop.request()))}
    behind.provider.heal()
    if shop is behind:
        gateway = shop.build(shop.dead_end())
        answers["refused connection"] = await outcome(gateway.create_payment(shop.request()))
    for cause, answer in answers.items():
        expect(isinstance(answer, GatewayUnavailable), f"{cause}: {answer!r}")
    expect(behind.provider.kept() == kept, "something was created all the same")


@rule("An amount below the minimum, of nothing, or in another currency is GatewayRejected before "
      "anything is sent.", of_fronts=True)  # fmt: skip
async def uncollectable_is_refused_unsent(shop: Subject) -> None:
    other = next(iter(sorted(active_currencies() - shop.capabilities.currencies)), None)
    refused = [Money(0, shop.amount.currency), Money(-100, shop.amount.currency)]
    refused += [Money(50_000, other)] if other else []
    refused += [
        Money(least - 1, currency)
        for currency, least in sorted(shop.capabilities.minimums.items())
        if least > 0
    ]
    for amount in refused:
        sent = len(shop.provider.requests) + len(shop.money_side.provider.requests)
        answer = await outcome(shop.gateway.create_payment(shop.request(amount=amount)))
        expect(
            isinstance(answer, GatewayRejected), f"{amount.amount} {amount.currency}: {answer!r}"
        )
        now = len(shop.provider.requests) + len(shop.money_side.provider.requests)
        expect(now == sent, f"{amount.amount} {amount.currency} was sent to the provider")


@rule("What the browser is given holds no secret.", of_fronts=True)
async def checkout_has_no_secret(shop: Subject) -> None:
    created = await shop.gateway.create_payment(shop.request())
    expect(created.checkout or created.url, "there is no way to pay: no checkout and no url")
    given = f"{dict(created.checkout)} {created.url}"
    for side in {shop, shop.money_side}:
        expect(not shows_a_secret(side, given), "a secret is in the checkout or its url")


async def _usual_growth(shop: Subject) -> Counter[str]:
    """How many things one create makes. The one before it fetches what adapters keep: tokens."""
    await shop.gateway.create_payment(shop.request())
    kept = shop.provider.kept()
    await shop.gateway.create_payment(shop.request())
    return shop.provider.kept() - kept


def _expect_honest(
    shop: Subject, answer: CreatedPayment | GatewayError, kept: Counter[str], fault: str
) -> None:
    if isinstance(answer, GatewayUnavailable):
        expect(shop.provider.kept() == kept, f"after {fault}: unavailable, but it was created")
        return
    expect(isinstance(answer, CreatedPayment | GatewayOutcomeUnknown), f"after {fault}: {answer!r}")


def _expect_kept(shop: Subject, kept: Counter[str], usual: Counter[str], after: str) -> None:
    grown = shop.money_side.provider.kept() - kept
    for kind in grown | usual:
        expect(
            grown[kind] == usual[kind],
            f"after {after} the provider keeps {grown[kind]} more of {kind}, not {usual[kind]}",
        )
