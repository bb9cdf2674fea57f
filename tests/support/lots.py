"""What a shop with lots and split payments has beyond ``tests.support.books``."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.support.books import ASHA, BINOD, RAZORPAY, SALES, STAFF, move, named

__all__ = ["LOT_HOLD", "LOT_MOVEMENTS", "PROMOTION", "lot_rows_after", "lot_rows_before"]

PROMOTION = "promotion:shop:INR"
SOON = datetime(2027, 1, 31, tzinfo=UTC)

LOT_MOVEMENTS = (
    move("t21", "top_up_bonus", PROMOTION, ASHA, 2000, top_up_id="top_1"),
    move("t22", "adjustment_credit", PROMOTION, BINOD, 500, **STAFF),
    move("ord_lots.payment", "order_payment", ASHA, SALES, 900, order_id="ord_lots"),
    move("t24", "refund_to_wallet", SALES, ASHA, 400, order_id="ord_lots", refund_id="ref_l"),
    move("ord_half.payment", "order_payment", ASHA, SALES, 250, order_id="ord_half"),
    move("t26", "order_capture", RAZORPAY, SALES, 750, payment_id="pay_h", order_id="ord_half"),
)
LOT_HOLD = ("hold_2", named(ASHA), 600)


def lot_rows_before():
    yield "batua_adjustment", {"id": "t22", "amount": 500, "direction": "credit"}
    for order, amount, wallet, refunded in (
        ("ord_lots", 900, 900, 400),
        ("ord_half", 1000, 250, 0),
        ("ord_wait", 1000, 0, 0),
    ):
        is_paid = order != "ord_wait"
        paid = {"paid_from_wallet": wallet, "paid_by_gateway": amount - wallet} if is_paid else {}
        status = "partially_refunded" if refunded else "paid" if is_paid else "pending"
        taken = {"refunded": refunded, "wallet_refunded": refunded}
        values = {"id": order, "reference": order, "status": status, "amount": amount}
        yield "batua_order", {**values, **paid, **taken}
    for payment, order in (("pay_h", "ord_half"), ("pay_w", "ord_wait")):
        values = {"id": payment, "purpose": "order", "order_id": order, "amount": 750}
        yield "batua_payment", values


def lot_rows_after():
    parts = {"wallet_amount": 400, "source_amount": 0, "capture_amount": 0, "amount": 400}
    yield "batua_refund", {"id": "ref_l", "order_id": "ord_lots", "status": "succeeded", **parts}
    posted = {"destination": "order", "transfer_seq": 26, "payment_id": "pay_h", "amount": 750}
    values = {"id": "cap_h", "provider_payment_id": "cap_h", "order_id": "ord_half"}
    yield "batua_capture", {**values, **posted}
    split = {"order_id": "ord_half", "payment_id": "pay_h", "status": "captured", "currency": "INR"}
    yield "batua_hold", {"id": "hold_3", "account_id": 2, "amount": 250, "captured": 250, **split}
    for lot, key, kind, amount, remaining, held, expires_at in (
        ("lot_a", ASHA, "bonus", 2000, 1250, 600, SOON),
        ("lot_b", BINOD, "bonus", 500, 500, 0, None),
        ("lot_c", ASHA, "refund", 100, 100, 0, None),
    ):
        left = {"amount": amount, "remaining": remaining, "held": held, "expires_at": expires_at}
        values = {"id": lot, "account_key": key, "kind": kind, "currency": "INR"}
        yield "batua_lot", {**values, **left, "top_up_id": "top_1" if lot == "lot_a" else None}
    for lot, transfer, amount, after in (
        ("lot_a", "t21", 2000, 2000),
        ("lot_a", "ord_lots.payment", -800, 1200),
        ("lot_a", "t24", 300, 1500),
        ("lot_a", "ord_half.payment", -250, 1250),
        ("lot_b", "t22", 500, 500),
        ("lot_c", "t24", 100, 100),
    ):
        values = {"id": f"{transfer}/{lot}", "lot_id": lot, "transfer_id": transfer}
        yield "batua_lot_entry", {**values, "amount": amount, "remaining_after": after}
    for hold, amount in (("hold_2", 600), ("hold_3", 250)):
        values = {"id": f"{hold}/lot_a", "hold_id": hold, "lot_id": "lot_a", "amount": amount}
        yield "batua_hold_lot", values
