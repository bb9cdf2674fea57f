"""What a gateway can do, as data: read before any call, shown to staff, proved by the registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["Capabilities", "Mode", "Support"]


class Mode(StrEnum):
    """Whether a credential, a payment or an event belongs to real money. The two never mix."""

    TEST = "test"
    LIVE = "live"


class Support(StrEnum):
    """How far an operation goes. Graded, because a provider's refusal is graded."""

    NONE = "none"
    FULL_ONLY = "full_only"
    PARTIAL = "partial"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What an adapter declares. Every declaration is checked against its code when it is loaded.

    ``currencies`` are those in which it collects. ``minimums`` are the smallest amounts in minor
    units by currency. ``digits`` overrides CLDR's minor digits where the provider counts
    differently. ``confirm`` says that a browser brings back a proof that the adapter can check.
    ``disputes`` says that a dispute can be asked about, ``transactions`` that the provider lists
    what moved in a time, ``settlements`` that it lists what it paid out. ``card_tokens`` and
    ``network_tokens`` say that it charges what a wallet such as Google Pay hands to the browser,
    still sealed or opened by us, and ``upi_intent`` that it opens a payment in a UPI app.
    """

    currencies: frozenset[str]
    minimums: Mapping[str, int] = field(default_factory=dict)
    digits: Mapping[str, int] = field(default_factory=dict)
    confirm: bool = False
    capture: Support = Support.NONE
    void: Support = Support.NONE
    refund: Support = Support.NONE
    recurring: bool = False
    disputes: bool = False
    transactions: bool = False
    settlements: bool = False
    card_tokens: bool = False
    network_tokens: bool = False
    upi_intent: bool = False
