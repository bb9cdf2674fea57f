"""What Google's client does: it reads a shop's request and hands a token to the browser.

Source of the shapes: G reference/request-objects and response-objects, read 2026-11-22.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from batua.testing.simulators.googlepay.sealing import CardDetails, Sealer, TokenFault

__all__ = ["GatewayToken", "Refused", "Sheet", "Wanted", "gateway_token"]

Document = dict[str, Any]

GatewayToken = Callable[[Mapping[str, str]], str]
"""The token of a processor, from the ``parameters`` of its tokenization specification."""

_PRICE = re.compile(r"[0-9]+(\.[0-9][0-9])?", re.ASCII)


class Refused(Exception):
    """The request is not one that Google would open its sheet for."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a shop asks for, checked."""

    price: str
    currency: str
    merchant_id: str
    merchant_name: str
    auth_methods: tuple[str, ...]
    networks: tuple[str, ...]
    tokenization: str
    parameters: dict[str, str]


def gateway_token(parameters: Mapping[str, str]) -> str:
    """A token as Stripe has it, a JSON text with an id; others get the same with their name."""
    prefix = "tok" if parameters.get("gateway") == "stripe" else f"tok_{parameters['gateway']}"
    return json.dumps({"id": f"{prefix}_{secrets.token_hex(12)}", "object": "token"})


class Sheet:
    """Google's payment sheet, whose payer always has a test card."""

    def __init__(self, sealer: Sealer, *, gateway_token: GatewayToken) -> None:
        self._sealer = sealer
        self._gateway_token = gateway_token

    def pay(self, request: str, *, now_ms: int, fault: TokenFault | None) -> str:
        """The ``PaymentData`` for this request, as JSON. Raises ``Refused``."""
        wanted = read_request(request)
        if wanted.tokenization == "DIRECT":
            token = self._sealed(wanted, now_ms, fault)
        else:
            token = self._gateway_token(wanted.parameters)
        return json.dumps(
            {
                "apiVersion": 2,
                "apiVersionMinor": 0,
                "paymentMethodData": {
                    "type": "CARD",
                    "description": f"{wanted.networks[0].title()} •••• 1111",
                    "info": {"cardNetwork": wanted.networks[0], "cardDetails": "1111"},
                    "tokenizationData": {"type": wanted.tokenization, "token": token},
                },
            },
            ensure_ascii=False,
        )

    def _sealed(self, wanted: Wanted, now_ms: int, fault: TokenFault | None) -> str:
        by_device = "CRYPTOGRAM_3DS" in wanted.auth_methods
        card = CardDetails(
            auth_method="CRYPTOGRAM_3DS" if by_device else "PAN_ONLY",
            cryptogram="AAAAAAAAAAAAAAAAAAAAAAAAAAA=" if by_device else "",
            eci="05" if by_device else "",
        )
        protocol = wanted.parameters.get("protocolVersion")
        if protocol not in {"ECv1", "ECv2"}:
            raise Refused("protocolVersion must be ECv1 or ECv2")
        try:
            return self._sealer.seal_card(
                card,
                message_id=secrets.token_urlsafe(48),
                recipient_id=f"merchant:{wanted.merchant_id}",
                public_key=wanted.parameters.get("publicKey", ""),
                now_ms=now_ms,
                protocol="ECv1" if protocol == "ECv1" else "ECv2",
                fault=fault,
            )
        except ValueError:
            raise Refused("publicKey is not an uncompressed point of P-256 in base64") from None


def read_request(text: str) -> Wanted:
    """Read a ``PaymentDataRequest``. Raises ``Refused`` with what is wrong in it."""
    try:
        request = json.loads(text)
        method = request["allowedPaymentMethods"][0]
        price, merchant = request["transactionInfo"], request.get("merchantInfo", {})
        specification = method["tokenizationSpecification"]
        wanted = Wanted(
            price=price["totalPrice"],
            currency=price["currencyCode"],
            merchant_id=merchant.get("merchantId", ""),
            merchant_name=merchant.get("merchantName", ""),
            auth_methods=tuple(method["parameters"]["allowedAuthMethods"]),
            networks=tuple(method["parameters"]["allowedCardNetworks"]),
            tokenization=specification["type"],
            parameters=dict(specification["parameters"]),
        )
        version, kind, status = request["apiVersion"], method["type"], price["totalPriceStatus"]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        raise Refused("the request is not a PaymentDataRequest") from None
    if (version, kind, status) != (2, "CARD", "FINAL"):
        raise Refused("only apiVersion 2, CARD and a FINAL price are known here")
    if not isinstance(wanted.price, str) or not _PRICE.fullmatch(wanted.price):
        raise Refused("totalPrice must be a text with none or two decimals")
    if not wanted.auth_methods or not wanted.networks:
        raise Refused("no card may be used")
    if wanted.tokenization == "PAYMENT_GATEWAY" and not wanted.parameters.get("gateway"):
        raise Refused("the tokenization names no gateway")
    if wanted.tokenization not in {"PAYMENT_GATEWAY", "DIRECT"}:
        raise Refused("the tokenization is neither PAYMENT_GATEWAY nor DIRECT")
    return wanted
