"""Token intake: what becomes of the token that Google's client gave to the browser.

Either it is sealed for the processor and passed on as it is, or it is sealed for us: opened here,
passed on as a number, and forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import ec

from batua.contract import (
    CardTokenRequest,
    ConfirmRequest,
    GatewayRejected,
    NetworkTokenRequest,
    PaymentResult,
    TakesCardTokens,
    TakesNetworkTokens,
)
from batua.gateways.googlepay.root_keys import RootKeys
from batua.gateways.googlepay.seen import SeenMessages, UsedTokens
from batua.gateways.googlepay.settings import (
    DIRECT,
    PAYMENT_GATEWAY,
    GooglePaySettings,
    listed,
    recipient_id,
)
from batua.gateways.googlepay.tokens import open_token
from batua.gateways.googlepay.tokens.messages import CardMessage, parse_message
from batua.gateways.googlepay.tokens.roots import RootKey
from batua.gateways.googlepay.tokens.sealed import public_point
from batua.gateways.googlepay.tokens.shape import Version

__all__ = ["Intake", "OpenedIntake", "SealedIntake"]

_KIND = "google_pay"


class Intake(Protocol):
    """Takes one kind of token in."""

    @property
    def tokenization(self) -> str:
        """The type of ``tokenizationData`` that it takes."""

    @property
    def specification(self) -> Mapping[str, object]:
        """The ``tokenizationSpecification`` that asks Google for such tokens."""

    async def charge(self, request: ConfirmRequest, token: str) -> PaymentResult:
        """The processor's word on charging the token for this payment. Moves money."""


class SealedIntake:
    """Passes tokens on that only the processor can open. We never see a card."""

    tokenization = PAYMENT_GATEWAY

    def __init__(self, processor: TakesCardTokens) -> None:
        parameters = dict(processor.card_token_parameters)
        if not parameters.get("gateway"):
            raise ValueError("the processor does not say for which gateway tokens are sealed")
        self.specification: Mapping[str, object] = {
            "type": PAYMENT_GATEWAY,
            "parameters": parameters,
        }
        self._processor = processor
        self._used = UsedTokens()

    async def charge(self, request: ConfirmRequest, token: str) -> PaymentResult:
        """The token is bound to this payment by the processor, which takes it once."""
        if not self._used.claim(token, request.payment_id):
            raise _used()
        return await self._processor.charge_card_token(
            CardTokenRequest(
                payment_id=request.payment_id,
                provider_reference=request.provider_reference,
                amount=request.amount,
                kind=_KIND,
                token=token,
            )
        )


class OpenedIntake:
    """Opens tokens that are sealed for us. PCI DSS applies to whoever runs this."""

    tokenization = DIRECT

    def __init__(
        self,
        processor: TakesNetworkTokens,
        settings: GooglePaySettings,
        *,
        private_keys: Sequence[ec.EllipticCurvePrivateKey],
        root_keys: RootKeys,
        seen: SeenMessages,
        now: Callable[[], datetime],
    ) -> None:
        self._processor = processor
        self._version = Version(settings.protocol_version)
        self._recipient_id = recipient_id(settings)
        self._auth_methods = frozenset(listed(settings.auth_methods))
        self._gateway_merchant_id = settings.gateway_merchant_id
        self._private_keys = tuple(private_keys)
        self._root_keys = root_keys
        self._seen = seen
        self._now = now
        self.specification: Mapping[str, object] = {
            "type": DIRECT,
            "parameters": {
                "protocolVersion": str(self._version),
                # Tokens are sealed for the newest key; the older ones open what is under way.
                "publicKey": public_point(self._private_keys[0]),
            },
        }

    async def charge(self, request: ConfirmRequest, token: str) -> PaymentResult:
        """Verify, open, and charge what was found. Raises ``TokenRefused`` before anything moves.

        The message is bound to this payment by its id, for as long as it counts.
        """
        now_ms = int(self._now().timestamp() * 1000)
        card = self._opened(token, await self._root_keys.current(now_ms), now_ms)
        is_ours = await self._seen.claim(
            card.message_id, request.payment_id, expires_ms=card.expires_ms, now_ms=now_ms
        )
        if not is_ours:
            raise _used()
        return await self._processor.charge_network_token(
            NetworkTokenRequest(
                payment_id=request.payment_id,
                provider_reference=request.provider_reference,
                amount=request.amount,
                kind=_KIND,
                number=card.number,
                expiry_month=card.expiry_month,
                expiry_year=card.expiry_year,
                cryptogram=card.cryptogram,
                eci=card.eci,
            )
        )

    def _opened(self, token: str, roots: Sequence[RootKey], now_ms: int) -> CardMessage:
        text = open_token(
            token,
            version=self._version,
            recipient_id=self._recipient_id,
            roots=roots,
            private_keys=self._private_keys,
            now_ms=now_ms,
        )
        return parse_message(
            text,
            auth_methods=self._auth_methods,
            gateway_merchant_id=self._gateway_merchant_id,
            now_ms=now_ms,
        )


def _used() -> GatewayRejected:
    return GatewayRejected(
        "that Google Pay token was brought for another payment", failure_code="token_used"
    )
