"""What this process remembers of calls that have not come to their end."""

from __future__ import annotations

import secrets
from collections import OrderedDict

__all__ = ["Claims", "Doubts"]


class Doubts:
    """A bounded memory, so that a retry looks before it asks again.

    It saves a second order, never money: what a dead process forgot is caught by the receipt
    and by the refund's idempotency key.
    """

    def __init__(self, most: int = 10_000) -> None:
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._most = most

    def __contains__(self, our_id: str) -> bool:
        return our_id in self._ids

    def add(self, our_id: str) -> None:
        self._ids[our_id] = None
        if len(self._ids) > self._most:
            self._ids.popitem(last=False)

    def clear(self, our_id: str) -> None:
        self._ids.pop(our_id, None)


class Claims:
    """A word of its own for every charge, written on the order that is made for it.

    Whose word is on the order may debit it; everybody else must ask what became of it first. A
    claim is given back only by somebody who knows that no debit was sent.
    """

    def __init__(self, most: int = 10_000) -> None:
        self._claims: OrderedDict[str, str] = OrderedDict()
        self._most = most

    def take(self, our_id: str) -> str:
        return self._claims.pop(our_id, None) or secrets.token_hex(8)

    def give_back(self, our_id: str, claim: str) -> None:
        self._claims[our_id] = claim
        if len(self._claims) > self._most:
            self._claims.popitem(last=False)
