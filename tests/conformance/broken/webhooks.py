"""Adapters that believe what anybody may have sent."""

import dataclasses
import hmac
import json
from hashlib import sha256

from batua.contract import (
    DisputeResult,
    DisputeStatus,
    Money,
    PaymentResult,
    ProviderPaymentStatus,
    RefundResult,
    WebhookRejected,
)
from tests.conformance.bank import BankGateway

CAPTURED = ProviderPaymentStatus.CAPTURED


class _Changed(BankGateway):
    """Changes the payload of every event."""

    async def verify_webhook(self, request):
        events = await super().verify_webhook(request)
        return tuple(
            event
            if event.payload is None
            else dataclasses.replace(event, payload=self.changed(event.payload))
            for event in events
        )


class MajorUnits(_Changed):
    """Rupees for paise: the webhook's amount in another unit than the API's."""

    def changed(self, payload):
        if not isinstance(payload, PaymentResult):
            return payload
        amount = Money(payload.amount.amount // 100, payload.amount.currency)
        return dataclasses.replace(payload, amount=amount)


class EveryWebhookIsPaid(_Changed):
    """A webhook came, so it is paid."""

    def changed(self, payload):
        if not isinstance(payload, PaymentResult):
            return payload
        return dataclasses.replace(payload, status=CAPTURED)


class RefundNamesTheRefund(_Changed):
    """The refund's own id stands where the payment's should."""

    def changed(self, payload):
        if not isinstance(payload, RefundResult):
            return payload
        return dataclasses.replace(payload, provider_payment_id=payload.provider_refund_id)


class EveryDisputeIsOpen(_Changed):
    """Only the first event of a dispute was thought of."""

    def changed(self, payload):
        if not isinstance(payload, DisputeResult):
            return payload
        return dataclasses.replace(payload, status=DisputeStatus.OPEN)


class IdOfTheDelivery(BankGateway):
    """An id of its own for each delivery: the same event is applied each time."""

    _number = 0

    async def verify_webhook(self, request):
        events = await super().verify_webhook(request)
        self._number += 1
        return tuple(dataclasses.replace(each, event_id=f"{self._number}") for each in events)


class SignatureOfParsed(BankGateway):
    """The signature is checked over parsed and written JSON, not over the bytes."""

    async def verify_webhook(self, request):
        try:
            text = json.dumps(json.loads(request.body), separators=(",", ":")).encode()
        except (ValueError, RecursionError):
            raise WebhookRejected("no JSON") from None
        return await super().verify_webhook(dataclasses.replace(request, body=text))


class SignatureIfThere(BankGateway):
    """No signature, nothing to check."""

    async def verify_webhook(self, request):
        if not request.headers.get("x-sandbox-signature"):
            return await self._believed(request)
        return await super().verify_webhook(request)

    async def _believed(self, request):
        signature = hmac.new(self._webhook_secrets[0], request.body, sha256).hexdigest()
        headers = {"x-sandbox-signature": signature}
        return await super().verify_webhook(dataclasses.replace(request, headers=headers))


class DefaultSecret(BankGateway):
    """The secret of the provider's example is in the code."""

    def __init__(self, settings, transport):
        super().__init__(settings, transport)
        self._webhook_secrets = (*self._webhook_secrets, b"simulator_webhook_secret")


class OneSecretOnly(BankGateway):
    """While the secret is rotated, what the old one signed is lost."""

    def __init__(self, settings, transport):
        super().__init__(settings, transport)
        self._webhook_secrets = self._webhook_secrets[:1]


class UnknownKindIsAnError(BankGateway):
    """``EVENTS[event_type]``: a new kind of event is retried by the provider for a day."""

    async def verify_webhook(self, request):
        events = await super().verify_webhook(request)
        if any("unheard" in each.event_type for each in events):
            raise KeyError(events[0].event_type)
        return events


class ReadsFirst(BankGateway):
    """The body is parsed before its signature is checked."""

    async def verify_webhook(self, request):
        json.loads(request.body)
        return await super().verify_webhook(request)


BROKEN = {
    "genuine_capture_is_told": MajorUnits,
    "untaken_is_not_told_as_captured": EveryWebhookIsPaid,
    "genuine_refund_is_told": RefundNamesTheRefund,
    "genuine_dispute_is_told": EveryDisputeIsOpen,
    "event_ids_are_stable": IdOfTheDelivery,
    "altered_body_is_refused": SignatureOfParsed,
    "unsigned_is_refused": SignatureIfThere,
    "other_secret_is_refused": DefaultSecret,
    "secret_can_be_rotated": OneSecretOnly,
    "unknown_kind_is_kept": UnknownKindIsAnError,
    "no_body_breaks_it": ReadsFirst,
}
