"""Who acts, and what they do: it follows a member of staff into whatever their act changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import msgspec

from batua.audit.personal import PERSONAL, PERSONAL_FIELDS
from batua.identity import Role
from batua.redaction import redact

__all__ = ["Act", "Actor", "acting", "asked", "current_act", "start_acting"]

REASON_MAX = 1_000
ASKED_MAX = 4_000
"""Of what was asked, in characters of JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A member of staff, or an operator at the command line.

    ``name`` is as written beside what they do (``staff:meera``). ``role`` is what they may do
    now, which may be less than their account's: then ``limited`` says how to change that.
    ``address`` is where they sit.
    """

    name: str
    role: Role
    address: str = ""
    limited: str = ""


@dataclass(slots=True, kw_only=True)
class Act:
    """One thing that somebody does, with an id that was made before it starts.

    ``word`` is a verb such as ``refund_order``; ``subject`` is what it is done to, as in
    ``order:ord_…``; ``asked`` is the JSON of what they asked for, without secrets.
    """

    id: str
    actor: Actor
    word: str
    subject: str = ""
    reason: str = ""
    asked: str = "{}"


_current: ContextVar[Act | None] = ContextVar("batua_act", default=None)


@contextmanager
def acting(act: Act) -> Iterator[Act]:
    """Whatever is written of money or state within the block is entered in the log as ``act``."""
    token = _current.set(act)
    try:
        yield act
    finally:
        _current.reset(token)


def start_acting(act: Act) -> None:
    """The same to the end of the task."""
    _current.set(act)


def current_act() -> Act | None:
    """What is being done by somebody of the shop, or None: a customer, a gateway, the worker."""
    return _current.get()


def asked(body: Any) -> None:
    """Tell the act, if there is one, what was asked for, without what the log may not keep."""
    act = _current.get()
    if act is not None:
        act.asked = written(body)
        act.reason = act.reason or reason_of(body)


def reason_of(body: Any) -> str:
    """Why, in the words of whoever asks: a body names it by one of these."""
    names = ("reason", "reason_code")
    words = (redact(str(getattr(body, name, "") or "")) for name in names)
    return "; ".join(filter(None, words))[:REASON_MAX]


def written(body: Any) -> str:
    """What the log says of a request: JSON, redacted, and cut where it is very long."""
    told = msgspec.to_builtins(body)
    if isinstance(told, dict):
        told = {name: PERSONAL if name in PERSONAL_FIELDS and value else value
                for name, value in told.items()}  # fmt: skip
    text = redact(msgspec.json.encode(told).decode())
    if len(text) <= ASKED_MAX:
        return text
    return msgspec.json.encode({"cut": text[:ASKED_MAX]}).decode()
