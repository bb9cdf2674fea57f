"""Rules about webhooks: the bytes are verified first, and nothing unsigned is ever believed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from contextlib import suppress

from batua.contract import (
    DisputeResult,
    PaymentResult,
    ProviderPaymentStatus,
    RefundResult,
    Refunds,
    WebhookEvent,
    WebhookRejected,
)
from batua.errors import ConfigurationError
from batua.testing.conformance.provider import Delivery, Refusal
from batua.testing.conformance.rule import NotApplicable, expect, outcome, rule
from batua.testing.conformance.subject import Subject

__all__: list[str] = []

_HUGE = 1_200_000
_DEEP = 100_000


@rule("A genuine webhook of a capture is one event with the provider's payment id, reference and "
      "amount, or says that the payment must be fetched.")  # fmt: skip
async def genuine_capture_is_told(shop: Subject) -> None:
    paid = await shop.pay()
    (taken,) = await shop.provider.ledger()
    told = [event for event in await _events(shop) if isinstance(event.payload, PaymentResult)]
    expect(told, "no webhook tells of the payment")
    for event in told:
        payload = event.payload
        if not isinstance(payload, PaymentResult):
            continue
        names = {payload.provider_payment_id, payload.provider_reference}
        expect(names & {taken["id"], paid.reference}, f"the event names {names}")
        if payload.status is ProviderPaymentStatus.CAPTURED and not event.needs_fetch:
            expect(
                (payload.provider_payment_id, payload.amount.amount, payload.amount.currency)
                == (taken["id"], taken["amount"], taken["currency"]),
                f"the provider took {taken}, the event tells {payload}",
            )
            expect(payload.mode is shop.gateway.mode, f"an event of mode {payload.mode}")
    expect(
        any(
            event.needs_fetch
            or getattr(event.payload, "status", None) is ProviderPaymentStatus.CAPTURED
            for event in told
        ),
        "no webhook tells that it was captured",
    )


@rule("A try that failed, or that was only authorized, is never told as captured.")
async def untaken_is_not_told_as_captured(shop: Subject) -> None:
    await shop.pay("failed")
    with suppress(Refusal):  # Some providers know no authorizations.
        await shop.pay("authorized")
    for event in await _events(shop):
        expect(
            event.needs_fetch
            or getattr(event.payload, "status", None) is not ProviderPaymentStatus.CAPTURED,
            f"told as captured: {event}",
        )


@rule("A genuine webhook of a refund names the refund and its payment, also of one that was "
      "begun in the provider's dashboard.", needs="refund")  # fmt: skip
async def genuine_refund_is_told(shop: Subject) -> None:
    attempt = await shop.attempt(await shop.pay())
    request = shop.refund_of(attempt, attempt.amount.amount - 10_000)
    if isinstance(shop.gateway, Refunds):
        await shop.gateway.refund(request)
    await shop.provider.control("refund", payment=attempt.provider_payment_id, amount=10_000)
    (taken,) = await shop.provider.ledger()
    told = {
        event.payload.provider_refund_id: (event.payload, event.needs_fetch)
        for event in await _events(shop)
        if isinstance(event.payload, RefundResult)
    }
    for refund in taken["refunds"]:
        expect(refund["id"] in told, f"no webhook tells of the refund {refund['id']}")
        payload, is_hint = told[refund["id"]]
        expect(
            payload.provider_payment_id == taken["id"]
            or (is_hint and not payload.provider_payment_id),
            f"the event names the payment {payload.provider_payment_id!r}",
        )
        expect(is_hint or payload.amount.amount == refund["amount"], f"told {payload.amount}")


@rule("A genuine webhook of a dispute names it and its payment, and tells how it ends.")
async def genuine_dispute_is_told(shop: Subject) -> None:
    attempt = await shop.attempt(await shop.pay())
    for status in ("open", "lost"):
        try:
            await shop.provider.control(
                "dispute", payment=attempt.provider_payment_id, status=status
            )
        except Refusal as refusal:
            if shop.capabilities.disputes:
                raise
            raise NotApplicable("the provider tells of no disputes") from refusal
        (taken,) = await shop.provider.ledger()
        told = [event for event in await _events(shop) if isinstance(event.payload, DisputeResult)]
        expect(told, f"no webhook tells of the dispute that is {status}")
        last = told[-1]
        if isinstance(last.payload, DisputeResult) and not last.needs_fetch:
            expect(last.payload.status == status, f"{status} is told as {last.payload.status}")
            expect(
                (last.payload.provider_payment_id, last.payload.amount.amount)
                == (taken["id"], taken["disputes"][0]["amount"]),
                f"told {last.payload}",
            )


@rule("The same webhook twice has the same event ids, and different webhooks have different ones.")
async def event_ids_are_stable(shop: Subject) -> None:
    await shop.pay()
    await shop.pay("failed")
    ids: list[tuple[str, ...]] = []
    for delivery in shop.provider.deliveries():
        first, again = await shop.verify(delivery), await shop.verify(delivery)
        expect(first == again, f"{delivery.kind}: {first}, and again {again}")
        ids.append(tuple(event.event_id for event in first))
    named = [each for each in ids if any(each)]
    expect(len(set(named)) == len(named), f"two webhooks have the same event ids: {named}")


@rule("A body that differs by one byte, in its spaces or in its amount from what was signed is "
      "WebhookRejected, or nothing of it is believed.")  # fmt: skip
async def altered_body_is_refused(shop: Subject) -> None:
    delivery = await _genuine(shop)
    for body in _altered(delivery.body):
        await _expect_unbelieved(shop, dataclasses.replace(delivery, body=body), "an altered body")


@rule("A webhook without its signature, or with an altered one, is WebhookRejected.")
async def unsigned_is_refused(shop: Subject) -> None:
    delivery = await _genuine(shop)
    genuine = await shop.verify(delivery)
    for headers in ({}, {"content-type": "application/json"}):
        answer = await outcome(shop.verify(dataclasses.replace(delivery, headers=headers)))
        expect(isinstance(answer, WebhookRejected), f"without headers: {answer}")
    empty = dict.fromkeys(delivery.headers, "")
    answer = await outcome(shop.verify(dataclasses.replace(delivery, headers=empty)))
    expect(isinstance(answer, WebhookRejected), f"with empty headers: {answer}")
    refused = 0
    for name, value in delivery.headers.items():
        for odd in (None, "", f"{value}x", value[1:], "é", "x" * 10_000):
            rest = {each: kept for each, kept in delivery.headers.items() if each != name}
            headers = rest if odd is None else rest | {name: odd}
            answer = await outcome(shop.verify(dataclasses.replace(delivery, headers=headers)))
            refused += isinstance(answer, WebhookRejected)
            expect(
                isinstance(answer, WebhookRejected) or _payloads(answer) == _payloads(genuine),
                f"with {name} {(odd or '')[:20]!r}: {answer}",
            )
    expect(refused >= 4, "no header of the webhook matters")


@rule("What is signed with other credentials than ours is WebhookRejected.")
async def other_secret_is_refused(shop: Subject) -> None:
    delivery = await _genuine(shop)
    answers = []
    for name, value in shop.environ.items():
        if value.startswith("http"):
            continue
        for other in (f"{value}x", f"x{value}"):
            try:
                gateway = shop.build({**shop.environ, name: other})
            except (ConfigurationError, ValueError):
                continue
            answers.append(await outcome(shop.verify(delivery, by=gateway)))
    expect(
        any(isinstance(answer, WebhookRejected) for answer in answers),
        "a webhook is accepted whatever the settings are",
    )


@rule("While the webhook's secret is rotated, old and new are accepted; then the old one is "
      "WebhookRejected.")  # fmt: skip
async def secret_can_be_rotated(shop: Subject) -> None:
    simulator = shop.provider.simulator
    new, old = (getattr(simulator, f"{which}webhook_secret", "") for which in ("", "old_"))
    names = [name for name, value in shop.secrets.items() if value == new]
    if not (new and old and names):
        raise NotApplicable("the provider signs with no secret that the shop can rotate")
    delivery = await _genuine(shop)
    past = shop.provider.signed(delivery.body, event_id=delivery.id, kind=delivery.kind, old=True)
    answer = await outcome(shop.verify(past))
    expect(isinstance(answer, WebhookRejected), f"the old secret, which is gone: {answer}")
    both = shop.build({**shop.environ, names[0]: f"{new},{old}"})
    genuine = await shop.verify(delivery)
    for each in (past, delivery):
        answer = await outcome(shop.verify(each, by=both))
        expect(answer == genuine, f"while it is rotated: {answer}")


@rule("A genuine event of a kind that means nothing to us is kept without a payload.")
async def unknown_kind_is_kept(shop: Subject) -> None:
    delivery = await _genuine(shop)
    body = delivery.body.replace(delivery.kind.encode(), b"batua.unheard_of")
    if body == delivery.body:
        raise NotApplicable("the kind of an event is not in its body")
    unknown = shop.provider.signed(body, event_id=delivery.id, kind="batua.unheard_of")
    answer = await outcome(shop.verify(unknown))
    expect(
        isinstance(answer, list) and answer and all(each.payload is None for each in answer),
        f"it is {answer}",
    )


@rule("Whatever the body is (empty, huge, not UTF-8, deeply nested, amounts of another type), "
      "signed or not, the only error is WebhookRejected.")  # fmt: skip
async def no_body_breaks_it(shop: Subject) -> None:
    delivery = await _genuine(shop)
    for body in _garbage():
        unsigned = dataclasses.replace(delivery, body=body)
        await _expect_unbelieved(shop, unsigned, f"{body[:20]!r} under another's signature")
        signed = shop.provider.signed(body, event_id=delivery.id, kind=delivery.kind)
        await _expect_unbelieved(shop, signed, f"{body[:20]!r}, signed")
    for body in _odd_amounts(delivery.body, shop.amount.amount):
        signed = shop.provider.signed(body, event_id=delivery.id, kind=delivery.kind)
        answer = await outcome(shop.verify(signed))
        expect(isinstance(answer, list | WebhookRejected), f"an odd amount: {answer!r}")


async def _events(shop: Subject) -> list[WebhookEvent]:
    return [
        event for delivery in shop.provider.deliveries() for event in await shop.verify(delivery)
    ]


async def _genuine(shop: Subject) -> Delivery:
    """A webhook of a capture that the adapter accepts and believes."""
    await shop.pay()
    for delivery in shop.provider.deliveries():
        if any(event.payload is not None for event in await shop.verify(delivery)):
            return delivery
    raise AssertionError("no webhook of a captured payment has a payload")


async def _expect_unbelieved(shop: Subject, delivery: Delivery, what: str) -> None:
    answer = await outcome(shop.verify(delivery))
    if isinstance(answer, list):
        believed = [each for each in answer if each.payload is not None and not each.needs_fetch]
        expect(not believed, f"{what} is believed: {believed}")
        return
    expect(isinstance(answer, WebhookRejected), f"{what}: {answer!r}")


def _payloads(answer: object) -> list[object]:
    return [event.payload for event in answer] if isinstance(answer, list) else []


def _altered(body: bytes) -> Iterator[bytes]:
    for at in (0, len(body) // 3, len(body) // 2, len(body) - 1):
        yield body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
    yield body + b" "
    yield body[:-1]
    yield body.replace(b"0", b"9", 1)
    try:
        yield json.dumps(json.loads(body), indent=1).encode()
    except ValueError:
        return


def _garbage() -> Iterator[bytes]:
    yield from (b"", b"null", b"[]", b"{}", b'""', b"0", b"\xff\xfe\x00", b"{", b"NaN")
    yield b"x" * _HUGE
    yield b"[" * _DEEP + b"]" * _DEEP
    yield b'{"a":' * _DEEP + b"0" + b"}" * _DEEP
    yield b'{"id":"x","event":1e999,"type":[],"created_at":99999999999999999999}'


def _odd_amounts(body: bytes, amount: int) -> Iterator[bytes]:
    for odd in (b"-1", b"1.5", b'"x"', b"true", b"null", b"1" + b"0" * 30, b"[]"):
        yield body.replace(str(amount).encode(), odd)
