"""A top-up, as its payments at gateways, its refunds and its disputes see it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from batua.events import EventType
from batua.ledger import AccountName, Book, Movement, Need, Record, account_needs
from batua.ledger.lots import moved, unspent_of
from batua.ledger.operations.lookup import mirrored
from batua.ledger.tables import Hold, Transfer
from batua.outbox import Announcer
from batua.payments import (
    Capture,
    Clawback,
    Clawed,
    Destination,
    Placement,
    RefundStatus,
    bonus_hold,
    ledger_reason,
)
from batua.wallets.bonuses import BonusRule, bonus_left, bonus_needs, grant_bonus, share_of
from batua.wallets.tables import TopUp
from batua.wallets.top_ups import WANTS_MONEY, TopUpStatus

__all__ = ["TopUpPurpose"]


@dataclass(frozen=True, slots=True)
class TopUpPurpose:
    """A top-up, as its payments and refunds see it."""

    announcer: Announcer
    bonus: BonusRule

    def needs(self, subject_id: str, book: Book) -> Iterable[Need]:
        need = Need(TopUp, "id", subject_id)
        captures = Need(Capture, "top_up_id", subject_id)
        yield need
        yield captures
        if not book.missing([need]):
            top_up = book.need(TopUp, "id", subject_id)
            yield from account_needs(AccountName.wallet_of(top_up))
            yield from bonus_needs(book, top_up)
        if not book.missing([captures]):
            for capture in book.find(*captures):
                name = AccountName.gateway(capture["gateway"], capture["currency"])
                yield from account_needs(name)

    def place(self, book: Book, payment: Record) -> Placement:
        top_up = book.need(TopUp, "id", payment["top_up_id"])
        if top_up["status"] in WANTS_MONEY:
            is_late = top_up["status"] == TopUpStatus.EXPIRED
            return Placement(Destination.WALLET, "late_capture" if is_late else "top_up")
        return Placement(Destination.WALLET, "second_capture")

    def wants(self, book: Book, payment: Record) -> bool:
        top_up = book.need(TopUp, "id", payment["top_up_id"])
        return top_up["status"] in WANTS_MONEY - {TopUpStatus.EXPIRED}

    def captured(self, book: Book, capture: Record) -> None:
        top_up = book.need(TopUp, "id", capture["top_up_id"])
        if capture["destination"] == Destination.SUSPENSE:
            if top_up["status"] in WANTS_MONEY:
                book.update(top_up, status=str(TopUpStatus.SUSPENSE), updated_at=book.now)
            return
        status, bonus, told = top_up["status"], 0, EventType.WALLET_CREDITED
        if status in WANTS_MONEY:
            status, told = TopUpStatus.SUCCEEDED, EventType.TOP_UP_SUCCEEDED
            bonus = grant_bonus(book, self.bonus, top_up, capture)
        elif status == TopUpStatus.REFUNDED:
            status = TopUpStatus.PARTIALLY_REFUNDED
        book.update(
            top_up,
            status=str(status),
            credited=top_up["credited"] + capture["amount"],
            bonus=top_up["bonus"] + bonus,
            failure="",
            updated_at=book.now,
        )
        self.announcer.credited(book, capture)
        about = top_up if told is EventType.TOP_UP_SUCCEEDED else capture
        self.announcer.events.record(book, told, about)

    def not_paid(self, book: Book, payment: Record, *, expired: bool) -> None:
        top_up = book.need(TopUp, "id", payment["top_up_id"])
        if top_up["status"] in {TopUpStatus.PENDING, TopUpStatus.PROCESSING, TopUpStatus.FAILED}:
            before = top_up["status"]
            status = TopUpStatus.EXPIRED if expired else TopUpStatus.FAILED
            failure = top_up["failure"] if expired else payment["failure"]
            book.update(top_up, status=str(status), failure=failure, updated_at=book.now)
            if status != before:
                told = EventType.TOP_UP_EXPIRED if expired else EventType.TOP_UP_FAILED
                self.announcer.events.record(book, told, top_up)

    def approved(self, book: Book, refund: Record) -> None:
        """All of it goes to the source: there is nothing to pay at once."""

    def rejected(self, book: Book, refund: Record) -> None:
        self.source_failed(book, refund, was_posted=False)

    def source_refunded(self, book: Book, refund: Record) -> None:
        top_up, capture = self._of(book, refund)
        book.capture_hold(
            book.need(Hold, "id", refund["id"]),
            Movement(
                id=f"{refund['id']}.source",
                kind="top_up_refund",
                debit=AccountName.wallet_of(top_up),
                credit=AccountName.gateway(refund["gateway"], refund["currency"]),
                amount=refund["source_amount"],
                reason=ledger_reason(refund["reason"]),
                actor=refund["requested_by"],
                approved_by=refund["approved_by"],
                top_up_id=top_up["id"],
                payment_id=capture["payment_id"],
                refund_id=refund["id"],
            ),
        )
        self._take_bonus(book, refund, top_up)
        amount = refund["source_amount"]
        for row in (top_up, capture):
            book.update(
                row,
                refunded=row["refunded"] + amount,
                refund_reserved=row["refund_reserved"] - amount,
            )
        book.update(
            top_up,
            bonus_returned=top_up["bonus_returned"] + refund["bonus_amount"],
            status=_settled(top_up),
            updated_at=book.now,
        )
        self.announcer.refund_succeeded(book, refund, f"top-up {top_up['id']}")

    def source_failed(self, book: Book, refund: Record, *, was_posted: bool) -> None:
        top_up, capture = self._of(book, refund)
        amount = refund["source_amount"]
        column = "refunded" if was_posted else "refund_reserved"
        for row in (top_up, capture):
            book.update(row, **{column: row[column] - amount})
        if was_posted:
            self._undo(book, refund)
            book.update(
                top_up,
                bonus_returned=top_up["bonus_returned"] - refund["bonus_amount"],
                status=_settled(top_up),
                updated_at=book.now,
            )
        else:
            book.void_hold(book.need(Hold, "id", refund["id"]), AccountName.wallet_of(top_up))
            if refund["bonus_amount"]:
                hold = book.need(Hold, "id", bonus_hold(refund["id"]))
                book.void_hold(hold, AccountName.wallet_of(top_up))
        if refund["status"] == RefundStatus.FAILED:  # and not refused by a second person
            self.announcer.events.record(book, EventType.REFUND_FAILED, refund)

    def claw_back(self, book: Book, clawback: Clawback) -> Clawed:
        """Its bonus goes back too: what is unspent of it, and then as money."""
        top_up = book.need(TopUp, "id", clawback.capture["top_up_id"])
        book.account(AccountName.wallet_of(top_up))  # what is due of its lots has expired
        bonus = bonus_left(book, top_up)
        rest = top_up["credited"] - top_up["refunded"] - top_up["disputed"]
        share = share_of(bonus.outstanding, amount=clawback.amount, of=rest)
        promotion = AccountName.promotion(top_up["currency"])
        own = unspent_of(book.lots(AccountName.wallet_of(top_up)), top_up["id"], share)
        unspent = sum(amount for _, amount in own)
        if unspent:
            wallet = clawback.wallet
            clawback.post(book, "bonus", wallet, unspent, into=promotion, takes=own)
        clawback.from_wallet(book, clawback.amount)
        if unspent < share:
            clawback.from_wallet(book, share - unspent, into=promotion, before="bonus_")
        return Clawed(bonus=share)

    def clawed_back(self, book: Book, clawback: Clawback, clawed: Clawed, *, sign: int) -> None:
        top_up = book.need(TopUp, "id", clawback.capture["top_up_id"])
        column = "disputed" if clawback.is_dispute else "refunded"
        book.update(
            top_up,
            **{column: top_up[column] + sign * clawback.amount},
            bonus_returned=top_up["bonus_returned"] + sign * clawed.bonus,
        )
        book.update(top_up, status=_settled(top_up), updated_at=book.now)

    def disputed(self, book: Book, capture: Record, *, is_lost: bool) -> None:
        if capture["destination"] == Destination.WALLET:
            top_up = book.need(TopUp, "id", capture["top_up_id"])
            status = TopUpStatus.CHARGED_BACK if is_lost else TopUpStatus.DISPUTED
            book.update(top_up, status=str(status), updated_at=book.now)

    def _take_bonus(self, book: Book, refund: Record, top_up: Record) -> None:
        if refund["bonus_amount"]:
            book.capture_hold(
                book.need(Hold, "id", bonus_hold(refund["id"])),
                Movement(
                    id=f"{refund['id']}.bonus",
                    kind="bonus_clawback",
                    debit=AccountName.wallet_of(top_up),
                    credit=AccountName.promotion(refund["currency"]),
                    amount=refund["bonus_amount"],
                    reason=ledger_reason(refund["reason"]),
                    actor=refund["requested_by"],
                    approved_by=refund["approved_by"],
                    top_up_id=top_up["id"],
                ),
            )

    def _undo(self, book: Book, refund: Record) -> None:
        """The provider took back what it had said: money and bonus are there again."""
        for part, reversal, kind in (
            ("source", f"{refund['id']}.reversal", "reversal_of_top_up_refund"),
            ("bonus", f"{refund['id']}.bonus.reversal", "reversal_of_bonus_clawback"),
        ):
            transfer = book.get(Transfer, "id", f"{refund['id']}.{part}")
            if transfer is not None:
                book.post(
                    mirrored(
                        book,
                        transfer,
                        id=reversal,
                        kind=kind,
                        reason="refund_failed_at_provider",
                        actor=f"gateway:{refund['gateway']}",
                        restores=moved(book, transfer["id"]),
                    )
                )

    def _of(self, book: Book, refund: Record) -> tuple[Record, Record]:
        return (
            book.need(TopUp, "id", refund["top_up_id"]),
            book.need(Capture, "id", refund["capture_id"]),
        )


def _settled(top_up: Record) -> str:
    """The status of a top-up that was credited, by what has gone back of it."""
    status = TopUpStatus(top_up["status"])
    if top_up["disputed"] and status in {TopUpStatus.DISPUTED, TopUpStatus.CHARGED_BACK}:
        return str(status)
    if not top_up["refunded"]:
        return str(TopUpStatus.SUCCEEDED)
    whole = top_up["refunded"] == top_up["credited"]
    return str(TopUpStatus.REFUNDED if whole else TopUpStatus.PARTIALLY_REFUNDED)
