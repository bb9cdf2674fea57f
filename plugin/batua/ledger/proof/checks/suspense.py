"""Money in suspense: what is there is what captures brought, and only refunds let it go.

A release to the wallet is a refund too. What a dispute and a refund have both taken is a loss.
"""

from __future__ import annotations

from batua.ledger.proof.source import Rule

__all__ = ["KINDS", "LOSS", "RULES"]

LOSS = "suspense_refund_loss"
KINDS = f"'suspense_release', 'suspense_refund', '{LOSS}'"

CLAWBACKS = "'dispute_suspense', 'provider_refund_suspense'"
SUSPENSE = "(select id from batua_account where kind = 'suspense')"

RULES = (
    Rule(
        invariant="I8",
        table="batua_transfer",
        sql=f"""select t.seq as row_key, t.seq as at_seq, t.id, t.kind, d.key as debit,
            c.key as credit
            from (select * from batua_transfer where kind in ({KINDS})) t
            left join batua_account d on d.id = t.debit_account
            left join batua_account c on c.id = t.credit_account
            left join batua_refund x on x.id = t.refund_id
            left join batua_capture k on k.id = x.capture_id and k.destination = 'suspense'
            where t.id is distinct from x.id || case t.kind when 'suspense_release' then '.wallet'
                when 'suspense_refund' then '.source' else '.loss' end
            or d.key is distinct from case t.kind when '{LOSS}' then 'dispute_loss:shop'
                else 'suspense:' || k.gateway end || ':' || k.currency
            or c.key is distinct from case t.kind
                when 'suspense_release' then 'wallet:' || k.customer_id
                else 'gateway:' || k.gateway end || ':' || k.currency
            or t.payment_id is distinct from k.payment_id
            or t.order_id is distinct from k.order_id
            or t.top_up_id is distinct from k.top_up_id""",
        message="Transfer {row_key} of kind {kind} from {debit} to {credit} is of no refund of what"
        " a capture has in suspense: {id}.",
    ),
    Rule(
        invariant="I8",
        table="batua_transfer",
        sql=f"""select t.seq as row_key, t.seq as at_seq, t.kind from batua_transfer t
            where t.debit_account in {SUSPENSE} and t.reverses is null
            and coalesce(t.kind, '') not in ({KINDS}, {CLAWBACKS})""",
        message="Transfer {row_key} of kind {kind} takes money out of suspense: only a refund, a"
        " release or what a provider takes back may.",
    ),
    Rule(
        invariant="I9",
        table="batua_account",
        sql="""select a.id as row_key, a.key, a.posted,
            coalesce(k.total, 0) + coalesce(l.total, 0) as expected
            from batua_account a left join (
                select gateway, currency, sum(amount - refunded - disputed) as total
                from batua_capture where destination = 'suspense' group by gateway, currency
            ) k on k.gateway = a.owner and k.currency = a.currency
            left join (
                select c.gateway, c.currency, sum(t.amount) as total
                from (select id, capture_id from batua_dispute
                    union all select id, capture_id from batua_refund) x
                join batua_capture c on c.id = x.capture_id and c.destination = 'suspense'
                join batua_transfer t on t.id = x.id || '.loss'
                left join batua_transfer r on r.reverses = t.seq
                where r.seq is null group by c.gateway, c.currency
            ) l on l.gateway = a.owner and l.currency = a.currency
            where a.kind = 'suspense'
            and a.posted is distinct from coalesce(k.total, 0) + coalesce(l.total, 0)""",
        message="{key} has {posted}, but what is left there of its captures sums to {expected}.",
        adds_up=("batua_account", "batua_capture", "batua_transfer"),
    ),
)
