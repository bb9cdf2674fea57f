"""PayPal's own switches: one for each point of its protocol that is not known for certain.

The defaults are what its documents say or what was seen most; each switch's other side may be
met in production as well, so an adapter must be right on both.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from batua.testing.simulators.kit.faults import FaultChange, Faults

__all__ = ["PayPalChange", "paypal_faults"]

_Unset = msgspec.UnsetType
_Flag = bool | _Unset

CaptureOutcome = Literal["completed", "pending", "declined"]
RefundOutcome = Literal["completed", "pending", "failed"]
Refusal = Literal[
    "", "INSTRUMENT_DECLINED", "TRANSACTION_REFUSED", "COMPLIANCE_VIOLATION", "PAYER_CANNOT_PAY",
    "PAYER_ACTION_REQUIRED", "MAX_NUMBER_OF_PAYMENT_ATTEMPTS_EXCEEDED", "DUPLICATE_INVOICE_ID",
    "ORDER_COMPLETION_IN_PROGRESS", "ORDER_NOT_APPROVED",
]  # fmt: skip


class PayPalChange(FaultChange, frozen=True, forbid_unknown_fields=True):
    """What becomes of money, then what is uncertain of the API, then of the webhooks.

    ``capture_refusal`` is the 422 issue of every capture, and moves nothing. ``refund_busy``
    answers refunds with 409. ``token_epoch``: another number makes all earlier access tokens
    invalid. ``report_delay_s`` is how late the transaction search shows what happened (up to
    three hours: SPEC reporting_transactions_v1).
    """

    capture_outcome: CaptureOutcome | _Unset = msgspec.UNSET
    capture_refusal: Refusal | _Unset = msgspec.UNSET
    refund_outcome: RefundOutcome | _Unset = msgspec.UNSET
    refund_busy: _Flag = msgspec.UNSET
    accepts_inr: _Flag = msgspec.UNSET

    payer_action: _Flag = msgspec.UNSET
    refuse_duplicate_invoices: _Flag = msgspec.UNSET
    allows_vault: _Flag = msgspec.UNSET
    vault_waits: _Flag = msgspec.UNSET
    plain_429: _Flag = msgspec.UNSET
    token_lifetime_s: Annotated[int, msgspec.Meta(ge=1)] | _Unset = msgspec.UNSET
    token_epoch: int | _Unset = msgspec.UNSET
    report_delay_s: Annotated[int, msgspec.Meta(ge=0)] | _Unset = msgspec.UNSET

    declined_event: Literal["DENIED", "DECLINED"] | _Unset = msgspec.UNSET
    reversed_event: _Flag = msgspec.UNSET
    new_transmission_on_retry: _Flag = msgspec.UNSET
    serves_chain: _Flag = msgspec.UNSET
    expired_certificate: _Flag = msgspec.UNSET
    mock_events: _Flag = msgspec.UNSET
    same_crc: _Flag = msgspec.UNSET


def paypal_faults() -> Faults:
    """No fault in force, every switch at its default."""
    return Faults(
        PayPalChange,
        capture_outcome="completed",
        capture_refusal="",
        refund_outcome="completed",
        refund_busy=False,
        accepts_inr=False,
        payer_action=True,
        refuse_duplicate_invoices=False,
        allows_vault=True,
        vault_waits=False,
        plain_429=False,
        token_lifetime_s=32_400,
        token_epoch=0,
        report_delay_s=0,
        declined_event="DENIED",
        reversed_event=True,
        new_transmission_on_retry=False,
        serves_chain=False,
        expired_certificate=False,
        mock_events=False,
        same_crc=False,
    )
