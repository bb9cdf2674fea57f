"""Rules about what a browser brings back: a hint, never money by itself."""

from __future__ import annotations

from collections.abc import Mapping

from batua.contract import (
    ConfirmRequest,
    Confirms,
    GatewayError,
    GatewayRejected,
    PaymentResult,
    ProviderPaymentStatus,
)
from batua.testing.conformance.rule import NotApplicable, expect, outcome, rule
from batua.testing.conformance.subject import Paid, Subject

__all__: list[str] = []


@rule("The right proof brings the provider's word on the attempt: its id, status and amount.",
      needs="confirm")  # fmt: skip
async def right_proof_is_confirmed(shop: Subject) -> None:
    paid = await shop.pay()
    answer = await outcome(_confirm(shop, paid, paid.proof))
    expect(isinstance(answer, PaymentResult), f"the right proof: {answer!r}")
    if isinstance(answer, PaymentResult):
        (taken,) = await shop.provider.ledger()
        told = (answer.provider_payment_id, answer.amount.amount, answer.amount.currency)
        expect(told == (taken["id"], taken["amount"], taken["currency"]), f"it tells {told}")
        expect(answer.status is ProviderPaymentStatus.CAPTURED, f"it tells {answer.status}")
        expect(answer.provider_reference == paid.reference, "it names another payment")
    failed = await shop.pay("failed")
    answer = await outcome(_confirm(shop, failed, failed.proof))
    expect(
        not isinstance(answer, PaymentResult)
        or answer.status is not ProviderPaymentStatus.CAPTURED,
        "a failed attempt is confirmed as captured",
    )


@rule("No proof, or an empty one, is GatewayRejected.", needs="confirm", of_fronts=True)
async def missing_proof_is_refused(shop: Subject) -> None:
    request = shop.request()
    created = await shop.gateway.create_payment(request)
    paid = Paid(request, created, {})
    for proof in ({}, {"": ""}, {"unknown": "x"}):
        answer = await outcome(_confirm(shop, paid, proof))
        expect(isinstance(answer, GatewayRejected), f"the proof {proof}: {answer!r}")
    expect(not await shop.money_side.provider.ledger(), "money was taken")


@rule("A proof that was altered in any part is GatewayRejected, or changes nothing of the "
      "provider's word.", needs="confirm")  # fmt: skip
async def wrong_proof_is_refused(shop: Subject) -> None:
    paid = await shop.pay()
    right = await outcome(_confirm(shop, paid, paid.proof))
    wrong = {name: _altered(value) for name, value in paid.proof.items()}
    answer = await outcome(_confirm(shop, paid, wrong))
    expect(isinstance(answer, GatewayRejected), f"every part altered: {answer!r}")
    for name, value in wrong.items():
        answer = await outcome(_confirm(shop, paid, {**paid.proof, name: value}))
        expect(
            isinstance(answer, GatewayRejected) or answer == right, f"{name} altered: {answer!r}"
        )
        for odd in ("", "é", "x" * 10_000, "../x"):
            answer = await outcome(_confirm(shop, paid, {**paid.proof, name: odd}))
            expect(
                isinstance(answer, GatewayRejected) or answer == right,
                f"{name} is {odd[:9]!r}: {answer!r}",
            )


@rule("The proof of another payment is GatewayRejected.", needs="confirm")
async def other_payments_proof_is_refused(shop: Subject) -> None:
    request = shop.request()
    created = await shop.gateway.create_payment(request)
    other = await shop.pay()
    if not other.proof:
        raise NotApplicable("the browser brings back nothing of its own")
    answer = await outcome(_confirm(shop, Paid(request, created, {}), other.proof))
    expect(isinstance(answer, GatewayRejected), f"another payment's proof: {answer!r}")


async def _confirm(
    shop: Subject, paid: Paid, proof: Mapping[str, str]
) -> PaymentResult | GatewayError:
    gateway = shop.gateway
    if not isinstance(gateway, Confirms):
        raise TypeError("it has no confirm")
    asked = ConfirmRequest(
        payment_id=paid.request.payment_id,
        provider_reference=paid.reference,
        amount=paid.request.amount,
        proof=dict(proof),
    )
    return await gateway.confirm(asked)


def _altered(value: str) -> str:
    last = value[-1:]
    return value[:-1] + ("1" if last != "1" else "2")
