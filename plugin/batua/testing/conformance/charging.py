"""Rules about charging what a payer has saved, or what a wallet app hands over."""

from __future__ import annotations

from functools import partial

from batua.contract import (
    CardTokenRequest,
    ChargeRequest,
    Charges,
    FetchedPayment,
    GatewayError,
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayUnavailable,
    Mandate,
    NetworkTokenRequest,
    OpensUpi,
    ProviderPaymentStatus,
    TakesCardTokens,
    TakesNetworkTokens,
    TokenResult,
    UpiIntentRequest,
)
from batua.testing.conformance.creating import LOST
from batua.testing.conformance.declaring import shows_a_secret
from batua.testing.conformance.rule import expect, outcome, rule
from batua.testing.conformance.subject import Subject, lookup, patiently

__all__: list[str] = []

CAPTURED = ProviderPaymentStatus.CAPTURED
_NOT_YET = {ProviderPaymentStatus.PENDING, ProviderPaymentStatus.AUTHORIZED, CAPTURED}


@rule("A payment with a mandate saves the payer's instrument: a webhook tells that it can be "
      "charged.", needs="recurring")  # fmt: skip
async def mandate_saves_an_instrument(shop: Subject) -> None:
    token = await _saved(shop)
    expect(token.provider_token, "the instrument has no name")
    expect(token.mode is shop.gateway.mode, f"an instrument of mode {token.mode}")


@rule("A saved instrument is charged once per payment_id, with the amount that was asked.",
      needs="recurring")  # fmt: skip
async def charge_is_made_once(shop: Subject) -> None:
    request, before = _charge(shop, await _saved(shop)), len(await shop.provider.ledger())
    first = await _charges(shop).charge_token(request)
    again = await _charges(shop).charge_token(request)
    expect(
        first.provider_reference and again.provider_reference == first.provider_reference,
        f"{first.provider_reference!r}, then {again.provider_reference!r}",
    )
    for attempt in first.attempts:
        expect(attempt.status in _NOT_YET, f"charged: {attempt!r}")
        expect(attempt.amount == request.amount, f"charged {attempt.amount}")
    made = (await shop.provider.ledger())[before:]
    expect(len(made) <= 1, f"the provider took the money {len(made)} times")
    expect(all(each["amount"] == request.amount.amount for each in made), f"it took {made}")


@rule("A charge whose answer is lost is GatewayOutcomeUnknown or is made good at once; "
      "fetch_payment or the same call finds it, and there is one.",
      needs="recurring", timeout_s=0.4)  # fmt: skip
async def charge_survives_a_lost_answer(shop: Subject) -> None:
    token = await _saved(shop)
    await _charges(shop).charge_token(_charge(shop, token))
    for fault in LOST:
        request, before = _charge(shop, token), len(await shop.provider.ledger())
        shop.provider.spoil_write(fault)
        first = await outcome(_charges(shop).charge_token(request))
        shop.provider.heal()
        if isinstance(first, GatewayUnavailable):
            expect(len(await shop.provider.ledger()) == before, f"{fault}: money was taken")
        else:
            expect(isinstance(first, FetchedPayment | GatewayOutcomeUnknown), f"{fault}: {first!r}")
        await patiently(partial(_charges(shop).charge_token, request))
        made = (await shop.provider.ledger())[before:]
        expect(len(made) <= 1, f"after {fault} the provider took the money {len(made)} times")


@rule("An instrument that the provider does not know is GatewayRejected, and nothing is taken.",
      needs="recurring")  # fmt: skip
async def unknown_instrument_is_refused(shop: Subject) -> None:
    token, before = await _saved(shop), len(await shop.provider.ledger())
    for name in (f"{token.provider_token}x", "nonsense", "../x"):
        request = ChargeRequest(
            payment_id=shop.our_id(),
            amount=shop.amount,
            provider_token=name,
            provider_customer=token.provider_customer,
            email="asha@shop.example",
            phone="+919999999999",
        )
        answer = await outcome(_charges(shop).charge_token(request))
        expect(isinstance(answer, GatewayRejected), f"{name!r}: {answer!r}")
    expect(len(await shop.provider.ledger()) == before, "money was taken")


@rule("What a wallet needs to seal a token is public, and a token that is none is GatewayRejected "
      "with nothing taken.", needs="card_tokens")  # fmt: skip
async def bad_card_token_is_refused(shop: Subject) -> None:
    gateway = shop.gateway
    if not isinstance(gateway, TakesCardTokens):
        raise TypeError("it takes no card tokens")
    parameters = dict(gateway.card_token_parameters)
    expect(parameters, "there are no parameters")
    expect(not shows_a_secret(shop, str(parameters)), "a secret is in the parameters")
    request = shop.request()
    created = await gateway.create_payment(request)
    for token in ("", "nonsense", "{}", '{"id":"tok_unknown"}', "é"):
        asked = CardTokenRequest(
            payment_id=request.payment_id,
            provider_reference=created.provider_reference,
            amount=request.amount,
            kind="google_pay",
            token=token,
        )
        answer = await outcome(gateway.charge_card_token(asked))
        _expect_refused(shop, f"the token {token!r}", answer)
    expect(not await shop.provider.ledger(), "money was taken")


@rule("A number that is no card's is GatewayRejected with nothing taken, and is in no error.",
      needs="network_tokens")  # fmt: skip
async def bad_network_token_is_refused(shop: Subject) -> None:
    gateway = shop.gateway
    if not isinstance(gateway, TakesNetworkTokens):
        raise TypeError("it takes no network tokens")
    request = shop.request()
    created = await gateway.create_payment(request)
    number = "4000000000000001"  # Its check digit is wrong.
    asked = NetworkTokenRequest(
        payment_id=request.payment_id,
        provider_reference=created.provider_reference,
        amount=request.amount,
        kind="google_pay",
        number=number,
        expiry_month=12,
        expiry_year=2030,
    )
    answer = await outcome(gateway.charge_network_token(asked))
    _expect_refused(shop, "a wrong number", answer)
    expect(number not in f"{answer!r}{asked!r}", "the number is shown")
    expect(not await shop.provider.ledger(), "money was taken")


@rule("A UPI link pays exactly this payment, moves nothing by itself, and may be asked for again.",
      needs="upi_intent")  # fmt: skip
async def upi_link_moves_nothing(shop: Subject) -> None:
    gateway = shop.gateway
    if not isinstance(gateway, OpensUpi):
        raise TypeError("it opens no UPI app")
    request = shop.request()
    created = await gateway.create_payment(request)
    asked = UpiIntentRequest(
        payment_id=request.payment_id,
        provider_reference=created.provider_reference,
        amount=request.amount,
    )
    for _ in range(2):
        intent = await gateway.open_upi(asked)
        expect(intent.link.startswith("upi://pay?"), f"the link is {intent.link!r}")
        whole, cents = divmod(request.amount.amount, 100)
        expect(f"am={whole}.{cents:02d}" in intent.link, f"another amount: {intent.link}")
        expect(not shows_a_secret(shop, intent.link), "a secret is in the link")
    expect(not await shop.provider.ledger(), "money was taken")
    found = await gateway.fetch_payment(lookup(request, created.provider_reference))
    expect(not any(each.status is CAPTURED for each in found.attempts), "it is captured")


def _expect_refused(shop: Subject, what: str, answer: object) -> None:
    refused = isinstance(answer, GatewayRejected) or (
        getattr(answer, "status", None) is ProviderPaymentStatus.FAILED
    )
    expect(refused, f"{what}: {answer!r}")
    if isinstance(answer, GatewayError):
        expect(not shows_a_secret(shop, str(answer)), "a secret is in the error")


def _charges(shop: Subject) -> Charges:
    if not isinstance(shop.gateway, Charges):
        raise TypeError("it has no charge_token")
    return shop.gateway


def _charge(shop: Subject, token: TokenResult) -> ChargeRequest:
    return ChargeRequest(
        payment_id=shop.our_id(),
        amount=shop.amount,
        provider_token=token.provider_token,
        provider_customer=token.provider_customer,
        email="asha@shop.example",
        phone="+919999999999",
    )


async def _saved(shop: Subject) -> TokenResult:
    """What the webhooks tell of the instrument of a payment with a mandate, once it is paid."""
    mandate = Mandate(
        max_amount=shop.amount, name="Asha", email="asha@shop.example", phone="+919999999999"
    )
    request = shop.request(mandate=mandate)
    created = await shop.gateway.create_payment(request)
    await shop.try_again(request, created, "captured")
    told = [
        event.payload
        for delivery in shop.provider.deliveries()
        for event in await shop.verify(delivery)
        if isinstance(event.payload, TokenResult) and event.payload.is_usable
    ]
    expect(told, "no webhook tells of a saved instrument")
    # One of two webhooks may name the instrument alone, and the other its owner as well.
    return max(told, key=lambda token: bool(token.provider_customer))
