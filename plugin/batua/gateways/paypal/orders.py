"""One order per payment of ours: created, captured, and asked about."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from batua.contract import (
    ChargeRequest,
    CreatedPayment,
    FetchedPayment,
    FollowUpRequest,
    GatewayError,
    GatewayOutcomeUnknown,
    GatewayRejected,
    Mode,
    Money,
    PaymentLookup,
    PaymentRequest,
    PaymentResult,
    ProviderPaymentStatus,
)
from batua.gateways.paypal.client import PayPalClient, Refused, checked_id, read, written
from batua.gateways.paypal.codes import ALREADY_CAPTURED
from batua.gateways.paypal.money import money_value
from batua.gateways.paypal.reading import Entity, entities, required, text
from batua.gateways.paypal.wire import attempts_of, created_payment, order_amount, our_payment_id

__all__ = ["Orders"]

_ORDERS = "/v2/checkout/orders"
_DESCRIPTION_LENGTH_MAX = 127


class Orders:
    """PayPal can't look an order up by our id: what repairs a lost answer is the request id."""

    def __init__(self, client: PayPalClient, mode: Mode, client_id: str) -> None:
        self._client = client
        self._mode = mode
        self._client_id = client_id

    async def create(self, request: PaymentRequest) -> Entity:
        """The payment's order, created or found again by its request id. Moves no money."""
        order = await self._once(request.payment_id, _order_body(request))
        if entities(order, "purchase_units"):  # a minimal answer does not repeat them
            _require(order, request.payment_id, request.amount)
        return order

    async def charge(self, request: ChargeRequest) -> FetchedPayment:
        """An order that is paid by a saved instrument at once. Moves money."""
        order = await self._once(request.payment_id, _charge_body(request))
        if not entities(order, "purchase_units"):
            order = await self._read_after_writing(written(_order_id, order))
        if text(order, "status") == "PAYER_ACTION_REQUIRED":
            raise GatewayRejected(
                "PayPal wants the payer to approve this charge",
                failure_code="payer_action_required",
            )
        return FetchedPayment(
            provider_reference=written(_order_id, order),
            attempts=written(lambda entity: attempts_of(entity, self._mode), order),
            created=written(self.created, order),
        )

    async def of_payment(self, request: PaymentLookup) -> Entity | None:
        """The order of the payment's reference, or None where PayPal knows none.

        Raises ``GatewayRejected`` where it is an order of another payment.
        """
        if not request.provider_reference:
            return None
        try:
            order = await self._fetch(request.provider_reference)
        except Refused as refusal:
            if not refusal.is_unknown_id:
                raise
            return None
        found = read(our_payment_id, order)
        if request.payment_id and found != request.payment_id:
            raise GatewayRejected(
                f"{request.provider_reference} is not an order of {request.payment_id}",
                failure_code="reference_mismatch",
            )
        return order

    async def capture(self, request: FollowUpRequest) -> PaymentResult:
        """Take the order's money. Moves money; see ``PayPalGateway.capture``.

        PayPal takes the whole order whatever we say, so the order is read first: another amount
        than its own is refused, and what was captured before is not asked for again.
        """
        order_id = request.provider_payment_id
        order = await self._fetch(order_id)
        if read(order_amount, order) != request.amount:
            raise GatewayRejected(
                f"{request.amount} is not the whole of order {order_id}",
                failure_code="amount_mismatch",
            )
        captured = read(self._capture_of, order)
        if captured is not None and captured.status is not ProviderPaymentStatus.FAILED:
            return captured
        try:
            order = await self._client.write(
                f"{_ORDERS}/{order_id}/capture", {}, f"{request.idempotency_key}-capture"
            )
        except Refused as refusal:
            return await self._captured_before(order_id, refusal)
        captured = written(self._capture_of, order)
        if captured is None:  # a minimal answer, or the latest status of an earlier call
            order = await self._read_after_writing(order_id)
            captured = written(self._capture_of, order)
        if captured is None:
            raise GatewayOutcomeUnknown(f"PayPal tells of no capture of {order_id} yet")
        return captured

    def created(self, order: Entity) -> CreatedPayment:
        """What ``create_payment`` answers of ``order``. Raises ``Unreadable``."""
        return created_payment(order, client_id=self._client_id)

    def _capture_of(self, order: Entity) -> PaymentResult | None:
        """The capture that stands for the order: of several the one that is furthest."""
        captures = [
            attempt
            for attempt in attempts_of(order, self._mode)
            if attempt.status in _CAPTURE_PROGRESS
        ]
        return max(captures, key=lambda each: _CAPTURE_PROGRESS[each.status], default=None)

    async def _captured_before(self, order_id: str, refusal: Refused) -> PaymentResult:
        if refusal.is_authentication or refusal.is_unknown_id:
            raise refusal
        try:
            captured = read(self._capture_of, await self._fetch(order_id))
        except GatewayError as silence:
            raise GatewayOutcomeUnknown(
                f"PayPal refused the capture of {order_id}, and whether it was captured before "
                "could not be asked"
            ) from silence
        if captured is not None and captured.status is not ProviderPaymentStatus.FAILED:
            return captured
        if refusal.issue == ALREADY_CAPTURED:
            raise GatewayOutcomeUnknown(f"PayPal does not show the capture of {order_id} yet")
        raise refusal

    async def _once(self, request_id: str, body: Mapping[str, Any]) -> Entity:
        """Send an order, and once more where the answer was lost: PayPal makes no second one."""

        async def send() -> Entity:
            return await self._client.write(_ORDERS, body, request_id)

        try:
            return await _repeated(send)
        except Refused as refusal:
            if not refusal.is_duplicate_invoice:
                raise
            # PayPal has forgotten the request id, and something of our id was paid meanwhile.
            raise GatewayOutcomeUnknown(
                f"PayPal was paid for {request_id} before, by an order that we don't know"
            ) from refusal

    async def _fetch(self, order_id: str) -> Entity:
        return await self._client.read(f"{_ORDERS}/{checked_id(order_id)}")

    async def _read_after_writing(self, order_id: str) -> Entity:
        try:
            return await self._fetch(order_id)
        except GatewayError as silence:
            raise GatewayOutcomeUnknown(
                f"what became of order {order_id} could not be asked"
            ) from silence


async def _repeated(send: Callable[[], Awaitable[Entity]]) -> Entity:
    try:
        return await send()
    except GatewayOutcomeUnknown as silence:
        try:
            return await send()
        except GatewayError:
            # Not even a refusal says what became of the first call: it may be running still.
            raise silence from None


_CAPTURE_PROGRESS = {
    ProviderPaymentStatus.FAILED: 0,
    ProviderPaymentStatus.PENDING: 1,
    ProviderPaymentStatus.CAPTURED: 2,
}


def _require(order: Entity, payment_id: str, amount: Money) -> None:
    if (written(our_payment_id, order), written(order_amount, order)) != (payment_id, amount):
        raise GatewayRejected(
            f"PayPal has an order of another amount for {payment_id}",
            failure_code="amount_mismatch",
        )


def _order_body(request: PaymentRequest) -> dict[str, Any]:
    experience = {"user_action": "PAY_NOW", "shipping_preference": "NO_SHIPPING"}
    if request.return_url:
        experience |= {"return_url": request.return_url, "cancel_url": request.return_url}
    wallet: dict[str, Any] = {"experience_context": experience}
    if request.mandate is not None:
        # Saved once the payment succeeds (SPEC ``vault_paypal_wallet_base``).
        wallet["attributes"] = {
            "vault": {
                "store_in_vault": "ON_SUCCESS",
                "usage_type": "MERCHANT",
                "customer_type": "CONSUMER",
            }
        }
    return _body(request.payment_id, request.amount, request.description, wallet)


def _charge_body(request: ChargeRequest) -> dict[str, Any]:
    wallet = {
        "vault_id": request.provider_token,
        "stored_credential": {"payment_initiator": "MERCHANT", "usage": "SUBSEQUENT"},
    }
    return _body(request.payment_id, request.amount, request.description, wallet)


def _body(
    payment_id: str, amount: Money, description: str, wallet: Mapping[str, Any]
) -> dict[str, Any]:
    """The same request always gives the same body."""
    unit: dict[str, Any] = {
        "amount": money_value(amount),
        "custom_id": payment_id,
        "invoice_id": payment_id,
    }
    if description:
        unit["description"] = description[:_DESCRIPTION_LENGTH_MAX]
    return {
        "intent": "CAPTURE",
        "purchase_units": [unit],
        "payment_source": {"paypal": wallet},
    }


def _order_id(order: Entity) -> str:
    return required(order, "id")
