"""Adapters whose lists are not whole."""

# ruff: noqa: ARG002 - the contract gives the arguments.

import dataclasses
from datetime import UTC, datetime

from batua.contract import GatewayUnavailable, Mode, RefundResult
from tests.conformance.bank import BankGateway


class NoRefundsInTheList(BankGateway):
    """Payments were thought of, refunds have another address."""

    async def list_transactions(self, since, until):
        listed = await super().list_transactions(since, until)
        return tuple(each for each in listed if not isinstance(each, RefundResult))


class FirstPageOnly(BankGateway):
    """A hundred are enough for the test account."""

    async def list_transactions(self, since, until):
        return (await super().list_transactions(since, until))[:100]


class AllTime(BankGateway):
    """The filter is not sent along."""

    async def list_transactions(self, since, until):
        return await super().list_transactions(
            datetime.fromtimestamp(0, UTC), datetime(2100, 1, 1, tzinfo=UTC)
        )


class PartIsEnough(BankGateway):
    """A page that fails ends the list."""

    async def list_transactions(self, since, until):
        try:
            return await super().list_transactions(since, until)
        except GatewayUnavailable:
            return ()


class DisputesStayOpen(BankGateway):
    """What was fetched once is kept for ever."""

    async def fetch_dispute(self, request):
        self._kept = getattr(self, "_kept", {})
        if request.provider_dispute_id not in self._kept:
            found = await super().fetch_dispute(request)
            self._kept[request.provider_dispute_id] = found
        return self._kept[request.provider_dispute_id]


class LiveSettlements(BankGateway):
    """The mode is written into the code."""

    async def list_settlements(self, since, until):
        listed = await super().list_settlements(since, until)
        return tuple(dataclasses.replace(each, mode=Mode.LIVE) for each in listed)


BROKEN = {
    "transactions_agree_with_the_ledger": NoRefundsInTheList,
    "transactions_are_all_pages": FirstPageOnly,
    "transactions_keep_to_their_time": AllTime,
    "list_only_reads": PartIsEnough,
    "dispute_is_fetched": DisputesStayOpen,
    "settlements_are_listed": LiveSettlements,
}
