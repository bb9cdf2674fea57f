"""Stripe's request bodies: ``application/x-www-form-urlencoded`` with nested names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlencode

__all__ = ["Fields", "encoded"]

Value = str | int | bool | Sequence[str] | Mapping[str, "Value"]
Fields = Mapping[str, Value]


def encoded(fields: Fields) -> str:
    """``{"a": {"b": True}, "c": ["d"]}`` as ``a[b]=true&c[]=d``, with the brackets escaped.

    The same fields always give the same text, as an idempotency key demands. Source: the
    requests in docs.stripe.com/api, 2026-11-22.
    """
    return urlencode([pair for name, value in fields.items() for pair in _pairs(name, value)])


def _pairs(name: str, value: Value) -> Iterator[tuple[str, str]]:
    match value:
        case bool():
            yield name, "true" if value else "false"
        case str() | int():
            yield name, str(value)
        case Mapping():
            for part, inner in value.items():
                yield from _pairs(f"{name}[{part}]", inner)
        case _:
            for item in value:
                yield f"{name}[]", item
