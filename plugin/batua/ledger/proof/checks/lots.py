"""Lots: each adds up to what moved in and out of it, and all of a wallet's fit into the wallet."""

from __future__ import annotations

from batua.ledger.proof.source import Rule

__all__ = ["RULES"]

LOT, ENTRIES = ("batua_lot",), ("batua_lot", "batua_lot_entry")

# Each lot entry beside the one before it in the same lot, in the order of the ledger. When each
# follows the one before and all add up to what remains, then the last one left just that.
IN_ORDER = """(select e.id, e.lot_id, e.amount, e.remaining_after, t.seq, t.kind, t.debit_account,
    lag(e.remaining_after) over (partition by e.lot_id order by t.seq, e.id) as before,
    row_number() over (partition by e.lot_id order by t.seq, e.id) as place
    from batua_lot_entry e join batua_transfer t on t.id = e.transfer_id)"""


def _fits(column: str, limit: str) -> Rule:
    """A rule that a wallet's lots add up to no more than the wallet has."""
    return Rule(
        invariant="I4",
        table="batua_account",
        sql=f"""select a.id as row_key, a.key, a.{limit} as most, l.total from batua_account a
            join (select account_key, sum({column}) as total from batua_lot group by account_key) l
            on l.account_key = a.key where l.total > a.{limit}""",
        message=f"{{key}} has {limit} {{most}}, but the {column} amounts of its lots sum to"
        " {total}.",
        adds_up=(*LOT, "batua_account"),
    )


RULES = (
    _fits("remaining", "posted"),
    _fits("held", "held"),
    Rule(
        invariant="I6",
        table="batua_lot",
        sql="""select l.id as row_key, l.currency, l.account_key, a.currency as expected
            from batua_lot l join batua_account a on a.key = l.account_key
            where a.kind is distinct from 'wallet' or l.currency is distinct from a.currency""",
        message="Lot {row_key} in {currency} is of {account_key}: expected a wallet in {expected}.",
    ),
    Rule(
        invariant="I3",
        table="batua_lot",
        sql="""select l.id as row_key, l.remaining, coalesce(e.total, 0) as total
            from batua_lot l left join (
                select lot_id, sum(amount) as total from batua_lot_entry group by lot_id
            ) e on e.lot_id = l.id
            where e.lot_id is null or l.remaining is distinct from e.total""",
        message="Lot {row_key} has {remaining} remaining, but its entries sum to {total}.",
        adds_up=ENTRIES,
    ),
    Rule(
        invariant="I3",
        table="batua_lot_entry",
        sql=f"""select id as row_key, seq as at_seq, lot_id, amount, remaining_after,
            coalesce(before, 0) as before from {IN_ORDER} e
            where remaining_after is distinct from coalesce(before, 0) + amount
            or coalesce(remaining_after < 0, true)""",
        message="Lot entry {row_key} leaves lot {lot_id} with {remaining_after}, expected {before}"
        " + {amount}, and never below zero.",
        adds_up=ENTRIES,
    ),
    Rule(
        invariant="I3",
        table="batua_lot_entry",
        sql=f"""select e.id as row_key, e.seq as at_seq, e.lot_id, e.amount,
            l.amount as expected from {IN_ORDER} e join batua_lot l on l.id = e.lot_id
            where e.place = 1 and e.amount is distinct from l.amount""",
        message="Lot entry {row_key} opens lot {lot_id} with {amount}, expected {expected}.",
        adds_up=ENTRIES,
    ),
    Rule(
        invariant="I3",
        table="batua_lot_entry",
        # What goes into a lot is credited to its wallet, what comes out is debited from it.
        sql="""select e.id as row_key, t.seq as at_seq, e.amount, l.account_key, d.key as debit,
            c.key as credit from batua_lot_entry e
            join batua_lot l on l.id = e.lot_id
            join batua_transfer t on t.id = e.transfer_id
            left join batua_account d on d.id = t.debit_account
            left join batua_account c on c.id = t.credit_account
            where l.account_key is distinct from
                case when e.amount < 0 then d.key else c.key end""",
        message="Lot entry {row_key} of {amount} is of {account_key}, but its transfer debits"
        " {debit} and credits {credit}.",
        adds_up=ENTRIES,
    ),
    Rule(
        invariant="I3",
        table="batua_transfer",
        sql="""select t.seq as row_key, t.seq as at_seq, t.amount, e.account_key, e.total
            from batua_transfer t join (
                select e.transfer_id, l.account_key, sum(abs(e.amount)) as total
                from batua_lot_entry e join batua_lot l on l.id = e.lot_id
                group by e.transfer_id, l.account_key
            ) e on e.transfer_id = t.id
            where e.total > t.amount""",
        message="Transfer {row_key} of {amount} moves {total} in and out of lots of {account_key}.",
        adds_up=(*ENTRIES, "batua_transfer"),
    ),
    Rule(
        invariant="I4",
        table="batua_lot",
        sql="""select l.id as row_key, l.held, l.remaining, coalesce(h.total, 0) as total
            from batua_lot l left join (
                select p.lot_id, sum(p.amount) as total from batua_hold_lot p
                join batua_hold h on h.id = p.hold_id where h.status = 'held' group by p.lot_id
            ) h on h.lot_id = l.id
            where l.held is distinct from coalesce(h.total, 0) or l.held > l.remaining""",
        message="Lot {row_key} has {held} of {remaining} held, but its open holds sum to {total}.",
        adds_up=(*LOT, "batua_hold_lot"),
    ),
    Rule(
        invariant="I4",
        table="batua_hold",
        sql="""select h.id as row_key, h.amount, p.total from batua_hold h join (
                select hold_id, sum(amount) as total from batua_hold_lot group by hold_id
            ) p on p.hold_id = h.id
            where p.total > h.amount""",
        message="Hold {row_key} is of {amount}, but sets {total} aside in lots.",
        adds_up=("batua_hold", "batua_hold_lot"),
    ),
    Rule(
        invariant="I4",
        table="batua_hold_lot",
        sql="""select p.id as row_key, p.hold_id, p.lot_id, l.account_key, a.key as expected
            from batua_hold_lot p join batua_lot l on l.id = p.lot_id
            join batua_hold h on h.id = p.hold_id join batua_account a on a.id = h.account_id
            where l.account_key is distinct from a.key""",
        message="Hold {hold_id} is of {expected}, but sets money aside in lot {lot_id} of"
        " {account_key}.",
    ),
    Rule(
        invariant="I8",
        table="batua_lot",
        sql="""select id as row_key, kind, cast(expires_at as text) as expires_at from batua_lot
            where kind is distinct from 'bonus' and expires_at is not null""",
        message="Lot {row_key} of kind {kind} expires at {expires_at}: credit for money that was"
        " paid in never expires.",
    ),
    Rule(
        invariant="I8",
        table="batua_lot",
        sql=f"""select l.id as row_key, e.seq as at_seq, e.kind, a.key as debit from batua_lot l
            join {IN_ORDER} e on e.lot_id = l.id and e.place = 1
            left join batua_account a on a.id = e.debit_account
            where l.kind = 'bonus' and not coalesce(a.kind = 'promotion'
                or e.kind = 'adjustment_credit'
                or e.kind like 'refund%' or e.kind like 'reversal%', false)""",
        message="Lot {row_key} is a bonus, but was opened by a transfer of kind {kind} from"
        " {debit}: expected one from a promotion, a refund, a reversal or an adjustment.",
    ),
)
