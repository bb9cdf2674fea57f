"""Refunds: what they took from an order, a top-up and a capture is what those rows say.

A refund's wallet part is posted at once; its source part stays reserved until the provider has
answered, and is given back if that failed.
"""

from __future__ import annotations

from batua.ledger.proof.source import Rule

__all__ = ["RULES"]

REFUND = ("batua_refund",)


def _taken(by: str, whole: str, at_once: str, *, only: str = "") -> str:
    """Per ``by``: how much refunds have refunded and reserved out of ``whole``.

    With ``only``, of captures for that destination alone; a refund that took from none counts.
    """
    joined = (
        f"""left join batua_capture c on c.id = r.capture_id
            where coalesce(c.destination, '{only}') = '{only}' and"""
        if only
        else "where"
    )
    return f"""(select r.{by} as taken_from,
            sum(case when r.status = 'succeeded' then {whole}
                when r.status in ('pending', 'unknown', 'failed') then {at_once}
                else 0 end) as refunded,
            sum(case when r.status = 'awaiting_approval' then {whole}
                when r.status in ('pending', 'unknown') then {whole} - ({at_once})
                else 0 end) as reserved
            from batua_refund r {joined} r.{by} is not null group by r.{by})"""


def _agrees(
    table: str, taken: str, limit: str, seq: str, *, clawed: str = "0", joins: str = ""
) -> Rule:
    """A rule for a table whose rows count what refunds took of them, up to ``limit``.

    ``clawed`` is what went back of it, for the payer had got it from the provider too; ``joins``
    are where that stands.
    """
    refunded = f"(coalesce(t.refunded, 0) - {clawed})"
    return Rule(
        invariant="I9",
        table=table,
        sql=f"""select r.id as row_key, {seq} as at_seq, r.refunded, r.refund_reserved as reserved,
            {limit} as most, {refunded} as expected_refunded,
            coalesce(t.reserved, 0) as expected_reserved
            from {table} r left join {taken} t on t.taken_from = r.id {joins}
            where r.refunded is distinct from {refunded}
            or r.refund_reserved is distinct from coalesce(t.reserved, 0)
            or coalesce(r.refunded + r.refund_reserved > {limit}, true)""",
        message=table + " {row_key} has {refunded} refunded and {reserved} reserved, expected"
        " {expected_refunded} and {expected_reserved} by its refunds, together at most {most}.",
        adds_up=(*REFUND, table),
    )


def _posted(part: str, done: str, total: str) -> Rule:
    """A rule that a part of a refund was posted once its status is one of ``done``, and once."""
    expected = f"case when r.status in ({done}) then r.{part} else 0 end"
    return Rule(
        invariant="I9",
        table="batua_refund",
        sql=f"""select r.id as row_key, r.status, coalesce(t.total, 0) as posted,
            {expected} as expected
            from batua_refund r left join (
                select refund_id, {total} as total from batua_transfer
                where refund_id is not null group by refund_id
            ) t on t.refund_id = r.id
            where coalesce(t.total, 0) is distinct from {expected}""",
        message=f"Refund {{row_key}} is {{status}} and its transfers for {part} sum to {{posted}},"
        " expected {expected}.",
        adds_up=(*REFUND, "batua_transfer"),
    )


RULES = (
    _agrees(
        "batua_capture",
        _taken("capture_id", "r.capture_amount", "r.capture_amount - r.source_amount"),
        "r.amount",
        "r.transfer_seq",
        clawed="r.clawed_back",
    ),
    _agrees(
        "batua_order",
        _taken("order_id", "r.amount", "r.wallet_amount", only="order"),
        "(r.paid_from_wallet + r.paid_by_gateway)",
        "null",
        clawed="coalesce(k.clawed_back, 0)",
        joins="""left join (
                select order_id, sum(clawed_back) as clawed_back from batua_capture
                where destination = 'order' and order_id is not null group by order_id
            ) k on k.order_id = r.id""",
    ),
    _agrees(
        "batua_top_up",
        _taken("top_up_id", "r.amount", "r.wallet_amount", only="wallet"),
        "r.credited",
        "null",
    ),
    Rule(
        invariant="I9",
        table="batua_top_up",
        sql="""select u.id as row_key, u.credited, coalesce(c.total, 0) as captured
            from batua_top_up u left join (
                select top_up_id, sum(amount) as total from batua_capture
                where destination = 'wallet' and top_up_id is not null group by top_up_id
            ) c on c.top_up_id = u.id
            where u.credited is distinct from coalesce(c.total, 0)""",
        message="Top-up {row_key} has {credited} credited, but its captures for the wallet sum to"
        " {captured}.",
        adds_up=("batua_top_up", "batua_capture"),
    ),
    Rule(
        invariant="I9",
        table="batua_refund",
        sql="""select id as row_key, amount, wallet_amount, source_amount, capture_amount
            from batua_refund
            where wallet_amount + source_amount <> amount
            or capture_amount < source_amount or capture_amount > amount
            or (capture_id is null and capture_amount <> 0)
            or (top_up_id is not null and wallet_amount <> 0 and not exists (select 1
                from batua_capture c where c.id = capture_id and c.destination = 'suspense'))""",
        message="Refund {row_key} of {amount} has parts that do not fit: {wallet_amount} to the"
        " wallet, {source_amount} to the source, {capture_amount} out of a capture.",
        adds_up=REFUND,
    ),
    Rule(
        invariant="I9",
        table="batua_refund",
        sql="""select r.id as row_key, r.capture_id from batua_refund r
            join batua_capture c on c.id = r.capture_id
            where c.order_id is distinct from r.order_id
            or c.top_up_id is distinct from r.top_up_id""",
        message="Refund {row_key} takes from capture {capture_id}, which is of another order or"
        " top-up.",
    ),
    _posted(
        "wallet_amount",
        "'pending', 'unknown', 'succeeded', 'failed'",
        "sum(case when kind in ('refund_to_wallet', 'suspense_release') then amount else 0 end)",
    ),
    _posted(
        "source_amount",
        "'succeeded'",
        """sum(case when kind in ('refund_to_source', 'top_up_refund', 'suspense_refund',
                    'suspense_refund_loss') then amount
                when kind like 'provider_refund%' and kind not like '%bonus%' then amount
                when kind like 'reversal%' and kind not like '%bonus%' then -amount
                else 0 end)""",
    ),
    Rule(
        invariant="I9",
        table="batua_refund",
        sql="""select max(id) as row_key, gateway, provider_refund_id, count(*) as times
            from batua_refund where provider_refund_id is not null
            group by gateway, provider_refund_id having count(*) > 1""",
        message="Refund {row_key} is one of {times} with the provider's id {provider_refund_id} at"
        " {gateway}, expected 1.",
    ),
    Rule(
        invariant="I8",
        table="batua_transfer",
        sql="""select t.seq as row_key, t.seq as at_seq, t.refund_id from batua_transfer t
            left join batua_refund r on r.id = t.refund_id
            where t.kind = 'refund_to_wallet' and r.id is null""",
        message="Transfer {row_key} credits a wallet for refund {refund_id}, which does not exist.",
    ),
    Rule(
        invariant="I20",
        table="batua_refund",
        sql="""select id as row_key, requested_by, approved_by from batua_refund
            where trim(coalesce(requested_by, '')) = '' or approved_by = requested_by""",
        message="Refund {row_key} was requested by {requested_by!r} and approved by"
        " {approved_by!r}: expected two people, or nobody's approval.",
    ),
)
