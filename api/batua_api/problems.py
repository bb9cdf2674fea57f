"""Every error as RFC 9457 ``application/problem+json`` with a stable ``code``.

One table says which error is which status; a test fails for an error that is not in it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException

from batua.contract import WebhookRejected
from batua.errors import (
    CommitUnknown,
    Conflict,
    DatabaseUnavailable,
    Forbidden,
    GatewayFailed,
    HoldNotDue,
    IdempotencyConflict,
    InProgress,
    InsufficientFunds,
    InvalidRequest,
    LinkedRefused,
    NotFound,
    RateLimited,
    Refusal,
    TryAgain,
)
from batua.redaction import hide_cards

__all__ = [
    "EXCEPTION_HANDLERS",
    "PROBLEM",
    "STATUSES",
    "TITLES",
    "Problem",
    "problem_of",
    "write_problem",
]

PROBLEM = "application/problem+json"

STATUSES: Mapping[type[Refusal], int] = {
    InvalidRequest: 400,
    InsufficientFunds: 402,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    HoldNotDue: 409,
    LinkedRefused: 409,
    InProgress: 409,
    IdempotencyConflict: 422,
    RateLimited: 429,
    GatewayFailed: 502,
    TryAgain: 503,
}

TITLES = {
    400: "The request can't be understood",
    401: "Authentication is needed",
    402: "Not enough money",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Not possible now",
    413: "The request is too large",
    415: "Unsupported media type",
    422: "Idempotency key reused",
    429: "Too many requests",
    500: "Our mistake",
    502: "The payment provider refused",
    503: "Try again",
}

_CODES = {
    400: "invalid_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "request_too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
}

log = logging.getLogger(__name__)


class FieldError(msgspec.Struct, kw_only=True):
    """One field that does not fit: where it is, as a JSON pointer, and what is wrong."""

    pointer: str
    detail: str

    def __post_init__(self) -> None:
        # Both may repeat what was sent.
        self.pointer, self.detail = hide_cards(self.pointer), hide_cards(self.detail)


class Problem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What went wrong, in RFC 9457's words. Switch on ``code``; show ``detail``."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[FieldError] | None = None


def problem_of(refusal: Refusal) -> Problem:
    """A refusal as a problem."""
    status = next(status for kind, status in STATUSES.items() if isinstance(refusal, kind))
    errors = None
    if isinstance(refusal, InvalidRequest):
        errors = [FieldError(pointer=refusal.pointer, detail=str(refusal))]
    return _problem(status, refusal.code, str(refusal), errors)


def write_problem(refusal: Refusal) -> tuple[int, str]:
    """A refusal as status and body, to be stored under an idempotency key."""
    problem = problem_of(refusal)
    return problem.status, msgspec.json.encode(problem).decode()


def _problem(
    status: int, code: str, detail: str, errors: list[FieldError] | None = None
) -> Problem:
    return Problem(
        type=f"urn:batua:problem:{code}",
        title=TITLES.get(status, "Error"),
        status=status,
        code=code,
        # It may repeat what was sent.
        detail=hide_cards(detail),
        errors=errors,
    )


def _respond(problem: Problem, headers: Mapping[str, str] | None = None) -> Response[bytes]:
    return Response(
        msgspec.json.encode(problem),
        status_code=problem.status,
        media_type=PROBLEM,
        headers=dict(headers or {}),
    )


def _refused(_: Request[Any, Any, Any], refusal: Refusal) -> Response[bytes]:
    headers = {}
    if isinstance(refusal, TryAgain):
        headers["Retry-After"] = str(refusal.retry_after_s)
    return _respond(problem_of(refusal), headers)


def _webhook_rejected(_: Request[Any, Any, Any], error: WebhookRejected) -> Response[bytes]:
    return _respond(_problem(401, "webhook_rejected", f"The webhook was refused: {error}"))


def _database_unavailable(_: Request[Any, Any, Any], error: DatabaseUnavailable) -> Response[bytes]:
    log.error("the database is unavailable: %s", error)
    problem = _problem(503, "database_unavailable", "The database is unavailable. Try again.")
    return _respond(problem, {"Retry-After": "1"})


def _commit_unknown(_: Request[Any, Any, Any], error: CommitUnknown) -> Response[bytes]:
    log.error("a commit stays unknown: %s", error)
    detail = "It may or may not have happened. Send the same request with the same key again."
    return _respond(_problem(503, "outcome_unknown", detail), {"Retry-After": "2"})


def _http(_: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    code = _CODES.get(error.status_code, "http_error")
    errors = _parameter_errors(error)
    detail = errors[0].detail if errors else error.detail
    return _respond(_problem(error.status_code, code, detail, errors), error.headers)


def _parameter_errors(error: HTTPException) -> list[FieldError] | None:
    extra = error.extra if isinstance(error.extra, list) else []
    found = [
        FieldError(pointer=f"/{item['key']}", detail=f"{item['key']}: {item['message']}")
        for item in extra
        if isinstance(item, dict) and "key" in item and "message" in item
    ]
    return found or None


def _unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    # The client learns nothing of the inside; whoever is paged learns it from the log.
    route = request.scope.get("path_template", "")
    log.error("%s %s failed", request.method, route, exc_info=error)
    detail = "Something failed on our side. Nothing is half done; the same key may be sent again."
    return _respond(_problem(500, "internal_error", detail))


EXCEPTION_HANDLERS: dict[int | type[Exception], Any] = {
    Refusal: _refused,
    WebhookRejected: _webhook_rejected,
    DatabaseUnavailable: _database_unavailable,
    CommitUnknown: _commit_unknown,
    HTTPException: _http,
    Exception: _unexpected,
}
