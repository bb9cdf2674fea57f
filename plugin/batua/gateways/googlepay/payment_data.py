"""What Google's client hands to the browser, and the browser to us: read strictly, kept nowhere.

Source: G reference/response-objects (PaymentData), read 2026-11-22.
"""

from __future__ import annotations

from batua.contract import GatewayRejected
from batua.gateways.googlepay.codes import API_VERSION, CARD
from batua.gateways.googlepay.strict_json import parse_object

__all__ = ["PAYMENT_DATA_CHARS_MAX", "token_of"]

PAYMENT_DATA_CHARS_MAX = 32_768
"""Several times as much as the longest one, with a billing address."""


def token_of(payment_data: str, tokenization: str) -> str:
    """The token in a ``PaymentData``, of a card, tokenized as we asked for.

    Raises ``GatewayRejected`` (``proof_invalid``), whose text repeats nothing of it. Amount and
    payment are not in it: they are those of the payment for which it is brought.
    """
    data = parse_object(payment_data, chars_max=PAYMENT_DATA_CHARS_MAX)
    if data is None:
        raise _refused("it is not a JSON object")
    version = data.get("apiVersion")
    # True equals 1 in Python, and 2.0 equals 2: the type counts too.
    if type(version) is not int or version != API_VERSION:
        raise _refused(f"its apiVersion is not {API_VERSION}")
    method = data.get("paymentMethodData")
    if not isinstance(method, dict) or method.get("type") != CARD:
        raise _refused(f"its paymentMethodData is not of type {CARD}")
    tokenized = method.get("tokenizationData")
    if not isinstance(tokenized, dict) or tokenized.get("type") != tokenization:
        raise _refused(f"its tokenizationData is not of type {tokenization}")
    token = tokenized.get("token")
    if not isinstance(token, str) or not token:
        raise _refused("it has no token")
    return token


def _refused(why: str) -> GatewayRejected:
    return GatewayRejected(f"payment_data can't be used: {why}", failure_code="proof_invalid")
