"""Rules about asking for a payment: the provider's word, whole, and nothing else."""

from __future__ import annotations

from contextlib import suppress

from batua.contract import (
    FetchedPayment,
    GatewayRejected,
    GatewayUnavailable,
    ProviderPaymentStatus,
)
from batua.testing.conformance.creating import LOST
from batua.testing.conformance.provider import Refusal
from batua.testing.conformance.rule import NotApplicable, expect, outcome, rule
from batua.testing.conformance.subject import Paid, Subject, lookup

__all__: list[str] = []

CAPTURED = ProviderPaymentStatus.CAPTURED


@rule("A payment that the provider has never heard of has an empty reference and no attempts.")
async def unknown_payment_is_empty(shop: Subject) -> None:
    await shop.pay()
    found = await shop.gateway.fetch_payment(lookup(shop.request()))
    expect(found.provider_reference == "" and not found.attempts, f"found {found!r}")


@rule("A reference that the provider does not know is refused or answered with nothing, never "
      "with a guess.")  # fmt: skip
async def unknown_reference_is_refused(shop: Subject) -> None:
    known = await shop.pay()
    for reference in (f"{known.reference}x", "nonsense", "../etc", "a/b?c", "é"):
        answer = await outcome(shop.gateway.fetch_payment(lookup(shop.request(), reference)))
        expect(
            isinstance(answer, GatewayRejected)
            or (isinstance(answer, FetchedPayment) and not answer.attempts),
            f"{reference!r}: {answer!r}",
        )


@rule("When create_payment's answer is lost, the payment is found by our id; where the provider "
      "has no such search, the same create_payment gives it.", timeout_s=0.4)  # fmt: skip
async def lost_payment_is_found_by_our_id(shop: Subject) -> None:
    paid = await shop.pay()
    found = await shop.gateway.fetch_payment(lookup(paid.request))
    if not found.provider_reference:
        again = await shop.gateway.create_payment(paid.request)
        expect(again.provider_reference == paid.reference, "it is neither found nor given again")
        return
    expect(found.provider_reference == paid.reference, f"found {found.provider_reference}")
    expect([each.status for each in found.attempts] == [CAPTURED], f"found {found.attempts}")


@rule("Before anyone has paid there is no captured attempt.")
async def unpaid_is_not_captured(shop: Subject) -> None:
    request = shop.request()
    created = await shop.gateway.create_payment(request)
    found = await shop.gateway.fetch_payment(lookup(request, created.provider_reference))
    expect(found.provider_reference == created.provider_reference, f"found {found!r}")
    expect(not any(each.status is CAPTURED for each in found.attempts), f"found {found.attempts}")


@rule("An attempt is CAPTURED only when the provider took the money: failed and authorized ones "
      "are not.")  # fmt: skip
async def captured_only_when_taken(shop: Subject) -> None:
    failed = await shop.pay("failed")
    statuses = {each.status for each in (await shop.fetched(failed)).attempts}
    expect(
        statuses <= {ProviderPaymentStatus.FAILED, ProviderPaymentStatus.PENDING},
        f"a failed try is {statuses}",
    )
    try:
        waiting = await shop.pay("authorized")
    except Refusal:
        return
    statuses = {each.status for each in (await shop.fetched(waiting)).attempts}
    expect(statuses == {ProviderPaymentStatus.AUTHORIZED}, f"an authorized try is {statuses}")
    expect(not await shop.provider.ledger(), "the provider has taken money by itself")


@rule("Each capture is there exactly once, with the provider's own id, amount, currency and this "
      "gateway's mode, also after a failed try and when the payer pays twice.")  # fmt: skip
async def every_capture_is_fetched(shop: Subject) -> None:
    failed = await shop.pay("failed")
    await shop.try_again(failed.request, failed.created, "captured")
    with suppress(Refusal):  # Some providers take a payment once.
        await shop.try_again(failed.request, failed.created, "captured")
    await _expect_as_taken(shop, failed)


@rule("The amount is what the provider took, never what was asked.")
async def amount_is_the_providers(shop: Subject) -> None:
    other = shop.amount.amount - 10_000
    try:
        paid = await shop.pay(amount=other)
    except Refusal as refusal:
        raise NotApplicable("the provider takes no other amount than was asked") from refusal
    await _expect_as_taken(shop, paid)


@rule("A reference of another payment is refused, or answered without that payment's attempts.")
async def payments_are_never_mixed(shop: Subject) -> None:
    ours, other = await shop.pay(), await shop.pay()
    answer = await outcome(shop.gateway.fetch_payment(lookup(ours.request, other.reference)))
    if isinstance(answer, FetchedPayment):
        foreign = [each for each in answer.attempts if each.provider_reference == other.reference]
        expect(not foreign, f"another payment's attempts: {foreign}")
        return
    expect(isinstance(answer, GatewayRejected), repr(answer))


@rule("fetch_payment only reads: every kind of silence is GatewayUnavailable.", timeout_s=0.4)
async def fetch_only_reads(shop: Subject) -> None:
    paid, kept = await shop.pay(), shop.provider.kept()
    await shop.fetched(paid)
    for fault in (*LOST, "429"):
        shop.provider.spoil_all(fault)
        answer = await outcome(shop.fetched(paid))
        shop.provider.heal()
        expect(isinstance(answer, GatewayUnavailable), f"{fault}: {answer!r}")
    gateway = shop.build(shop.dead_end())
    answer = await outcome(gateway.fetch_payment(paid.lookup))
    expect(isinstance(answer, GatewayUnavailable), f"refused connection: {answer!r}")
    expect(shop.provider.kept().keys() == kept.keys(), "something was created")


async def _expect_as_taken(shop: Subject, paid: Paid) -> None:
    taken = sorted(
        (each["id"], each["amount"], each["currency"]) for each in await shop.provider.ledger()
    )
    captured = [each for each in (await shop.fetched(paid)).attempts if each.status is CAPTURED]
    told = sorted(
        (each.provider_payment_id, each.amount.amount, each.amount.currency) for each in captured
    )
    expect(told == taken, f"the provider took {taken}, the adapter tells of {told}")
    for each in captured:
        expect(each.mode is shop.gateway.mode, f"an attempt of mode {each.mode}")
        expect(
            each.provider_reference == paid.reference,
            f"an attempt on {each.provider_reference!r}, not {paid.reference!r}",
        )
