"""Orders and reversals: what was paid is there, and what was undone is undone once."""

from __future__ import annotations

from batua.ledger.proof.source import Rule

__all__ = ["RULES"]

ORDER = ("batua_order",)

NOT_FROM_SUSPENSE = """not exists (select 1 from batua_capture c
                where c.id = r.capture_id and c.destination = 'suspense')"""
"""Which refunds are in the currency that was asked for: in suspense there may be another."""


def _paid(column: str, what: str, sums: str, from_table: str) -> Rule:
    """A rule that ``column`` of an order is the sum of what paid it."""
    return Rule(
        invariant="I12",
        table="batua_order",
        sql=f"""select o.id as row_key, o.{column} as paid, coalesce(s.total, 0) as total
            from batua_order o left join (
                select order_id, sum(amount) as total from {from_table} where {sums}
                group by order_id
            ) s on s.order_id = o.id
            where o.{column} is distinct from coalesce(s.total, 0)""",
        message=f"Order {{row_key}} has {column} = {{paid}}, but its {what} sum to {{total}}.",
        adds_up=(*ORDER, from_table),
    )


def _same_currency(table: str, parent: str, column: str, *, key: str, where: str) -> Rule:
    """A rule that a row has the currency of what it is for."""
    return Rule(
        invariant="I6",
        table=table,
        sql=f"""select r.{key} as row_key, r.currency, p.currency as expected, p.id as parent
            from {table} r join {parent} p on p.id = r.{column}
            where {where} and r.currency is distinct from p.currency""",
        message=table + " {row_key} is in {currency}, but {parent} is in {expected}.",
    )


RULES = (
    Rule(
        invariant="I11",
        table="batua_order",
        sql="""select id as row_key, status, amount, paid_from_wallet + paid_by_gateway as paid,
            refunded, refund_reserved as reserved from batua_order
            where not coalesce(case status
                when 'pending' then paid_from_wallet + paid_by_gateway + refunded
                    + refund_reserved = 0
                when 'cancelled' then paid_from_wallet + paid_by_gateway + refunded
                    + refund_reserved = 0
                when 'paid' then refunded = 0
                when 'partially_refunded' then refunded > 0 and refunded < amount
                when 'refunded' then refunded = amount
                else false end, false)""",
        message="Order {row_key} of {amount} is {status}, which does not agree with {paid} paid,"
        " {refunded} refunded and {reserved} reserved.",
        adds_up=ORDER,
    ),
    Rule(
        invariant="I12",
        table="batua_order",
        sql="""select id as row_key, status, amount, paid_from_wallet + paid_by_gateway as paid
            from batua_order
            where coalesce(status, '') not in ('pending', 'cancelled')
            and (paid_from_wallet + paid_by_gateway) is distinct from amount""",
        message="Order {row_key} is {status} with {paid} paid, expected {amount}.",
        adds_up=ORDER,
    ),
    _paid(
        "paid_from_wallet",
        "transfers from the wallet",
        "kind = 'order_payment'",
        "batua_transfer",
    ),
    _paid("paid_by_gateway", "captures", "destination = 'order'", "batua_capture"),
    Rule(
        invariant="I12",
        table="batua_transfer",
        sql="""select t.seq as row_key, t.seq as at_seq, t.kind, o.id as order_id, o.status
            from batua_transfer t join batua_order o on o.id = t.order_id
            where t.kind in ('order_payment', 'order_capture')
            and coalesce(o.status, '') in ('pending', 'cancelled', '')""",
        message="Transfer {row_key} of kind {kind} pays order {order_id}, which is {status}.",
    ),
    Rule(
        invariant="I12",
        table="batua_transfer",
        sql="""select t.seq as row_key, t.seq as at_seq, t.kind from batua_transfer t
            where t.kind in ('order_payment', 'order_capture') and t.order_id is null""",
        message="Transfer {row_key} of kind {kind} pays no order.",
    ),
    _same_currency(
        "batua_transfer",
        "batua_order",
        "order_id",
        key="seq",
        where="r.kind in ('order_payment', 'order_capture', 'refund_to_wallet')",
    ),
    _same_currency("batua_refund", "batua_order", "order_id", key="id", where=NOT_FROM_SUSPENSE),
    _same_currency("batua_refund", "batua_top_up", "top_up_id", key="id", where=NOT_FROM_SUSPENSE),
    _same_currency("batua_refund", "batua_capture", "capture_id", key="id", where="1 = 1"),
    Rule(
        invariant="I13",
        table="batua_transfer",
        sql="""select t.seq as row_key, t.seq as at_seq, t.reverses, t.amount,
            r.amount as expected from batua_transfer t
            left join batua_transfer r on r.seq = t.reverses and r.seq < t.seq
            where t.reverses is not null and (r.seq is null
                or t.debit_account is distinct from r.credit_account
                or t.credit_account is distinct from r.debit_account
                or t.amount is distinct from r.amount
                or t.currency is distinct from r.currency)""",
        message="Transfer {row_key} of {amount} reverses {reverses}, but is not that earlier one"
        " with its accounts swapped and its amount of {expected}.",
    ),
    Rule(
        invariant="I13",
        table="batua_transfer",
        sql="""select max(seq) as row_key, max(seq) as at_seq, reverses, count(*) as times
            from batua_transfer where reverses is not null group by reverses
            having count(*) > 1""",
        message="Transfer {row_key} is one of {times} that reverse {reverses}, expected 1.",
    ),
)
