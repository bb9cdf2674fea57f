"""Errors in the Graph API's form.

Source: GraphAPIError in github facebook/openapi @ecba623b business-messaging-api_v23.0.yaml and
https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes, by
way of the project's WhatsApp fact sheet of 2026-11-22. The HTTP statuses and titles are not in that
sheet: they are from memory and unverified, and nothing should branch on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["GraphError", "title_of"]

_KNOWN: Mapping[int, tuple[int, str]] = {
    0: (401, "AuthException"),
    2: (503, "API Service"),
    3: (500, "API Method"),
    4: (400, "API Too Many Calls"),
    10: (403, "API Permission Denied"),
    100: (400, "Invalid parameter"),
    190: (401, "Invalid OAuth access token"),
    368: (403, "Temporarily blocked for policies violations"),
    80007: (400, "Rate limit issues"),
    130429: (400, "Rate limit hit"),
    131000: (500, "Something went wrong"),
    131005: (403, "Access denied"),
    131008: (400, "Required parameter is missing"),
    131009: (400, "Parameter value is not valid"),
    131016: (500, "Service unavailable"),
    131026: (400, "Message undeliverable"),
    131049: (400, "Not delivered to maintain healthy ecosystem engagement"),
    131050: (400, "User stopped marketing messages"),
    131056: (400, "Pair rate limit hit"),
    131057: (500, "Account in maintenance mode"),
    132000: (400, "Template parameter count mismatch"),
    132001: (404, "Template does not exist"),
}


def title_of(code: int) -> str:
    """A short title, as Meta repeats it in messages and webhooks."""
    return _KNOWN.get(code, (400, "Simulated error"))[1]


class GraphError(Exception):
    """The request is refused with this code."""

    def __init__(self, code: int, details: str, *, subcode: int | None = None) -> None:
        super().__init__(details)
        self.code = code
        self.details = details
        self.subcode = subcode
        self.status = _KNOWN.get(code, (400, ""))[0]

    def body(self) -> dict[str, Any]:
        """The answer's JSON."""
        error: dict[str, Any] = {
            "message": f"(#{self.code}) {title_of(self.code)}",
            "type": "OAuthException",
            "code": self.code,
            "error_data": {"messaging_product": "whatsapp", "details": self.details},
            "fbtrace_id": "ASimulatedTraceId",
        }
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        return {"error": error}
