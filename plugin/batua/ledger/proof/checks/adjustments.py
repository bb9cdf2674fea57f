"""I20: money that staff moved by hand was asked for, by name, and posted as it was asked for."""

from __future__ import annotations

from batua.ledger.proof.source import Rule

__all__ = ["RULES"]

RULES = (
    Rule(
        invariant="I20",
        table="batua_adjustment",
        sql="""select id as row_key, requested_by, approved_by from batua_adjustment
            where trim(coalesce(requested_by, '')) = '' or approved_by = requested_by
            or trim(coalesce(reason_code, '')) = ''""",
        message="Adjustment {row_key} was requested by {requested_by!r} and approved by"
        " {approved_by!r}: expected a reason, and two people or nobody's approval.",
    ),
    Rule(
        invariant="I20",
        table="batua_adjustment",
        # The transfer of an adjustment has its id.
        sql="""select a.id as row_key, t.seq as at_seq, a.status, a.direction, a.amount,
            t.kind, t.amount as posted
            from batua_adjustment a left join batua_transfer t on t.id = a.id
            where (t.seq is not null) is distinct from (coalesce(a.status, '') = 'posted')
            or (t.seq is not null and (t.amount is distinct from a.amount
                or t.currency is distinct from a.currency
                or t.kind is distinct from 'adjustment_' || a.direction))""",
        message="Adjustment {row_key} is a {direction} of {amount}, {status}, but its transfer is"
        " {kind} of {posted}.",
    ),
    Rule(
        invariant="I20",
        table="batua_transfer",
        sql="""select t.seq as row_key, t.seq as at_seq, t.kind from batua_transfer t
            left join batua_adjustment a on a.id = t.id
            where t.kind like 'adjustment%' and a.id is null""",
        message="Transfer {row_key} of kind {kind} has no adjustment that asked for it.",
    ),
)
