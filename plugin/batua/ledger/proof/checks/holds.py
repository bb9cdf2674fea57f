"""Holds: what is set aside for an order's split payment is for a payment, and is taken by it."""

from __future__ import annotations

from batua.ledger.proof.source import Rule

__all__ = ["RULES"]

RULES = (
    Rule(
        invariant="I4",
        table="batua_hold",
        sql="""select id as row_key, status, amount, captured from batua_hold
            where captured > amount or (captured > 0 and coalesce(status, '') <> 'captured')
            or (captured = 0 and status = 'captured')""",
        message="Hold {row_key} of {amount} is {status} with {captured} captured.",
        adds_up=("batua_hold",),
    ),
    Rule(
        invariant="I12",
        table="batua_hold",
        # The wallet's share of a split payment is taken by the order's own transfer.
        sql="""select h.id as row_key, t.seq as at_seq, h.order_id, h.captured,
            t.amount as posted
            from batua_hold h left join batua_transfer t on t.id = h.order_id || '.payment'
            where h.payment_id is not null and h.refund_id is null and h.status = 'captured'
            and (t.seq is null or t.kind is distinct from 'order_payment'
                or t.order_id is distinct from h.order_id
                or t.debit_account is distinct from h.account_id
                or t.amount is distinct from h.captured
                or t.currency is distinct from h.currency)""",
        message="Hold {row_key} was captured with {captured} for order {order_id}, but the order's"
        " transfer from the wallet is of {posted}.",
    ),
    Rule(
        invariant="I12",
        table="batua_hold",
        sql="""select h.id as row_key, h.order_id, h.payment_id, p.order_id as expected
            from batua_hold h join batua_payment p on p.id = h.payment_id
            where p.order_id is distinct from h.order_id""",
        message="Hold {row_key} is for order {order_id}, but its payment {payment_id} is for"
        " {expected}.",
    ),
)
