"""What happened on an account: a page of entries, newest first, each with the balance after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from batua.database import Database, Row
from batua.ledger.accounts import AccountName

__all__ = ["StatementFilter", "balance_at", "read_statement"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementFilter:
    """Which entries to show. Times are UTC: from ``since`` on, and before ``until``."""

    since: datetime | None = None
    until: datetime | None = None
    kind: str | None = None
    before_seq: int | None = None


# Not a join: PostgreSQL would read and sort every entry of the account, instead of walking the
# newest of them backwards in the index.
_OF_ACCOUNT = "e.account_id = (select id from batua_account where key = $1)"


async def read_statement(
    database: Database, account: AccountName, wanted: StatementFilter, limit: int
) -> Sequence[Row]:
    """At most ``limit`` entries joined with their transfers, newest first."""
    where = [_OF_ACCOUNT]
    args: list[object] = [account.key]
    for condition, value in (
        ("t.created_at >= {}", wanted.since),
        ("t.created_at < {}", wanted.until),
        ("t.kind = {}", wanted.kind),
        ("e.transfer_seq < {}", wanted.before_seq),
    ):
        if value is not None:
            args.append(value)
            where.append(condition.format(f"${len(args)}"))
    return await database.fetch(
        "select t.id, t.seq, t.kind, e.amount, e.balance_after, t.currency, t.order_id,"
        " t.top_up_id, t.payment_id, t.refund_id, t.reason, t.occurred_at, t.created_at"
        " from batua_entry e join batua_transfer t on t.seq = e.transfer_seq"
        f" where {' and '.join(where)} order by e.transfer_seq desc limit {int(limit)}",
        *args,
    )


async def balance_at(database: Database, account: AccountName, moment: datetime) -> int:
    """The posted balance in minor units as it was at ``moment`` (UTC)."""
    row = await database.fetch_one(
        f"select e.balance_after from batua_entry e where {_OF_ACCOUNT}"
        " and e.transfer_seq <= coalesce("
        "(select seq from batua_transfer where created_at <= $2"
        " order by created_at desc, seq desc limit 1), 0)"
        " order by e.transfer_seq desc limit 1",
        account.key,
        moment,
    )
    return 0 if row is None else int(row["balance_after"])
