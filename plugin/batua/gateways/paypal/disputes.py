"""Disputes (API v1), and the one rule about money that PayPal takes back by itself.

A dispute that is lost may show twice: as the dispute's outcome and as a refund of the capture
(PAYMENT.CAPTURE.REVERSED carries one). It must be taken from a wallet once. So a refund that did
not begin here is told as a refund only where no dispute of its capture accounts for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from batua.contract import (
    DisputeLookup,
    DisputeResult,
    DisputeStatus,
    GatewayRejected,
    GatewayUnavailable,
    Mode,
    Money,
    RefundResult,
)
from batua.gateways.paypal.client import PayPalClient, Refused, checked_id, read
from batua.gateways.paypal.codes import DISPUTE_OUTCOMES
from batua.gateways.paypal.money import money
from batua.gateways.paypal.reading import (
    Entity,
    dictionary,
    entities,
    known,
    moment,
    required,
    text,
)

__all__ = ["Disputes", "dispute_result", "disputed_captures"]

_DISPUTES = "/v1/customer/disputes"
_PAGE_SIZE = "50"
_PAGES_MAX = 100
_FINDABLE = timedelta(days=180) - timedelta(minutes=1)
"""SPEC ``update_time_after``: within the last 180 days."""
_PAGE_TOKEN = re.compile(r"[A-Za-z0-9+/=]{1,255}")


class Disputes:
    """Asks PayPal about disputes. Only reads."""

    def __init__(self, client: PayPalClient, mode: Mode, now: Callable[[], datetime]) -> None:
        self._client = client
        self._mode = mode
        self._now = now

    async def fetch(self, request: DisputeLookup) -> DisputeResult | None:
        """How a dispute stands; see ``PayPalGateway.fetch_dispute``."""
        dispute = await self._read(request.provider_dispute_id)
        if dispute is None:
            return None
        captures = read(disputed_captures, dispute)
        if request.provider_payment_id and request.provider_payment_id not in captures:
            raise GatewayRejected(
                "that dispute is about another payment", failure_code="reference_mismatch"
            )
        capture_id = request.provider_payment_id or next(iter(captures), "")
        return read(lambda entity: dispute_result(entity, capture_id, self._mode), dispute)

    async def changed(self, since: datetime, until: datetime) -> list[DisputeResult]:
        """Every dispute that changed in that time, as far back as PayPal finds them."""
        now = self._now()
        since, until = max(since, now - _FINDABLE), min(until, now)
        if since >= until:
            return []
        found = await self._list(
            {
                "update_time_after": f"{since:%Y-%m-%dT%H:%M:%S.000Z}",
                "update_time_before": f"{until:%Y-%m-%dT%H:%M:%S.999Z}",
            }
        )
        ids = dict.fromkeys(read(lambda item: required(item, "dispute_id"), item) for item in found)
        results = [
            await self.fetch(DisputeLookup(provider_dispute_id=one, provider_payment_id=""))
            for one in ids
        ]
        return [result for result in results if result is not None]

    async def tell_of(self, refund: RefundResult) -> bool | None:
        """Whether a dispute tells of the money of a refund that did not begin here.

        None while an open dispute leaves that undecided.
        """
        is_decided = True
        for item in await self._list({"disputed_transaction_id": refund.provider_payment_id}):
            began_at = moment(item.get("create_time"))
            if began_at and refund.occurred_at and refund.occurred_at < began_at:
                continue  # a refund that was there first is nothing of the dispute's
            dispute = await self._read(read(lambda entity: required(entity, "dispute_id"), item))
            if dispute is None:
                continue
            is_its = read(lambda entity: _is_its_money(entity, refund, self._mode), dispute)
            if is_its:
                return True
            is_decided = is_decided and is_its is not None
        return False if is_decided else None

    async def _read(self, dispute_id: str) -> Entity | None:
        try:
            return await self._client.read(f"{_DISPUTES}/{checked_id(dispute_id)}")
        except Refused as refusal:
            if not refusal.is_unknown_id:
                raise
            return None

    async def _list(self, params: dict[str, str]) -> list[Entity]:
        found: list[Entity] = []
        page = {**params, "page_size": _PAGE_SIZE}
        for _ in range(_PAGES_MAX):
            answer = await self._client.read(_DISPUTES, page)
            found += read(lambda entity: entities(entity, "items"), answer)
            token = read(_next_page, answer)
            if not token:
                return found
            page["next_page_token"] = token
        raise GatewayUnavailable(f"PayPal's list of disputes has more than {len(found)} entries")


def disputed_captures(dispute: Entity) -> tuple[str, ...]:
    """The captures that a dispute is about, by the ids that the seller knows."""
    transactions = entities(dispute, "disputed_transactions")
    ids = (text(transaction, "seller_transaction_id") for transaction in transactions)
    return tuple(one for one in ids if one)


def dispute_result(dispute: Entity, capture_id: str, mode: Mode) -> DisputeResult:
    """PayPal's word on a dispute. Raises ``Unreadable``.

    What was moved between seller and buyer goes before the outcome's name, which does not always
    tell who paid.
    """
    status, amount = DisputeStatus.OPEN, money(dispute.get("dispute_amount"))
    if text(dispute, "status") == "RESOLVED":
        status, amount = _verdict(dispute, amount)
    return DisputeResult(
        provider_dispute_id=required(dispute, "dispute_id"),
        provider_payment_id=capture_id,
        status=status,
        amount=amount,
        mode=mode,
        reason=text(dispute, "reason"),
        occurred_at=moment(dispute.get("update_time")) or moment(dispute.get("create_time")),
    )


def _verdict(dispute: Entity, disputed: Money) -> tuple[DisputeStatus, Money]:
    movements = _settlements(dispute)
    if movements and all(amount.currency == disputed.currency for amount in movements):
        taken = sum(amount.amount for amount in movements)
        if taken > 0:
            return DisputeStatus.LOST, Money(taken, disputed.currency)
        return DisputeStatus.WON, disputed
    outcome = dictionary(dispute.get("dispute_outcome"))
    status = known(DISPUTE_OUTCOMES, text(outcome, "outcome_code"))
    refunded = outcome.get("amount_refunded")
    is_partial = status is DisputeStatus.LOST and refunded is not None
    return status, money(refunded) if is_partial else disputed


def _settlements(dispute: Entity) -> list[Money]:
    """What PayPal took from the seller for the dispute itself; what it gave back is negative.

    Source: SPEC ``money_movement``; fees are movements of their own reasons.
    """
    return [
        _settlement(movement)
        for movement in entities(dispute, "money_movements")
        if text(movement, "affected_party") == "SELLER"
        and text(movement, "reason") == "DISPUTE_SETTLEMENT"
    ]


def _settlement(movement: Entity) -> Money:
    amount = money(movement.get("amount"))
    sign = known({"DEBIT": 1, "CREDIT": -1}, text(movement, "type"))
    return Money(sign * amount.amount, amount.currency)


def _is_its_money(dispute: Entity, refund: RefundResult, mode: Mode) -> bool | None:
    """Whether the refund is what the dispute took, or None where that is not decided."""
    movements = _settlements(dispute)
    if movements:
        # Also where it was given back since: the dispute, then won, tells of both.
        return refund.amount in movements
    status = dispute_result(dispute, refund.provider_payment_id, mode).status
    return None if status is DisputeStatus.OPEN else status is DisputeStatus.LOST


def _next_page(answer: Entity) -> str:
    for link in entities(answer, "links"):
        if text(link, "rel") == "next":
            tokens = parse_qs(urlsplit(text(link, "href")).query).get("next_page_token", [""])
            # A plus sign in a query may have been read as a blank.
            token = tokens[0].replace(" ", "+")
            return token if _PAGE_TOKEN.fullmatch(token) else ""
    return ""
