"""JSON as its standard has it: no comments, no repeated keys, no half characters.

Google's reference implementation reads laxer JSON than this (tink-java-apps @f06b4cea, read
2026-11-22); two readers that disagree about a document are how a signature is got around.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

__all__ = ["parse_object"]


def parse_object(text: str, *, chars_max: int) -> dict[str, Any] | None:
    """The object that ``text`` is, or None where it is anything else.

    It raises nothing: an error of the parser would carry the whole text, which may hold a card.
    """
    if len(text) > chars_max:
        return None
    try:
        found = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
        # A lone surrogate has no UTF-8, so nothing could have been signed over it.
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        raise ValueError("a key is repeated")
    return unique


def _refuse(_constant: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")
