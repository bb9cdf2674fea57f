"""Stripe's lists: newest first, narrowed, page after page (docs.stripe.com/api/pagination)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from batua.testing.simulators.kit.store import Store
from batua.testing.simulators.stripe.entities import Document, Refused

__all__ = ["found_in", "listed", "page_of"]

_LIMIT_DEFAULT = 10
_LIMIT_MAX = 100
_METADATA_QUERY = re.compile(r"metadata\['([^'\]]+)'\]:'([^']*)'")
_BOUNDS = {
    "gt": lambda value, bound: value > bound,
    "gte": lambda value, bound: value >= bound,
    "lt": lambda value, bound: value < bound,
    "lte": lambda value, bound: value <= bound,
}


def listed(store: Store, kind: str, asked: Document) -> Iterator[Document]:
    """The documents of a ``kind``, newest first, after the one that was the last of a page."""
    after = asked.get("starting_after")
    if after is not None and store.get(kind, after) is None:
        raise Refused(f"No such object: '{after}'", param="starting_after")
    return store.newest(kind, before=after)


def page_of(path: str, documents: Iterable[Document], asked: Document) -> Document:
    """One page of what is ``listed``."""
    limit = asked.get("limit", _LIMIT_DEFAULT)
    if not 1 <= limit <= _LIMIT_MAX:
        raise Refused(f"Invalid limit: {limit}", param="limit", is_run=False)
    wanted = (document for document in documents if _is_wanted(document, asked))
    data = list(islice(wanted, limit))
    return {
        "object": "list",
        "data": data,
        "has_more": next(wanted, None) is not None,
        "url": path,
    }


def found_in(documents: Iterable[Document], query: str) -> list[Document]:
    """The search for one pair of the metadata; other queries are not simulated."""
    match = _METADATA_QUERY.fullmatch(query)
    if match is None:
        raise Refused(f"We were unable to parse your search query: {query}", param="query")
    name, value = match.groups()
    return [document for document in documents if document["metadata"].get(name) == value]


def _is_wanted(document: Document, asked: Document) -> bool:
    if any(
        name in asked and document.get(name) != asked[name]
        for name in ("customer", "payment_intent")
    ):
        return False
    if "types" in asked and document["type"] not in asked["types"]:
        return False
    return all(
        _BOUNDS[bound](document["created"], int(value))
        for bound, value in asked.get("created", {}).items()
    )
