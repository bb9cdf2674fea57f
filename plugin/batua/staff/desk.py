"""The desk: all that staff do, each act checked, entered in the log, and handed to its service.

The panel, our pages and whatever comes later call this, so that who may do what is decided in one
place. Every method takes who acts first, and raises ``Forbidden`` where they may not. Amounts are
minor units; what moves money has an id that is made before it starts, so that the same act twice
has one effect.
"""

from __future__ import annotations

from dataclasses import dataclass

from batua.staff.cases import CaseDesk
from batua.staff.gateways import GatewayDesk
from batua.staff.orders import OrderDesk
from batua.staff.payments import PaymentDesk
from batua.staff.wallets import WalletDesk

__all__ = ["Desk"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """One desk for each kind of business."""

    orders: OrderDesk
    wallets: WalletDesk
    cases: CaseDesk
    payments: PaymentDesk
    gateways: GatewayDesk
