"""Every error that Batua raises, as a tree.

BatuaError
├── Refusal                       the request is understood and the answer is no
│   ├── InvalidRequest            a value can't be meant: unknown currency, amount out of range
│   ├── NotFound                  no such thing, or not yours
│   ├── Forbidden                 you may not do this
│   ├── InsufficientFunds         the wallet's available balance is too small
│   ├── Conflict                  the thing is not in a state that allows this
│   │   ├── HoldNotDue            the hold has time left: it is not to be expired yet
│   │   └── LinkedRefused         one of several that stand or fall together was refused
│   ├── IdempotencyConflict       the key was used before, with another request
│   ├── InProgress                the same request is being worked on
│   ├── GatewayFailed             the provider refused, for good
│   └── TryAgain                  nothing happened; the same request may succeed later
│       └── RateLimited           too many of them in too short a time
├── ConfigurationError            a setting is missing or can't work
├── DatabaseError
│   ├── DatabaseUnavailable       the database can't be reached, is full or is too busy
│   ├── CommitUnknown             COMMIT was sent and no answer came
│   ├── NestedTransaction         a transaction was opened inside another one
│   └── StaleRow                  a guarded write met a row that had changed
└── (InvariantViolated)           stands apart: a bug or a tampered row; nobody catches it

A refusal's ``code`` is stable and is what a client switches on; its text says what happened, to
which thing, and what to do. ``docs/reference/errors.md`` lists every code.  ``is_transient`` tells
"try the same again" (overloaded, database away, outcome unknown) from "the answer is no".
"""

from __future__ import annotations

__all__ = [
    "BatuaError",
    "CommitUnknown",
    "ConfigurationError",
    "Conflict",
    "DatabaseError",
    "DatabaseUnavailable",
    "Forbidden",
    "GatewayFailed",
    "HoldNotDue",
    "IdempotencyConflict",
    "InProgress",
    "InsufficientFunds",
    "InvalidRequest",
    "InvariantViolated",
    "LinkedRefused",
    "NestedTransaction",
    "NotFound",
    "RateLimited",
    "Refusal",
    "StaleRow",
    "TryAgain",
]


class BatuaError(Exception):
    """Base of every error that Batua raises on purpose.

    ``is_transient`` says that the same operation, with the same ids, is to be sent again: nothing
    happened, or what happened is found by its ids.
    """

    is_transient = False


class Refusal(BatuaError):
    """The request is understood and the answer is no. Nothing moved.

    ``is_final`` says that the same request gets the same answer for ever, so that the answer may
    be stored under its idempotency key.
    """

    is_final = False

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    @property
    def ledger_code(self) -> str:
        """What the ledger itself calls it, where HTTP has a name of its own for it."""
        return self.code


class InvalidRequest(Refusal):
    """A value of the request can't be meant. ``pointer`` is its place as a JSON pointer."""

    def __init__(self, message: str, *, pointer: str = "", code: str = "invalid_request") -> None:
        super().__init__(code, message)
        self.pointer = pointer

    @classmethod
    def card_number(cls, name: str) -> InvalidRequest:
        """``name`` has what looks like a card's number: it is repeated and kept nowhere."""
        return cls(
            f"{name} has a number in it that looks like a card's. Cards are the providers' alone: "
            "leave it out. A number of your own is told apart by a letter within its digits.",
            pointer=f"/{name}",
            code="card_number_refused",
        )


class NotFound(Refusal):
    """There is no such thing, or it belongs to somebody else: the two are never told apart."""

    def __init__(self, noun: str, id: str, *, code: str = "not_found") -> None:
        super().__init__(code, f"There is no {noun} {id!r}.")


class Forbidden(Refusal):
    """The caller is known and may not do this."""


class InsufficientFunds(Refusal):
    """The amount is larger than what the account has available.

    The ledger calls it ``exceeds_available_balance``; over HTTP it is 402 ``insufficient_funds``.
    """

    is_final = True
    ledger_code = "exceeds_available_balance"

    def __init__(self, *, owner: str, amount: int, available: int, currency: str) -> None:
        super().__init__(
            "insufficient_funds",
            f"The wallet of {owner!r} has {available} {currency} available (minor units), "
            f"which is less than {amount}. Top up, or choose a smaller amount.",
        )
        self.amount = amount
        self.available = available
        self.currency = currency


class Conflict(Refusal):
    """The thing is not in a state that allows this."""

    is_final = True


class HoldNotDue(Conflict):
    """``hold_not_due``: it has time left. The same request succeeds once its time is up."""

    is_final = False

    def __init__(self, id: str, *, when: str) -> None:
        super().__init__("hold_not_due", f"Hold {id!r} expires {when}. Void it to give it back.")


class LinkedRefused(Conflict):
    """``linked_operation_refused``: one of several was refused, so none of them happened.

    ``index`` says which one, ``cause`` why.
    """

    def __init__(self, index: int, cause: Refusal) -> None:
        super().__init__(
            "linked_operation_refused",
            f"Operation {index} of those linked was refused ({cause.ledger_code}), so that none "
            f"of them happened: {cause}",
        )
        self.index = index
        self.cause = cause
        self.is_final = cause.is_final


class IdempotencyConflict(Refusal):
    """The key was used before, with another request: ``idempotency_key_reused``."""

    def __init__(self, key: str) -> None:
        super().__init__(
            "idempotency_key_reused",
            f"The Idempotency-Key {key!r} was used before with a different request. "
            "Make a new key for a new request.",
        )


class InProgress(Refusal):
    """The first request with this key has not been answered yet.

    ``subject`` is the id of what that request is making; ``lease_expired`` says that whoever
    worked on it has stopped, so that the work may be taken up again.
    """

    is_transient = True

    def __init__(self, key: str, *, subject: str, lease_expired: bool) -> None:
        super().__init__(
            "in_progress",
            f"The request with the Idempotency-Key {key!r} is still being worked on. "
            "Ask again in a few seconds with the same key.",
        )
        self.subject = subject
        self.lease_expired = lease_expired


class GatewayFailed(Refusal):
    """The provider refused, and would refuse again: ``gateway_rejected``."""

    is_final = True

    def __init__(self, gateway: str, message: str) -> None:
        super().__init__("gateway_rejected", f"{gateway} refused: {message}")


class TryAgain(Refusal):
    """Nothing happened. The same request may succeed after ``retry_after_s`` seconds."""

    is_transient = True

    def __init__(self, code: str, message: str, *, retry_after_s: int = 1) -> None:
        super().__init__(code, message)
        self.retry_after_s = retry_after_s


class RateLimited(TryAgain):
    """Whoever asks has asked too often: ``rate_limited``, until the window of time has ended.

    Or holds too much at a time: ``too_many_streams``, until some of it is given back.
    """

    def __init__(self, message: str, *, retry_after_s: int, code: str = "rate_limited") -> None:
        super().__init__(code, message, retry_after_s=retry_after_s)


class ConfigurationError(BatuaError):
    """A setting is missing or can't work. The message names it and never repeats a secret."""


class DatabaseError(BatuaError):
    """Something that the database layer found out."""


class DatabaseUnavailable(DatabaseError):
    """The database can't be reached, is full or is too busy. Nothing was committed."""

    is_transient = True


class CommitUnknown(DatabaseError):
    """COMMIT was sent and no answer came: the transaction may or may not have happened.

    The same operation sent again finds out, by its ids.
    """

    is_transient = True


class NestedTransaction(DatabaseError):
    """A transaction was opened inside another one of the same task: each would hide the other."""


class StaleRow(DatabaseError):
    """A write that was guarded by a version met a row that had changed."""


class InvariantViolated(Exception):
    """A rule that must always hold does not. Rolls back and alarms; nobody catches it.

    Not an ``assert``, which ``python -O`` removes.
    """
