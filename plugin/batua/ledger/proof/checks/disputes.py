"""Disputes and bonuses: what was taken back is where it belongs, and no debt is below nothing."""

from __future__ import annotations

from batua.ledger.proof.source import Rule

__all__ = ["RULES"]

DISPUTE = ("batua_dispute",)

PARTS = " union all ".join(
    f"select '{part}' as part" for part in (".wallet", ".debt", ".loss", ".suspense", ".lost")
)
"""What makes a dispute's amount, and where that went once it was lost.

Each is a transfer with the dispute's id before its part.
"""


def _counted(table: str, column: str) -> Rule:
    """A rule that ``table`` counts what open and lost disputes have taken of it."""
    only = "" if table == "batua_capture" else "and c.destination = 'wallet'"
    return Rule(
        invariant="I9",
        table=table,
        sql=f"""select r.id as row_key, r.disputed, coalesce(d.total, 0) as expected
            from {table} r left join (
                select x.{column}, sum(x.amount) as total from batua_dispute x
                join batua_capture c on c.id = x.capture_id
                where x.status in ('open', 'lost') {only} group by x.{column}
            ) d on d.{column} = r.id
            where r.disputed is distinct from coalesce(d.total, 0)""",
        message=table + " {row_key} has {disputed} disputed, but its open and lost disputes sum to"
        " {expected}.",
        adds_up=(*DISPUTE, table),
    )


RULES = (
    _counted("batua_capture", "capture_id"),
    _counted("batua_top_up", "top_up_id"),
    Rule(
        invariant="I9",
        table="batua_dispute",
        # Won before we ever heard of it, it has taken nothing; won later, all is reversed.
        sql=f"""select d.id as row_key, d.status, d.amount, coalesce(t.total, 0) as total,
            coalesce(t.undone, 0) as undone, coalesce(t.lost, 0) as lost
            from batua_dispute d left join (
                select x.id,
                    sum(case when p.part = '.lost' then 0 else t.amount end) as total,
                    sum(case when p.part = '.lost' or r.seq is null then 0
                        else t.amount end) as undone,
                    sum(case when p.part = '.lost' and r.seq is null then t.amount
                        else 0 end) as lost
                from batua_dispute x cross join ({PARTS}) p
                join batua_transfer t on t.id = x.id || p.part
                left join batua_transfer r on r.reverses = t.seq
                group by x.id
            ) t on t.id = d.id
            where not coalesce(case d.status
                when 'won' then coalesce(t.total, 0) = coalesce(t.undone, 0)
                    and coalesce(t.total, 0) in (0, d.amount) and coalesce(t.lost, 0) = 0
                when 'lost' then t.total = d.amount and t.undone = 0 and t.lost = d.amount
                else t.total = d.amount and t.undone = 0 and t.lost = 0 end, false)""",
        message="Dispute {row_key} of {amount} is {status}, but took {total}, of which {undone} was"
        " given back, and lost {lost}.",
        adds_up=(*DISPUTE, "batua_transfer"),
    ),
    Rule(
        invariant="I9",
        table="batua_account",
        sql="""select a.id as row_key, a.key, a.posted, coalesce(d.total, 0) as expected
            from batua_account a left join (
                select gateway, currency, sum(amount) as total from batua_dispute
                where status = 'open' group by gateway, currency
            ) d on d.gateway = a.owner and d.currency = a.currency
            where a.kind = 'dispute' and a.posted is distinct from coalesce(d.total, 0)""",
        message="{key} has {posted}, but the open disputes there sum to {expected}.",
        adds_up=(*DISPUTE, "batua_account"),
    ),
    Rule(
        invariant="I9",
        table="batua_dispute",
        sql="""select d.id as row_key, d.capture_id from batua_dispute d
            left join batua_capture c on c.id = d.capture_id
            where c.gateway is distinct from d.gateway or c.currency is distinct from d.currency
            or c.customer_id is distinct from d.customer_id or c.mode is distinct from d.mode
            or c.order_id is distinct from d.order_id or c.top_up_id is distinct from d.top_up_id
            or d.amount > c.amount or (d.froze and c.destination <> 'wallet'
                and (c.destination <> 'suspense' or d.clawed_back = 0))""",
        message="Dispute {row_key} is not of what capture {capture_id} took.",
    ),
    Rule(
        invariant="I9",
        table="batua_dispute",
        sql="""select max(id) as row_key, gateway, provider_dispute_id, count(*) as times
            from batua_dispute group by gateway, provider_dispute_id having count(*) > 1""",
        message="Dispute {row_key} is one of {times} with the provider's id {provider_dispute_id}"
        " at {gateway}, expected 1.",
    ),
    Rule(
        invariant="I4",
        table="batua_account",
        sql="""select id as row_key, key, posted from batua_account
            where kind = 'debt' and posted > 0""",
        message="{key} has {posted}: a debt that is paid back twice belongs in the wallet.",
        adds_up=("batua_account",),
    ),
    Rule(
        invariant="I11",
        table="batua_top_up",
        sql="""select id as row_key, status, disputed from batua_top_up
            where coalesce((status in ('disputed', 'charged_back')) <> (disputed > 0), true)""",
        message="Top-up {row_key} is {status} with {disputed} disputed.",
        adds_up=("batua_top_up",),
    ),
    Rule(
        invariant="I8",
        table="batua_top_up",
        sql="""select u.id as row_key, u.bonus, coalesce(t.total, 0) as total
            from batua_top_up u left join (
                select top_up_id, sum(amount) as total from batua_transfer
                where kind = 'top_up_bonus' group by top_up_id
            ) t on t.top_up_id = u.id
            where u.bonus is distinct from coalesce(t.total, 0)
            or coalesce(u.bonus_returned > u.bonus, true)""",
        message="Top-up {row_key} has a bonus of {bonus}, but {total} was posted, and no more than"
        " that can have gone back.",
        adds_up=("batua_top_up", "batua_transfer"),
    ),
    Rule(
        invariant="I9",
        table="batua_top_up",
        sql="""select u.id as row_key, u.bonus_returned, coalesce(r.total, 0) as refunds,
            coalesce(d.total, 0) as disputes from batua_top_up u
            left join (
                select top_up_id, sum(bonus_amount) as total from batua_refund
                where status = 'succeeded' and top_up_id is not null group by top_up_id
            ) r on r.top_up_id = u.id
            left join (
                select top_up_id, sum(bonus_amount) as total from batua_dispute
                where status in ('open', 'lost') and top_up_id is not null group by top_up_id
            ) d on d.top_up_id = u.id
            where u.bonus_returned is distinct from coalesce(r.total, 0) + coalesce(d.total, 0)""",
        message="Top-up {row_key} has {bonus_returned} of its bonus returned, but its refunds took"
        " {refunds} and its disputes {disputes}.",
        adds_up=("batua_top_up", "batua_refund", *DISPUTE),
    ),
)
