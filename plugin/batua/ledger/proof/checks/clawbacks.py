"""What providers took back: out of the right pockets, counted in full, and nothing else there.

A clawback is a dispute, or a refund that began at the provider. Its transfers have its id before
their part; the bonus comes on top of its amount. What it took of refunds to the wallet is counted
where it was refunded, or the same money could be refunded again.
"""

from __future__ import annotations

from batua.ledger.proof.checks.suspense import LOSS
from batua.ledger.proof.source import Rule

__all__ = ["RULES"]

TABLES = ("batua_dispute", "batua_refund", "batua_transfer")

DEBITS = {
    "wallet": "'wallet:' || x.customer_id",
    "debt": "'debt:' || x.customer_id",
    "revenue": "'revenue:shop'",
    "loss": "'dispute_loss:shop'",
    "suspense": "'suspense:' || x.gateway",
    "bonus": "'wallet:' || x.customer_id",
    "bonus_wallet": "'wallet:' || x.customer_id",
    "bonus_debt": "'debt:' || x.customer_id",
    "lost": "'dispute:' || x.gateway",
}
"""Whom each part of a clawback ``x`` is taken from, but for the currency."""

PARTS = " union all ".join(f"select '{part}' as part" for part in DEBITS)
KINDS = {
    "dispute": ", ".join(f"'dispute_{part}'" for part in DEBITS),
    "provider_refund": ", ".join(f"'provider_refund_{part}'" for part in DEBITS if part != "lost"),
}
DEBTS = "'debt_repayment', 'debt_returned'"
WATCHED = "(select id from batua_account where kind in ('dispute', 'dispute_loss', 'debt'))"

BY_PROVIDER = "{0}.requested_by = 'gateway:' || {0}.gateway"


def _between(table: str, word: str, taker: str, only: str) -> Rule:
    """A rule that a clawback's transfers are between whom they must be, for its own payment."""
    debits = " ".join(f"when '{part}' then {debit}" for part, debit in DEBITS.items())
    return Rule(
        invariant="I8",
        table="batua_transfer",
        sql=f"""select t.seq as row_key, t.seq as at_seq, t.id, t.kind, d.key as debit,
            c.key as credit
            from (select *, substr(kind, {len(word) + 2}) as part
                from batua_transfer where kind in ({KINDS[word]})) t
            left join batua_account d on d.id = t.debit_account
            left join batua_account c on c.id = t.credit_account
            left join {table} x on x.id = replace(t.id, '.' || t.part, '') and {only.format("x")}
            left join batua_capture k on k.id = x.capture_id
            where t.id is distinct from x.id || '.' || t.part
            or d.key is distinct from case t.part {debits} end || ':' || x.currency
            or c.key is distinct from case when t.part like 'bonus%' then 'promotion:shop'
                when t.part = 'lost' then 'gateway:' || x.gateway
                else '{taker}:' || x.gateway end || ':' || x.currency
            or t.payment_id is distinct from k.payment_id
            or t.order_id is distinct from k.order_id
            or t.top_up_id is distinct from k.top_up_id""",
        message="Transfer {row_key} of kind {kind} from {debit} to {credit} is no part of a dispute"
        " or of a refund by the provider: {id}.",
    )


def _took(table: str, word: str, only: str) -> Rule:
    """A rule that a clawback says what it took of the bonus, and of refunds to the wallet.

    A release from suspense is such a refund.
    """
    is_counted = "c.destination in ('order', 'suspense')"
    counted = f"case when {is_counted} then coalesce(t.clawed, 0) else 0 end"
    return Rule(
        invariant="I9",
        table=table,
        sql=f"""select r.id as row_key, r.clawed_back, r.bonus_amount,
            {counted} as clawed,
            coalesce(t.bonus, 0) as bonus
            from {table} r left join batua_capture c on c.id = r.capture_id
            left join (
                select x.id,
                    sum(case when p.part in ('wallet', 'debt') then t.amount else 0 end) as clawed,
                    sum(case when p.part like 'bonus%' then t.amount else 0 end) as bonus
                from {table} x cross join ({PARTS}) p
                join batua_transfer t on t.id = x.id || '.' || p.part
                    and t.kind = '{word}_' || p.part
                where {only.format("x")} group by x.id
            ) t on t.id = r.id
            where {only.format("r")} and (r.bonus_amount is distinct from coalesce(t.bonus, 0)
                or r.clawed_back is distinct from {counted})""",
        message=table + " {row_key} took {clawed} of refunds to the wallet and {bonus} of a bonus,"
        " but says {clawed_back} and {bonus_amount}.",
        adds_up=TABLES,
    )


RULES = (
    _between("batua_dispute", "dispute", "dispute", "1 = 1"),
    _between("batua_refund", "provider_refund", "gateway", BY_PROVIDER),
    Rule(
        invariant="I8",
        table="batua_transfer",
        sql=f"""select t.seq as row_key, t.seq as at_seq, t.kind from batua_transfer t
            where t.reverses is null and coalesce(t.kind, '') not in
                ({", ".join((*KINDS.values(), DEBTS, f"'{LOSS}'"))})
            and (t.debit_account in {WATCHED} or t.credit_account in {WATCHED})""",
        message="Transfer {row_key} of kind {kind} moves disputed money, a loss or a debt: only a"
        " dispute, a refund by the provider or a repayment may.",
    ),
    Rule(
        invariant="I8",
        table="batua_transfer",
        # What was repaid in vain is all that ever leaves a debt, and a repayment ends with it.
        sql=f"""select t.seq as row_key, t.seq as at_seq, t.kind, d.key as debit, c.key as credit,
            e.balance_after as after
            from (select * from batua_transfer where kind in ({DEBTS})) t
            left join batua_account d on d.id = t.debit_account
            left join batua_account c on c.id = t.credit_account
            left join batua_entry e on e.transfer_seq = t.seq and e.account_id =
                case t.kind when 'debt_returned' then t.debit_account else t.credit_account end
            where not coalesce(d.owner = c.owner and case t.kind
                when 'debt_returned' then d.kind = 'debt' and c.kind = 'wallet'
                    and e.balance_after = 0
                else d.kind = 'wallet' and c.kind = 'debt' and e.balance_after <= 0 end, false)""",
        message="Transfer {row_key} of kind {kind} from {debit} to {credit} leaves a debt of"
        " {after}.",
        adds_up=("batua_transfer", "batua_entry"),
    ),
    _took("batua_dispute", "dispute", "1 = 1"),
    _took("batua_refund", "provider_refund", BY_PROVIDER),
    Rule(
        invariant="I9",
        table="batua_refund",
        sql="""select r.id as row_key, r.status, r.clawed_back, r.bonus_amount,
            coalesce(t.amount, 0) as taken
            from batua_refund r
            left join batua_transfer t on t.id = r.id || '.bonus' and t.kind = 'bonus_clawback'
                and not exists (select 1 from batua_transfer v where v.reverses = t.seq)
            where r.requested_by is distinct from 'gateway:' || r.gateway
            and (r.clawed_back <> 0
                or (r.top_up_id is null and r.bonus_amount <> 0)
                or (r.top_up_id is not null and coalesce(t.amount, 0) is distinct from
                    case when r.status = 'succeeded' then r.bonus_amount else 0 end))""",
        message="Refund {row_key} is {status} with a bonus of {bonus_amount} and {clawed_back}"
        " clawed back, but has taken a bonus of {taken}, and only a provider claws back.",
        adds_up=("batua_refund", "batua_transfer"),
    ),
    Rule(
        invariant="I9",
        table="batua_capture",
        sql="""select r.id as row_key, r.transfer_seq as at_seq, r.clawed_back,
            coalesce(t.total, 0) as expected
            from batua_capture r left join (
                select capture_id, sum(clawed_back) as total from (
                    select capture_id, clawed_back from batua_dispute
                    where status in ('open', 'lost')
                    union all
                    select capture_id, clawed_back from batua_refund where status = 'succeeded'
                ) x group by capture_id
            ) t on t.capture_id = r.id
            where r.clawed_back is distinct from coalesce(t.total, 0)""",
        message="Capture {row_key} has {clawed_back} clawed back, but its disputes and refunds took"
        " {expected}.",
        adds_up=("batua_capture", "batua_dispute", "batua_refund"),
    ),
)
