"""Stripe's own switches: what a card's bank does, and both sides of what is not verified."""

from __future__ import annotations

from typing import Literal

import msgspec

from batua.testing.simulators.kit.faults import FaultChange, Faults

__all__ = ["Switches", "new_faults"]


class Switches(FaultChange, frozen=True, forbid_unknown_fields=True):
    """``crash`` lets each new run of a keyed request end in a 500 that is kept under its key:
    ``before`` its effect or ``after`` it. ``keys_live_s`` is how many seconds a key is remembered.

    ``idempotency_status`` is the HTTP status of a key that comes with other parameters: not
    verified. ``search`` may be ``off``, as for merchants in India, or ``late``, which finds
    nothing. ``twin_events`` makes two events of each change. ``refund_outcome`` is what becomes of
    new refunds.
    """

    crash: Literal["never", "before", "after"] | msgspec.UnsetType = msgspec.UNSET
    keys_live_s: int | msgspec.UnsetType = msgspec.UNSET
    idempotency_status: Literal[400, 409] | msgspec.UnsetType = msgspec.UNSET
    search: Literal["on", "off", "late"] | msgspec.UnsetType = msgspec.UNSET
    twin_events: bool | msgspec.UnsetType = msgspec.UNSET
    refund_outcome: (
        Literal["succeeded", "pending", "requires_action", "failed"] | msgspec.UnsetType
    ) = msgspec.UNSET


def new_faults() -> Faults:
    """Nothing goes wrong, and every switch stands at what the docs make more likely."""
    return Faults(
        Switches,
        crash="never",
        keys_live_s=24 * 3600,
        idempotency_status=400,
        search="on",
        twin_events=False,
        refund_outcome="succeeded",
    )
