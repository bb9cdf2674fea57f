"""A shop with disputes in every state, refunds that began at the provider, debts and bonuses."""

from __future__ import annotations

from tests.support.books import ASHA, BINOD, BY_HAND, NOW, ODD, RAZORPAY, SALES, STAFF, move
from tests.support.lots import PROMOTION

__all__ = ["CLAWED_MOVEMENTS", "DISPUTED", "clawed_rows_after", "clawed_rows_before", "dispute_row"]

CHITRA = "wallet:chitra:INR"
DISPUTED, LOSS = "dispute:razorpay:INR", "dispute_loss:shop:INR"
OWED_BY_ASHA, OWED_BY_BINOD = "debt:asha:INR", "debt:binod:INR"
OWED_BY_CHITRA = "debt:chitra:INR"
TOP_1 = {"payment_id": "pay_1", "top_up_id": "top_1"}
ORD_1 = {"payment_id": "pay_2", "order_id": "ord_1"}
TOP_2 = {"payment_id": "pay_3", "top_up_id": "top_2"}
ODD_TOP = {"payment_id": "pay_4", "top_up_id": "top_odd"}
ORD_2 = {"payment_id": "pay_5", "order_id": "ord_2"}
TOP_3 = {"payment_id": "pay_6", "top_up_id": "top_3"}
REF_P, REF_Q, REF_X = ({"refund_id": f"ref_{letter}"} for letter in "pqx")

CLAWED_MOVEMENTS = (
    # 1: an open dispute of a top-up that is spent in part, and its bonus too.
    move("t01", "top_up_capture", RAZORPAY, ASHA, 1000, **TOP_1),
    move("top_1.bonus", "top_up_bonus", PROMOTION, ASHA, 100, **TOP_1),
    move("t03", "sale", ASHA, SALES, 640),
    move("dsp_open.bonus", "dispute_bonus", ASHA, PROMOTION, 60, **TOP_1),
    move("dsp_open.wallet", "dispute_wallet", ASHA, DISPUTED, 400, **TOP_1),
    move("dsp_open.debt", "dispute_debt", OWED_BY_ASHA, DISPUTED, 600, **TOP_1),
    move("dsp_open.bonus_debt", "dispute_bonus_debt", OWED_BY_ASHA, PROMOTION, 40, **TOP_1),
    # 8: a lost dispute of an order of which a part was refunded to the wallet.
    move("t08", "order_capture", RAZORPAY, SALES, 500, **ORD_1),
    move("ref_1.wallet", "refund_to_wallet", SALES, BINOD, 200, order_id="ord_1",
         refund_id="ref_1"),
    move("t10", "sale", BINOD, SALES, 50),
    move("dsp_lost.wallet", "dispute_wallet", BINOD, DISPUTED, 150, **ORD_1),
    move("dsp_lost.debt", "dispute_debt", OWED_BY_BINOD, DISPUTED, 50, **ORD_1),
    move("dsp_lost.loss", "dispute_loss", LOSS, DISPUTED, 300, **ORD_1),
    move("dsp_lost.lost", "dispute_lost", DISPUTED, RAZORPAY, 500, **ORD_1),
    # 15: a dispute that was lost, and then won after all.
    move("t15", "top_up_capture", RAZORPAY, CHITRA, 300, **TOP_2),
    move("t16", "sale", CHITRA, SALES, 300),
    move("dsp_won.debt", "dispute_debt", OWED_BY_CHITRA, DISPUTED, 300, **TOP_2),
    move("dsp_won.lost", "dispute_lost", DISPUTED, RAZORPAY, 300, **TOP_2),
    move("t19", "adjustment_credit", BY_HAND, CHITRA, 100, **STAFF),
    move("t19.repayment", "debt_repayment", CHITRA, OWED_BY_CHITRA, 100),
    move("dsp_won.lost.reversal", "reversal_of_dispute_lost", RAZORPAY, DISPUTED, 300,
         reverses=18, **TOP_2),
    move("dsp_won.debt.reversal", "reversal_of_dispute_debt", DISPUTED, OWED_BY_CHITRA, 300,
         reverses=17, **TOP_2),
    move("dsp_won.debt.returned", "debt_returned", OWED_BY_CHITRA, CHITRA, 100),
    # 24: a dispute of what is in suspense.
    move("t24", "suspense_capture", RAZORPAY, ODD, 70, **ODD_TOP),
    move("dsp_odd.suspense", "dispute_suspense", ODD, DISPUTED, 70, **ODD_TOP),
    # 26: the provider refunds what was refunded to the wallet.
    move("t26", "order_capture", RAZORPAY, SALES, 400, **ORD_2),
    move("ref_2.wallet", "refund_to_wallet", SALES, CHITRA, 300, order_id="ord_2",
         refund_id="ref_2"),
    move("ref_p.revenue", "provider_refund_revenue", SALES, RAZORPAY, 100, **ORD_2, **REF_P),
    move("ref_p.wallet", "provider_refund_wallet", CHITRA, RAZORPAY, 150, **ORD_2, **REF_P),
    # 30: refunds of a top-up with a bonus: by the provider, one that failed, and one of ours.
    move("t30", "top_up_capture", RAZORPAY, CHITRA, 200, **TOP_3),
    move("top_3.bonus", "top_up_bonus", PROMOTION, CHITRA, 20, **TOP_3),
    move("ref_q.bonus", "provider_refund_bonus", CHITRA, PROMOTION, 10, **TOP_3, **REF_Q),
    move("ref_q.wallet", "provider_refund_wallet", CHITRA, RAZORPAY, 100, **TOP_3, **REF_Q),
    move("ref_x.bonus", "provider_refund_bonus", CHITRA, PROMOTION, 5, **TOP_3, **REF_X),
    move("ref_x.wallet", "provider_refund_wallet", CHITRA, RAZORPAY, 50, **TOP_3, **REF_X),
    move("ref_x.wallet.reversal", "reversal_of_provider_refund_wallet", RAZORPAY, CHITRA, 50,
         reverses=35, **TOP_3, **REF_X),
    move("ref_x.bonus.reversal", "reversal_of_provider_refund_bonus", PROMOTION, CHITRA, 5,
         reverses=34, **TOP_3, **REF_X),
    move("ref_o.source", "top_up_refund", CHITRA, RAZORPAY, 40, refund_id="ref_o", **TOP_3),
    move("ref_o.bonus", "bonus_clawback", CHITRA, PROMOTION, 4, top_up_id="top_3"),
)  # fmt: skip


def clawed_rows_before():
    for customer in ("asha", "binod", "chitra"):
        yield "batua_customer", {"id": customer}
    yield "batua_adjustment", {
        "id": "t19", "amount": 100, "direction": "credit", "customer_id": "chitra",
    }  # fmt: skip
    for top_up, customer, status, amount, more in (
        ("top_1", "asha", "disputed", 1000, {"bonus": 100, "bonus_returned": 100}),
        ("top_2", "chitra", "succeeded", 300, {}),
        ("top_odd", "asha", "suspense", 60, {"credited": 0}),
        ("top_3", "chitra", "partially_refunded", 200,
         {"bonus": 20, "bonus_returned": 14, "refunded": 140}),
    ):  # fmt: skip
        values = {"id": top_up, "customer_id": customer, "status": status, "amount": amount}
        disputed = amount if status == "disputed" else 0
        yield "batua_top_up", {**values, "credited": amount, "disputed": disputed, **more}
    for order, customer, status, amount, refunded in (
        ("ord_1", "binod", "paid", 500, 0),
        ("ord_2", "chitra", "refunded", 400, 400),
    ):
        values = {"id": order, "customer_id": customer, "status": status, "reference": order}
        paid = {"amount": amount, "paid_by_gateway": amount, "refunded": refunded}
        yield "batua_order", {**values, **paid}
    for payment, customer, target, amount in (
        ("pay_1", "asha", "top_1", 1000),
        ("pay_2", "binod", "ord_1", 500),
        ("pay_3", "chitra", "top_2", 300),
        ("pay_4", "asha", "top_odd", 60),
        ("pay_5", "chitra", "ord_2", 400),
        ("pay_6", "chitra", "top_3", 200),
    ):
        column = "order_id" if target.startswith("ord") else "top_up_id"
        values = {"id": payment, "customer_id": customer, "amount": amount, column: target}
        yield "batua_payment", {**values, "purpose": column.removesuffix("_id")}


def clawed_rows_after():
    for number, customer, target, amount, destination, seq, counted in (
        (1, "asha", "top_1", 1000, "wallet", 1, {"disputed": 1000}),
        (2, "binod", "ord_1", 500, "order", 8, {"disputed": 500, "clawed_back": 200}),
        (3, "chitra", "top_2", 300, "wallet", 15, {}),
        (4, "asha", "top_odd", 70, "suspense", 24, {"disputed": 70}),
        (5, "chitra", "ord_2", 400, "order", 26, {"refunded": 400, "clawed_back": 150}),
        (6, "chitra", "top_3", 200, "wallet", 30, {"refunded": 140}),
    ):
        values = {"id": f"cap_{number}", "payment_id": f"pay_{number}", "customer_id": customer}
        posted = {"amount": amount, "destination": destination, "transfer_seq": seq}
        of = {"order_id" if target.startswith("ord") else "top_up_id": target}
        provider = {"provider_payment_id": f"cap_{number}"}
        yield "batua_capture", {**values, **posted, **of, **provider, **counted}
    for refund, target, capture, status, wallet, source, more in (
        ("ref_1", "ord_1", "cap_2", "succeeded", 200, 0, {"customer_id": "binod"}),
        ("ref_2", "ord_2", "cap_5", "succeeded", 300, 0, {}),
        ("ref_p", "ord_2", "cap_5", "succeeded", 0, 250, {"clawed_back": 150}),
        ("ref_q", "top_3", "cap_6", "succeeded", 0, 100, {"bonus_amount": 10}),
        ("ref_x", "top_3", "cap_6", "failed", 0, 50, {"bonus_amount": 5}),
        ("ref_o", "top_3", "cap_6", "succeeded", 0, 40, {"bonus_amount": 4}),
    ):
        is_ours = refund in {"ref_1", "ref_2", "ref_o"}
        by = {} if is_ours else {"requested_by": "gateway:razorpay"}
        at = {"gateway": "razorpay", "provider_refund_id": refund} if source else {}
        of = {"order_id" if target.startswith("ord") else "top_up_id": target}
        parts = {"wallet_amount": wallet, "source_amount": source, "amount": wallet + source}
        values = {"id": refund, "capture_id": capture, "status": status, "customer_id": "chitra"}
        yield "batua_refund", {**values, **parts, "capture_amount": wallet + source, **of, **by,
                               **at, **more}  # fmt: skip
    top_1, ord_1, top_2, odd = (
        {"customer_id": customer, "capture_id": capture, column: target}
        for customer, capture, column, target in (
            ("asha", "cap_1", "top_up_id", "top_1"),
            ("binod", "cap_2", "order_id", "ord_1"),
            ("chitra", "cap_3", "top_up_id", "top_2"),
            ("asha", "cap_4", "top_up_id", "top_odd"),
        )
    )
    yield dispute_row("dsp_open", "open", 1000, **top_1, bonus_amount=100, froze=True)
    yield dispute_row("dsp_lost", "lost", 500, **ord_1, clawed_back=200)
    yield dispute_row("dsp_won", "won", 300, **top_2, froze=True)
    yield dispute_row("dsp_odd", "open", 70, **odd)
    yield dispute_row("dsp_late", "won", 10, **top_2)


def dispute_row(id, status, amount, **values):
    return "batua_dispute", {
        "id": id, "provider_dispute_id": id, "gateway": "razorpay", "mode": "test",
        "status": status, "amount": amount, "currency": "INR", "reason": "fraudulent",
        "froze": False, "opened_at": NOW, "closed_at": None if status == "open" else NOW,
        "updated_at": NOW, **values,
    }  # fmt: skip
