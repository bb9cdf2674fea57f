"""A UPI payment of the processor, as a checkout shows it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta

from batua.contract import (
    CreatedPayment,
    GatewayRejected,
    OpensUpi,
    PaymentRequest,
    UpiIntentRequest,
)
from batua.gateways.googlepay.upi import check_pay_link, google_pay_link

__all__ = ["UpiCheckout"]

_NEW = timedelta(minutes=5)
"""For how long a link is given again. Our choice: what providers allow is not documented, and a
payer has at least minutes to pay.
"""


class UpiCheckout:
    """Opens payments at the processor.

    Each opening may begin a further attempt there, so whoever creates a payment again soon, after
    a lost answer, is given the first link. A process that forgot it begins another attempt on
    the same payment, which the processor takes only one of.
    """

    def __init__(
        self, processor: OpensUpi, now: Callable[[], datetime], *, most: int = 10_000
    ) -> None:
        self._processor = processor
        self._now = now
        self._most = most
        self._links: OrderedDict[str, tuple[str, datetime]] = OrderedDict()

    async def open(self, request: PaymentRequest, created: CreatedPayment) -> dict[str, str]:
        """What the browser needs. Moves no money.

        Raises what the processor raises, and ``GatewayRejected`` (``upi_link_invalid``) where its
        link would not pay exactly this amount.
        """
        link = self._kept(created.provider_reference)
        if link is None:
            link = await self._opened(request, created.provider_reference)
        try:
            check_pay_link(link, request.amount)
        except ValueError as error:
            raise GatewayRejected(str(error), failure_code="upi_link_invalid") from None
        return {
            "upi_link": link,
            # A UPI app scans the link itself: the page draws these letters as a QR code.
            "upi_qr": link,
            "upi_google_pay": google_pay_link(link),
        }

    async def _opened(self, request: PaymentRequest, reference: str) -> str:
        intent = await self._processor.open_upi(
            UpiIntentRequest(
                payment_id=request.payment_id,
                provider_reference=reference,
                amount=request.amount,
                description=request.description,
                customer=request.customer,
            )
        )
        self._links[reference] = (intent.link, self._now())
        if len(self._links) > self._most:
            self._links.popitem(last=False)
        return intent.link

    def _kept(self, reference: str) -> str | None:
        link, opened_at = self._links.get(reference, (None, None))
        if opened_at is None or self._now() - opened_at >= _NEW:
            self._links.pop(reference, None)
            return None
        return link
