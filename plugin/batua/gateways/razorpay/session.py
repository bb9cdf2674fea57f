"""The session that the SDK is given: it bounds every call and judges every answer itself.

The SDK has no default timeout, shares mutable default arguments, prints to stdout, and keeps only
the description of an error (razorpay 2.0.1, read 2026-11-22).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from ssl import SSLCertVerificationError
from typing import Any

import msgspec
import requests
import urllib3

from batua.contract import GatewayOutcomeUnknown, GatewayRejected, GatewayUnavailable
from batua.gateways.razorpay.codes import (
    ALREADY_IN_PROGRESS,
    AUTHENTICATION_FAILED,
    AUTHENTICATION_TEXTS,
    INVALID_ID,
    NOT_FOUND,
    UNDECIDED_CODES,
)
from batua.gateways.razorpay.wire import Entity

__all__ = ["FencedSession", "Refused"]

_CHUNK = 65_536


class Refused(GatewayRejected):
    """Razorpay's refusal with everything that it said, which the SDK would have dropped."""

    def __init__(self, status: int, error: Entity) -> None:
        self.status = status
        self.code = str(error.get("code") or "")
        self.description = str(error.get("description") or "")[:250]
        self.field = str(error.get("field") or "")
        # "NA" is what Razorpay writes where it has no reason (MD:errors.md).
        self.reason = str(error.get("reason") or "").removeprefix("NA")
        self.is_authentication = status == requests.codes.unauthorized or any(
            text in self.description.lower() for text in AUTHENTICATION_TEXTS
        )
        told = self.description.rstrip(".")
        self.is_not_found = told == NOT_FOUND or told.endswith(INVALID_ID)
        about = f" (field {self.field})" if self.field else ""
        super().__init__(
            f"Razorpay answered {status}: {self.description}{about}",
            failure_code=self._failure_code(),
        )

    def _failure_code(self) -> str:
        if self.is_authentication:
            return AUTHENTICATION_FAILED
        return "not_found" if self.is_not_found else self.reason or self.code


@dataclass(frozen=True, slots=True)
class _Answer:
    """The part of a response that the SDK reads, already judged."""

    entity: Entity
    status_code: int = 200

    def json(self) -> Entity:
        return self.entity


@dataclass(frozen=True, slots=True)
class _Received:
    status: int
    body: bytes


class FencedSession:
    """Stands where the SDK expects a session. Never raises what the SDK would print or retry."""

    def __init__(self, session: requests.Session, timeout_s: float) -> None:
        self._session = session
        self._timeout_s = timeout_s

    def get(self, url: str, **options: Any) -> _Answer:
        try:
            return _judged(self._send("GET", url, options))
        except GatewayOutcomeUnknown as silence:
            # Reading changes nothing, so a lost answer costs only the asking again.
            raise GatewayUnavailable(str(silence)) from silence

    def post(self, url: str, **options: Any) -> _Answer:
        return _judged(self._send("POST", url, options))

    def _send(self, method: str, url: str, options: dict[str, Any]) -> _Received:
        # The SDK's own certificate bundle is as old as its release: the session's is kept up.
        options.pop("verify", None)
        options.setdefault("timeout", self._timeout_s)
        try:
            response = self._session.request(
                method, url, allow_redirects=False, stream=True, **options
            )
            with response:
                return _Received(response.status_code, self._body(response))
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            name = type(error).__name__
            if _nothing_was_sent(error):
                raise GatewayUnavailable(f"Razorpay can't be reached: {name}") from error
            raise GatewayOutcomeUnknown(f"Razorpay's answer was lost: {name}") from error

    def _body(self, response: requests.Response) -> bytes:
        # A timeout of requests begins anew with every byte; this one does not.
        deadline = time.monotonic() + self._timeout_s
        body = b""
        while part := response.raw.read1(_CHUNK, decode_content=True):
            body += part
            if time.monotonic() > deadline:
                raise GatewayOutcomeUnknown("Razorpay's answer took too long")
        return body


_NEVER_SENT = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    SSLCertVerificationError,
    requests.exceptions.ConnectTimeout,
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
)


def _nothing_was_sent(error: BaseException) -> bool:
    # requests wraps urllib3's reason, which wraps the socket's: the answer lies at any depth.
    waiting: list[object] = [error]
    for _ in range(10):
        if not waiting:
            break
        cause = waiting.pop()
        if isinstance(cause, _NEVER_SENT):
            return True
        if isinstance(cause, BaseException):
            waiting += [*cause.args, getattr(cause, "reason", None)]
    return False


def _judged(received: _Received) -> _Answer:
    body, status = _json(received.body), received.status
    if 200 <= status < 300 and body is not None and "error" not in body:
        return _Answer(body)
    if status == requests.codes.too_many_requests:
        raise GatewayUnavailable("Razorpay asks us to slow down (429)")
    error = (body or {}).get("error")
    if not 400 <= status < 500 or not isinstance(error, dict):
        raise GatewayOutcomeUnknown(f"Razorpay gave no usable answer (HTTP {status})")
    if error.get("code") in UNDECIDED_CODES or error.get("description") == ALREADY_IN_PROGRESS:
        raise GatewayOutcomeUnknown(f"Razorpay has not decided: {error.get('code')}")
    raise Refused(status, error)


def _json(received: bytes) -> dict[str, Any] | None:
    try:
        body = msgspec.json.decode(received)
    # Not UTF-8 is a ValueError; a deeply nested body is a RecursionError.
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None
