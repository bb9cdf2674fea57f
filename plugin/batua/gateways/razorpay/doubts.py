"""Which of our ids this process asked Razorpay to create and got no answer for."""

from __future__ import annotations

from collections import OrderedDict

__all__ = ["Doubts"]


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
