"""Every table of the module, in one place."""

from __future__ import annotations

from piccolo.table import Table

from batua.audit import AuditEntry, AuditHead
from batua.events import Delivery, EventRow, Listener
from batua.gateway_settings import GatewaySetting
from batua.identity import ApiKey, DisabledCustomer, IdentityChanges, Revocation
from batua.inbox import InboxEvent
from batua.insight import CohortFigure, Counted, CustomerFigure, CustomerMonth, DayFigure
from batua.ledger.tables import (
    Account,
    Entry,
    Hold,
    HoldLot,
    IdempotencyKey,
    LedgerHead,
    Lot,
    LotEntry,
    Transfer,
)
from batua.orders import Order
from batua.outbox import OutboxMessage
from batua.payments import Capture, Dispute, GatewaySwitch, Payment, Refund
from batua.privacy import Erasure
from batua.signs import Sign
from batua.wallets import Adjustment, Consent, Customer, TopUp

__all__ = ["TABLES", "WRITE_ORDER"]

WRITE_ORDER: tuple[type[Table], ...] = (
    Account, Transfer, Entry, Customer, Consent, TopUp, Order, Adjustment, Payment, Capture,
    Refund, Dispute, Hold, Lot, LotEntry, HoldLot, IdempotencyKey, GatewaySwitch,
    GatewaySetting, OutboxMessage, EventRow, Erasure, AuditEntry, AuditHead,
)  # fmt: skip
"""The tables that operations write, parents before children."""

TABLES: tuple[type[Table], ...] = (
    LedgerHead, *WRITE_ORDER, InboxEvent, IdentityChanges, Revocation, DisabledCustomer, ApiKey,
    Listener, Delivery, Sign, Counted, DayFigure, CustomerFigure, CustomerMonth, CohortFigure,
)  # fmt: skip
"""Every table of the module."""
