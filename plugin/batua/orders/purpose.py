"""An order, as its payments at gateways and its refunds see it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from batua.events import EventType
from batua.ledger import AccountName, Book, Movement, Need, Record, account_needs
from batua.ledger.operations.lookup import mirrored
from batua.ledger.tables import Transfer
from batua.orders.orders import OrderStatus, close_payments
from batua.orders.refunds import pay_wallet_part, refunded_status
from batua.orders.shares import (
    open_share,
    release_share,
    share_needs,
    spending_needs,
)
from batua.orders.splits import capture_share, has_share
from batua.orders.tables import Order
from batua.outbox import Announcer
from batua.payments import (
    Capture,
    Clawback,
    Clawed,
    Destination,
    Payment,
    PaymentStatus,
    Placement,
    ledger_reason,
    to_wallet,
)

__all__ = ["OrderPurpose"]


@dataclass(frozen=True, slots=True)
class OrderPurpose:
    """What happens to an order when a gateway's money comes, goes or does not come."""

    announcer: Announcer

    def needs(self, subject_id: str, book: Book) -> Iterable[Need]:
        need = Need(Order, "id", subject_id)
        yield from share_needs(subject_id, book)
        yield Need(Payment, "order_id", subject_id)
        yield Need(Capture, "order_id", subject_id)
        if book.missing([need, Need(Capture, "order_id", subject_id)]):
            return
        order = book.need(Order, "id", subject_id)
        yield from spending_needs(order, book)
        for capture in book.find(Capture, "order_id", subject_id):
            yield from account_needs(AccountName.gateway(capture["gateway"], order["currency"]))

    def place(self, book: Book, payment: Record) -> Placement:
        order = book.need(Order, "id", payment["order_id"])
        if order["status"] != OrderStatus.PENDING:
            return Placement(Destination.WALLET, f"order_is_{order['status']}")
        if not has_share(book, order, payment):
            return Placement(Destination.WALLET, "share_is_gone")
        return Placement(Destination.ORDER, "order")

    def wants(self, book: Book, payment: Record) -> bool:
        order = book.need(Order, "id", payment["order_id"])
        is_open = payment["status"] != PaymentStatus.CANCELLED
        return is_open and bool(order["status"] == OrderStatus.PENDING)

    def captured(self, book: Book, capture: Record) -> None:
        order = book.need(Order, "id", capture["order_id"])
        if capture["destination"] == Destination.WALLET:
            self.announcer.credited(book, capture)
            self.announcer.events.record(book, EventType.WALLET_CREDITED, capture)
        if capture["destination"] != Destination.ORDER:
            return
        share = capture_share(book, order, capture)
        book.update(
            order,
            status=str(OrderStatus.PAID),
            paid_from_wallet=share,
            paid_by_gateway=capture["amount"],
            paid_at=book.now,
            updated_at=book.now,
        )
        close_payments(book, order)
        self.announcer.order_paid(book, order)

    def not_paid(self, book: Book, payment: Record, *, expired: bool) -> None:
        """The order stays pending: it may be paid again, in another way.

        A failed payment gives its share back; an expired one keeps it for the grace of its hold,
        since news may come late.
        """
        if expired:
            return
        order = book.need(Order, "id", payment["order_id"])
        hold = open_share(book, order)
        if hold is not None and hold["payment_id"] == payment["id"]:
            release_share(book, order)

    def approved(self, book: Book, refund: Record) -> None:
        order, capture = self._of(book, refund)
        pay_wallet_part(book, refund, order, capture, self.announcer)

    def rejected(self, book: Book, refund: Record) -> None:
        order, capture = self._of(book, refund)
        book.update(order, refund_reserved=order["refund_reserved"] - refund["amount"])
        if capture is not None:
            left = capture["refund_reserved"] - refund["capture_amount"]
            book.update(capture, refund_reserved=left)

    def source_refunded(self, book: Book, refund: Record) -> None:
        order, capture = self._with_capture(book, refund)
        book.post(
            Movement(
                id=f"{refund['id']}.source",
                kind="refund_to_source",
                debit=AccountName.revenue(refund["currency"]),
                credit=AccountName.gateway(refund["gateway"], refund["currency"]),
                amount=refund["source_amount"],
                reason=ledger_reason(refund["reason"]),
                actor=refund["requested_by"],
                approved_by=refund["approved_by"],
                order_id=order["id"],
                payment_id=capture["payment_id"],
                refund_id=refund["id"],
            )
        )
        for row in (order, capture):
            book.update(
                row,
                refunded=row["refunded"] + refund["source_amount"],
                refund_reserved=row["refund_reserved"] - refund["source_amount"],
            )
        book.update(order, status=refunded_status(order), updated_at=book.now)
        self.announcer.events.record(book, EventType.ORDER_REFUNDED, order)
        self.announcer.refund_succeeded(book, refund, order["reference"])

    def source_failed(self, book: Book, refund: Record, *, was_posted: bool) -> None:
        order, capture = self._with_capture(book, refund)
        column = "refunded" if was_posted else "refund_reserved"
        for row in (order, capture):
            book.update(row, **{column: row[column] - refund["source_amount"]})
        if was_posted:
            book.post(
                mirrored(
                    book,
                    book.need(Transfer, "id", f"{refund['id']}.source"),
                    id=f"{refund['id']}.reversal",
                    kind="reversal_of_refund",
                    reason="refund_failed_at_provider",
                    actor=f"gateway:{refund['gateway']}",
                )
            )
        book.update(order, status=refunded_status(order), updated_at=book.now)
        self.announcer.events.record(book, EventType.REFUND_FAILED, refund)

    def claw_back(self, book: Book, clawback: Clawback) -> Clawed:
        """What was refunded to the wallet for it goes back; the rest is the shop's to bear."""
        capture, amount = clawback.capture, clawback.amount
        if capture["destination"] == Destination.WALLET:
            clawback.from_wallet(book, amount)
            return Clawed()
        out = capture["refunded"] + capture["refund_reserved"] + capture["disputed"]
        # A refund comes out of what is left to refund; a dispute is of what was refunded first.
        regular = 0 if clawback.is_dispute else max(0, min(amount, capture["amount"] - out))
        refunds = min(amount - regular, to_wallet(book, capture))
        if regular:
            clawback.post(book, "revenue", AccountName.revenue(capture["currency"]), regular)
        if refunds:
            clawback.from_wallet(book, refunds)
        if loss := amount - regular - refunds:
            clawback.post(book, "loss", AccountName.dispute_loss(capture["currency"]), loss)
        return Clawed(refunds=refunds)

    def clawed_back(self, book: Book, clawback: Clawback, clawed: Clawed, *, sign: int) -> None:
        if clawback.capture["destination"] != Destination.ORDER:
            return
        order = book.need(Order, "id", clawback.capture["order_id"])
        refunded = (0 if clawback.is_dispute else clawback.amount) - clawed.refunds
        book.update(order, refunded=order["refunded"] + sign * refunded)
        book.update(order, status=refunded_status(order), updated_at=book.now)
        if sign * refunded > 0:
            self.announcer.events.record(book, EventType.ORDER_REFUNDED, order)

    def disputed(self, book: Book, capture: Record, *, is_lost: bool) -> None:
        """What was delivered stays delivered: the order is paid, and the shop has lost."""

    def _of(self, book: Book, refund: Record) -> tuple[Record, Record | None]:
        capture = refund["capture_id"] and book.need(Capture, "id", refund["capture_id"])
        return book.need(Order, "id", refund["order_id"]), capture

    def _with_capture(self, book: Book, refund: Record) -> tuple[Record, Record]:
        order = book.need(Order, "id", refund["order_id"])
        return order, book.need(Capture, "id", refund["capture_id"])
