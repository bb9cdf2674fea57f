"""Adapters that wait for ever, or answer one caller with what another asked."""

import asyncio
import dataclasses

from batua.contract import GatewayError
from tests.conformance.bank import BankGateway


class TriesTenTimes(BankGateway):
    """A retry loop inside the adapter: the customer waits ten timeouts."""

    async def create_payment(self, request):
        for _ in range(10):
            try:
                return await super().create_payment(request)
            except GatewayError as error:
                last = error
        raise last


class NoTotalTimeout(BankGateway):
    """The client's timeout is per read: an answer that drips is read to its end."""

    def __init__(self, settings, transport):
        super().__init__(settings, dataclasses.replace(transport, timeout_s=60.0))


class ShieldsItsCalls(BankGateway):
    """The call goes on behind the caller's back."""

    async def create_payment(self, request):
        call = asyncio.ensure_future(super().create_payment(request))
        while not call.done():
            try:
                await asyncio.shield(call)
            except asyncio.CancelledError:
                continue
        return call.result()


class KeepsTheLastRequest(BankGateway):
    """What is asked is kept on the instance while it waits."""

    async def fetch_payment(self, request):
        self._request = request
        await asyncio.sleep(0.01)
        return await super().fetch_payment(self._request)


BROKEN = {
    "hanging_provider_is_left": TriesTenTimes,
    "dripping_answer_is_left": NoTotalTimeout,
    "cancelled_call_leaves_nothing": ShieldsItsCalls,
    "calls_at_once_are_apart": KeepsTheLastRequest,
}
