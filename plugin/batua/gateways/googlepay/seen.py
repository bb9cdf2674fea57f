"""Which tokens have been brought before: a token pays one payment.

Google does not stop a token from being shown twice (G: guides/resources/
payment-data-cryptography, read 2026-11-22). An adapter has no database, so what is here ends with
the process; each class says what binds beyond it.
"""

from __future__ import annotations

from collections import OrderedDict
from hashlib import sha256
from typing import Protocol

from batua.contract import GatewayUnavailable

__all__ = ["SeenInMemory", "SeenMessages", "UsedTokens"]


class SeenMessages(Protocol):
    """Remembers opened messages until they expire by themselves.

    Where several processes take tokens in, they must share one of these.
    """

    async def claim(
        self, message_id: str, payment_id: str, *, expires_ms: int, now_ms: int
    ) -> bool:
        """Whether the message belongs to this payment: newly, or since before.

        Raises ``GatewayUnavailable`` where it can't be remembered. Never forgets before
        ``expires_ms`` (unix milliseconds).
        """


class SeenInMemory:
    """For one process. It rather takes no message than forget one that still counts.

    Only messages that Google signed get here, so nobody else can fill it. Beyond this process
    and its restart a message is bound by the processor, which charges a payment of ours once,
    and by the card network, which takes a cryptogram once.
    """

    def __init__(self, most: int = 100_000) -> None:
        self._most = most
        self._seen: dict[str, tuple[int, str]] = {}

    async def claim(
        self, message_id: str, payment_id: str, *, expires_ms: int, now_ms: int
    ) -> bool:
        known = self._seen.get(message_id)
        if known is not None:
            return known[1] == payment_id
        if len(self._seen) >= self._most:
            self._seen = {seen: kept for seen, kept in self._seen.items() if kept[0] > now_ms}
        if len(self._seen) >= self._most:
            raise GatewayUnavailable("too many Google Pay messages at once: try again later")
        self._seen[message_id] = (expires_ms, payment_id)
        return True


class UsedTokens:
    """For tokens that only the processor can open: the hashes of the last ones.

    This only spares the processor a call. What binds a token is that the processor takes it
    once; a token written with other white space passes here, and not there.
    """

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._payments: OrderedDict[bytes, str] = OrderedDict()

    def claim(self, token: str, payment_id: str) -> bool:
        """Whether the token belongs to this payment: newly, or since before."""
        digest = sha256(token.encode()).digest()
        owner = self._payments.setdefault(digest, payment_id)
        if len(self._payments) > self._most:
            self._payments.popitem(last=False)
        return owner == payment_id
