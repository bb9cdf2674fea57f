"""The ledger: accounts, transfers and their entries, and what stands beside them."""

from __future__ import annotations

from batua.ledger import AccountKind
from batua.ledger.tables import Account, Entry, Hold, HoldLot, LedgerHead, Lot, LotEntry, Transfer
from batua.wallets import Adjustment, AdjustmentKind, AdjustmentReason, Direction
from batua_admin.lists.columns import Link, Listed, listed

__all__ = ["MONEY"]

OWN = "t.kind in ('wallet', 'debt')"
"""Accounts whose owner is a customer."""

MONEY: tuple[Listed, ...] = (
    listed(
        "Money", "accounts", Account, "key customer_id posted held currency kind status id", "key",
        words={"kind": AccountKind, "status": "active frozen"}, is_searched=True,
        links={"customer_id": Link(
            "customers", f"(case when {OWN} then t.owner end)", f"t.owner = {{value}} and {OWN}",
        )},
    ),
    listed(
        "Money", "transfers", Transfer,
        "seq kind amount currency debit_account credit_account order_id top_up_id payment_id"
        " refund_id reason actor created_at", "seq kind", newest="seq",
        fast="seq id order_id top_up_id payment_id refund_id reverses created_at",
        sorted_with={"created_at": "created_at"},
        links={
            "debit_account": Link("accounts", is_findable=False),
            "credit_account": Link("accounts", is_findable=False),
            "reverses": Link("transfers"),
        },
    ),
    listed(
        "Money", "entries", Entry,
        "id account_id transfer_seq amount balance_after currency", "id",
        currency="(select a.currency from batua_account a where a.id = t.account_id)",
        more={"currency": "(select a.currency from batua_account a where a.id = t.account_id)"},
        fast="id account_id transfer_seq", sorted_with={"account_id": "transfer_seq"},
        links={"transfer_seq": Link(
            "transfers", found="t.id in (2 * {value} - 1, 2 * {value})",
        )},
    ),
    listed(
        "Money", "adjustments", Adjustment,
        "id customer_id direction amount currency kind reason_code status requested_by approved_by"
        " created_at", "id",
        words={
            "status": "awaiting_approval posted rejected", "direction": Direction,
            "kind": AdjustmentKind, "reason_code": AdjustmentReason,
        },
    ),
    listed(
        "Money", "holds", Hold,
        "id account_id order_id refund_id amount captured currency status expires_at created_at",
        "id", words={"status": "held captured voided expired"},
    ),
    listed(
        "Money", "lots", Lot,
        "id account_id kind amount remaining held currency top_up_id expires_at created_at", "id",
        words={"kind": "bonus refund"},
        links={"account_id": Link(
            "accounts", "(select a.id from batua_account a where a.key = t.account_key)",
            "t.account_key = (select key from batua_account where id = {value})",
        )},
    ),
    listed(
        "Money", "lot_entries", LotEntry,
        "id lot_id transfer_seq amount remaining_after currency", "id",
        fast="id lot_id transfer_seq",
        currency="(select l.currency from batua_lot l where l.id = t.lot_id)",
        more={"currency": "(select l.currency from batua_lot l where l.id = t.lot_id)"},
        links={"transfer_seq": Link(
            "transfers", "(select x.seq from batua_transfer x where x.id = t.transfer_id)",
            "t.transfer_id = (select id from batua_transfer where seq = {value})",
        )},
    ),
    listed(
        "Money", "holds_of_lots", HoldLot, "id hold_id lot_id amount currency", "id",
        fast="id hold_id lot_id",
        currency="(select l.currency from batua_lot l where l.id = t.lot_id)",
        more={"currency": "(select l.currency from batua_lot l where l.id = t.lot_id)"},
    ),
    listed(
        "Money", "ledger", LedgerHead, "id ledger_id transfer_seq account_seq head_hash last_at",
        "ledger_id",
    ),
)  # fmt: skip
