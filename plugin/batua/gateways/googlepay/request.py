"""The request with which the browser opens Google Pay's sheet.

Source: G reference/request-objects (PaymentDataRequest), read 2026-11-22.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from batua.contract import GatewayRejected, Money, minor_digits
from batua.gateways.googlepay.codes import API_VERSION, API_VERSION_MINOR, CARD
from batua.gateways.googlepay.settings import GooglePaySettings, listed

__all__ = ["payment_data_request", "total_price"]


def payment_data_request(
    amount: Money, specification: Mapping[str, object], settings: GooglePaySettings
) -> str:
    """A ``PaymentDataRequest`` as JSON, for ``PaymentsClient.loadPaymentData``. No secret is in it.

    ``specification`` is the ``tokenizationSpecification``. Raises ``GatewayRejected`` for an
    amount that Google Pay can't show.
    """
    merchant = {"merchantId": settings.merchant_id, "merchantName": settings.merchant_name}
    card = {
        "type": CARD,
        "parameters": {
            "allowedAuthMethods": listed(settings.auth_methods),
            "allowedCardNetworks": listed(settings.card_networks),
        },
        "tokenizationSpecification": specification,
    }
    request = {
        "apiVersion": API_VERSION,
        "apiVersionMinor": API_VERSION_MINOR,
        "merchantInfo": {key: value for key, value in merchant.items() if value},
        "allowedPaymentMethods": [card],
        "transactionInfo": {
            "totalPriceStatus": "FINAL",
            "totalPrice": total_price(amount),
            "currencyCode": amount.currency,
            "countryCode": settings.country,
        },
    }
    return json.dumps(request, ensure_ascii=False, separators=(",", ":"))


def total_price(amount: Money) -> str:
    """``"500.00"`` for 50000 paise, ``"500"`` for 500 yen.

    Google takes none or two decimals (``^[0-9]+(\\.[0-9][0-9])?$``, G: TransactionInfo): of a
    currency with three, only amounts that end in 0. Raises ``GatewayRejected``
    (``amount_invalid``).
    """
    digits = minor_digits(amount.currency)
    whole, rest = divmod(amount.amount, 10**digits)
    decimals = f"{rest:0{digits}}" if digits else ""
    if amount.amount <= 0 or decimals[2:].strip("0"):
        raise GatewayRejected(
            f"Google Pay can't show {amount.amount} minor units of {amount.currency}",
            failure_code="amount_invalid",
        )
    return f"{whole}.{decimals[:2].ljust(2, '0')}" if decimals else str(whole)
