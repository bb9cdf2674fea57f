"""Request bodies: nested form fields, and what Stripe refuses before it runs anything."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from batua.contract import is_currency
from batua.testing.simulators.stripe.entities import Document, Refused

__all__ = ["checked", "decoded"]

_PARTS = re.compile(r"\[([^\[\]]*)\]")
_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")

_INTENT = {
    "amount": int, "automatic_payment_methods": dict, "capture_method": str, "confirm": bool,
    "currency": str, "customer": str, "description": str, "expand": list, "metadata": dict,
    "off_session": bool, "payment_method": str, "receipt_email": str, "return_url": str,
    "setup_future_usage": str,
}  # fmt: skip
_PAGE = {"limit": int, "starting_after": str, "created": dict, "expand": list}

_FIELDS: Mapping[str, Mapping[str, type]] = {
    "create_intent": _INTENT,
    "confirm": {
        "expand": list, "off_session": bool, "payment_method": str, "payment_method_data": dict,
        "return_url": str,
    },
    "capture": {"amount_to_capture": int, "expand": list},
    "cancel": {"cancellation_reason": str, "expand": list},
    "create_refund": {"amount": int, "metadata": dict, "payment_intent": str, "reason": str},
    "create_customer": {"email": str, "metadata": dict, "name": str, "phone": str},
    "list": {**_PAGE, "customer": str, "payment_intent": str, "types": list},
    "search": {"query": str, "limit": int, "page": str},
    "fetch": {"expand": list},
}  # fmt: skip
_REQUIRED = {
    "create_intent": ("amount", "currency"),
    "create_refund": ("payment_intent",),
    "search": ("query",),
}


def decoded(pairs: Iterable[tuple[str, str]]) -> Document:
    """``a[b]=c`` and ``d[]=e`` as nested objects and lists of texts."""
    fields: Document = {}
    for name, value in pairs:
        match = _NAME.fullmatch(name)
        if match is None:
            raise _invalid(f"Invalid parameter name: {name}", name)
        _put(fields, [match[1], *_PARTS.findall(match[2])], value)
    return fields


def _put(fields: Document, path: list[str], value: str) -> None:
    at: Any = fields
    for here, following in zip(path, [*path[1:], None], strict=True):
        if following is None:
            at[here] = value
        elif following == "":
            at.setdefault(here, []).append(value)
            return
        else:
            at = at.setdefault(here, {})
        if not isinstance(at, dict):
            raise _invalid(f"Invalid {'.'.join(path)}", path[0])


def checked(endpoint: str, fields: Document) -> Document:
    """The fields with their types, or ``Refused``. Such a refusal no idempotency key keeps."""
    known = _FIELDS[endpoint]
    for name in fields.keys() - known.keys():
        raise _invalid(f"Received unknown parameter: {name}", name, code="parameter_unknown")
    for name in _REQUIRED.get(endpoint, ()):
        if not fields.get(name):
            raise _invalid(f"Missing required param: {name}.", name, code="parameter_missing")
    typed = {name: _typed(name, value, known[name]) for name, value in fields.items()}
    _check_amounts(typed)
    _check_metadata(typed.get("metadata", {}))
    return typed


def _typed(name: str, value: Any, kind: type) -> Any:
    if kind in {dict, list}:
        if not isinstance(value, kind):
            raise _invalid(f"Invalid {name}", name)
        return value
    if not isinstance(value, str):
        raise _invalid(f"Invalid string: {name}", name)
    if kind is bool:
        if value not in {"true", "false"}:
            raise _invalid(f"Invalid boolean: {value}", name)
        return value == "true"
    if kind is int:
        if not value.isascii() or not value.isdigit():
            raise _invalid(f"Invalid integer: {value}", name, code="parameter_invalid_integer")
        return int(value)
    return value


def _check_amounts(fields: Document) -> None:
    for name in ("amount", "amount_to_capture"):
        if name in fields and fields[name] < 1:
            raise _invalid(
                "This value must be greater than or equal to 1.",
                name,
                code="parameter_invalid_integer",
            )
    currency = fields.get("currency")
    if currency is not None and not (currency.islower() and is_currency(currency.upper())):
        raise _invalid(f"Invalid currency: {currency}.", "currency")


def _check_metadata(pairs: Document) -> None:
    if len(pairs) > 50 or any(len(name) > 40 for name in pairs):
        raise _invalid("Metadata has at most 50 keys of 40 characters.", "metadata")
    if any(not isinstance(value, str) or len(value) > 500 for value in pairs.values()):
        raise _invalid("Metadata values can have up to 500 characters.", "metadata")


def _invalid(message: str, param: str, **more: Any) -> Refused:
    return Refused(message, is_run=False, param=param, **more)
