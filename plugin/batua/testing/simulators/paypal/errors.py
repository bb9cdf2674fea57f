"""PayPal's refusals, in its own words where they are known.

Names and messages: SPEC error_400 .. error_500; issues with their descriptions: SPEC
orders.create, orders.capture, orders.authorize, captures.refund and authorizations.void.
SPEC is github paypal/paypal-rest-api-specifications @ec4d8f36 openapi/*.json, read 2026-11-22.
"""

from __future__ import annotations

import secrets
from typing import Any

from batua.testing.simulators.kit.control import Wrong

__all__ = ["ISSUES", "Document", "Refused", "conflict", "invalid", "not_found", "unprocessable"]

Document = dict[str, Any]

_NAMES = {
    400: (
        "INVALID_REQUEST",
        "Request is not well-formed, syntactically incorrect, or violates schema.",
    ),
    401: (
        "AUTHENTICATION_FAILURE",
        "Authentication failed due to missing authorization header, or invalid authentication"
        " credentials.",
    ),
    404: ("RESOURCE_NOT_FOUND", "The specified resource does not exist."),
    409: ("RESOURCE_CONFLICT", "The server has detected a conflict while processing this request."),
    422: (
        "UNPROCESSABLE_ENTITY",
        "The requested action could not be performed, semantically incorrect, or failed business"
        " validation.",
    ),
    # Not in SPEC: the name is unverified, so a switch answers with no JSON at all instead.
    429: ("RATE_LIMIT_REACHED", "Too many requests. Blocked due to rate limiting."),
    500: ("INTERNAL_SERVER_ERROR", "An internal server error occurred."),
}

ISSUES = {
    "ACTION_DOES_NOT_MATCH_INTENT": "The action does not match the intent of the order.",
    "AUTHORIZATION_ALREADY_CAPTURED": "Authorization has already been captured.",
    "AUTHORIZATION_VOIDED": "A voided authorization cannot be captured or reauthorized.",
    "CANNOT_BE_ZERO_OR_NEGATIVE": "Must be greater than zero. If the currency supports decimals,"
    " only two decimal place precision is supported.",
    "CAPTURE_FULLY_REFUNDED": "The capture has already been fully refunded",
    "COMPLIANCE_VIOLATION": "Transaction is declined due to compliance violation.",
    "DECIMALS_NOT_SUPPORTED": "Currency does not support decimals.",
    "DECIMAL_PRECISION": "If the currency supports decimals, only two decimal place precision is"
    " supported.",
    "DUPLICATE_INVOICE_ID": "Duplicate Invoice ID detected. To avoid a potential duplicate"
    " transaction your account setting requires that Invoice Id be unique for each transaction.",
    "INSTRUMENT_DECLINED": "The instrument presented  was either declined by the processor or"
    " bank, or it can't be used for this payment.",
    "INVALID_CURRENCY_CODE": "Currency code is invalid or is not currently supported.",
    "MAX_CAPTURE_AMOUNT_EXCEEDED": "Capture amount exceeds allowable limit.",
    "MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED": "You have exceeded the maximum number of payment"
    " attempts.",
    "NOT_ENABLED_TO_VAULT_PAYMENT_SOURCE": "The API caller or the merchant on whose behalf the API"
    " call is initiated is not allowed to vault the given source.",
    "ORDER_ALREADY_AUTHORIZED": "Order already authorized.",
    "ORDER_ALREADY_CAPTURED": "Order already captured.If 'intent=CAPTURE' only one capture per"
    " order is allowed.",
    "ORDER_COMPLETION_IN_PROGRESS": "The customer has approved the payment and PayPal is still in"
    " the process of capturing the order on your behalf as instructed.",
    "ORDER_NOT_APPROVED": "Payer has not yet approved the Order for payment.",
    "PAYER_ACTION_REQUIRED": "Transaction cannot complete successfully, instruct the buyer to"
    " return to PayPal.",
    "PAYER_CANNOT_PAY": "Payer cannot pay for this transaction.",
    "PENDING_CAPTURE": "Cannot initiate a refund as the capture is pending.",
    "PREVIOUSLY_CAPTURED": "Authorization has been previously captured and hence cannot be voided.",
    "PREVIOUSLY_VOIDED": "Authorization has been previously voided and hence cannot be voided"
    " again.",
    "REFUND_AMOUNT_EXCEEDED": "The refund amount must be less than or equal to the capture amount"
    " that has not yet been refunded.",
    "REFUND_CAPTURE_CURRENCY_MISMATCH": "Refund must be in the same currency as the capture",
    "REFUND_FAILED_INSUFFICIENT_FUNDS": "Capture could not be refunded due to insufficient funds.",
    "REFUND_NOT_ALLOWED": "Capture cannot be refunded.",
    "REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK": "Refunds are not allowed on this capture due to a"
    " chargeback on the card or bank.",
    "TOKEN_ID_NOT_FOUND": "Specified token was not found. Verify the token and try the request"
    " again.",
    "TRANSACTION_REFUSED": "The request was refused.",
}
"""What a 422 says of each of its issues."""


class Refused(Wrong):
    """An answer with an error body. A control route says the same as HTTP 400."""

    def __init__(
        self, status: int, issue: str = "", description: str = "", *, field: str = ""
    ) -> None:
        name, message = _NAMES[status]
        super().__init__(f"{issue or name}: {description or message}")
        detail = {"issue": issue, "description": description}
        detail |= {"field": field, "location": "body"} if field else {}
        self.status = status
        self.body: Document = {
            "name": name,
            "message": message,
            "debug_id": secrets.token_hex(7)[:13],
            "details": [detail] if issue else [],
            "links": [],
        }


def invalid(issue: str, description: str, field: str = "") -> Refused:
    """HTTP 400: the request is not well-formed."""
    return Refused(400, issue, description, field=field)


def unprocessable(issue: str, field: str = "") -> Refused:
    """HTTP 422: well-formed, and not possible."""
    return Refused(422, issue, ISSUES[issue], field=field)


def not_found() -> Refused:
    return Refused(
        404,
        "INVALID_RESOURCE_ID",
        "Specified resource ID does not exist. Please check the resource ID and try again.",
    )


def conflict() -> Refused:
    """HTTP 409: "a previous call for the given resource is in progress" (SPEC captures.refund)."""
    return Refused(
        409,
        "PREVIOUS_REQUEST_IN_PROGRESS",
        "A previous request on this resource is currently in progress.",
    )
