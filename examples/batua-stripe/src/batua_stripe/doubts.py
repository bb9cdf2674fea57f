"""Which of our ids this process asked Stripe to create and got no answer for."""

from __future__ import annotations

from collections import OrderedDict

__all__ = ["Doubts"]


class Doubts:
    """A bounded memory, so that a retry looks before it asks again.

    An id stays in it when its intent is made by the second key: the first key would make another.
    It saves clutter, never money: nobody has the client secret of an intent whose creation was not
    answered.
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
