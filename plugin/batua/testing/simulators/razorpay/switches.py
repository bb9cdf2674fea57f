"""Razorpay's own switches: where its docs conflict or say nothing, a test takes either side."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, UnsetType

from batua.testing.simulators.kit.faults import FaultChange, Faults

__all__ = ["Switches", "new_faults"]


class Switches(FaultChange, frozen=True, forbid_unknown_fields=True):
    """What the docs leave open, and what becomes of things by themselves.

    ``strict_receipts`` refuses every repeated receipt; ``ignores_unique_receipt`` makes a second
    order in spite of the flag. ``refund_keys_work`` is whether a refund's idempotency key counts,
    which is not confirmed for test mode. ``blank_errors`` writes "" for null into the error fields
    of a payment that is fine, and ``odd_captured`` ``captured: true`` into authorized and failed
    ones, as samples do. ``refused_key_status`` is the HTTP status of wrong credentials.

    ``refund_outcome``, ``debit_outcome`` and ``token_outcome`` are the ends of new refunds, of
    charges of a token and of new mandates. ``instant_refunds`` is whether an optimum refund is one.
    """

    strict_receipts: bool | UnsetType = UNSET
    ignores_unique_receipt: bool | UnsetType = UNSET
    refund_keys_work: bool | UnsetType = UNSET
    blank_errors: bool | UnsetType = UNSET
    odd_captured: bool | UnsetType = UNSET
    refused_key_status: Literal[400, 401] | UnsetType = UNSET
    refund_outcome: Literal["processed", "pending", "failed"] | UnsetType = UNSET
    debit_outcome: Literal["captured", "created", "failed"] | UnsetType = UNSET
    token_outcome: Literal["confirmed", "rejected", "initiated"] | UnsetType = UNSET
    instant_refunds: bool | UnsetType = UNSET


def new_faults() -> Faults:
    """Nothing goes wrong, and every switch stands at what the docs make more likely."""
    return Faults(
        Switches,
        strict_receipts=False,
        ignores_unique_receipt=False,
        refund_keys_work=True,
        blank_errors=False,
        odd_captured=False,
        refused_key_status=401,
        refund_outcome="processed",
        debit_outcome="captured",
        token_outcome="confirmed",  # noqa: S106 - a token's end, and no secret
        instant_refunds=True,
    )
