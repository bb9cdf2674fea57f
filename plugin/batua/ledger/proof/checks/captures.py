"""I7 and I10: what was captured at a gateway is posted exactly once, as it was captured."""

from __future__ import annotations

from collections.abc import Iterable

from batua.ledger.proof.findings import Finding, Findings
from batua.ledger.proof.source import Row, Rule, Source, apply

__all__ = ["check_captures"]

COLUMNS = (
    "r.id, r.gateway, r.payment_id, r.customer_id, r.amount, r.currency, r.destination,"
    " r.transfer_seq, t.seq, t.amount as posted, t.currency as posted_currency,"
    " t.payment_id as posted_payment, debit.key as debit, credit.key as credit,"
    " p.gateway as payment_gateway, p.customer_id as payment_customer"
)
JOINS = (
    "left join batua_transfer t on t.seq = r.transfer_seq"
    " left join batua_account debit on debit.id = t.debit_account"
    " left join batua_account credit on credit.id = t.credit_account"
    " left join batua_payment p on p.id = r.payment_id"
)

RULES = (
    Rule(
        invariant="I7",
        table="batua_transfer",
        # A reversal may debit a gateway (a refund that failed after all); I13 proves it.
        sql="""select t.seq as row_key, t.seq as at_seq, a.key as account, count(c.id) as captures
            from batua_transfer t join batua_account a on a.id = t.debit_account
            left join batua_capture c on c.transfer_seq = t.seq
            where a.kind = 'gateway'
            and not (coalesce(t.kind, '') like 'reversal%' and t.reverses is not null)
            group by t.seq, a.key having count(c.id) <> 1""",
        message="Transfer {row_key} debits {account} and is the transfer of {captures} captures,"
        " expected 1.",
    ),
    Rule(
        invariant="I7",
        table="batua_capture",
        sql="""select max(id) as row_key, gateway, provider_payment_id, count(*) as times
            from batua_capture group by gateway, provider_payment_id having count(*) > 1""",
        message="Capture {row_key} is one of {times} of the same payment {provider_payment_id} at"
        " {gateway}, expected 1.",
    ),
)


async def check_captures(source: Source, findings: Findings) -> None:
    """Each capture against its transfer, and each gateway's debit against its capture."""
    async for page in source.pages(COLUMNS, "batua_capture", "id", first="", joins=JOINS):
        for row in page:
            for invariant, message in _problems(row):
                finding = Finding(invariant, "batua_capture", str(row["id"]), message)
                findings.add(finding, seq=row["transfer_seq"])
    await apply("captures", RULES, source, findings)


def _problems(row: Row) -> Iterable[tuple[str, str]]:
    seq, name = row["transfer_seq"], f"Capture {row['id']}"
    if row["seq"] is None:
        yield "I7", f"{name} has transfer {seq}, which does not exist."
        return
    for what, found, expected in (
        ("is of payment", row["posted_payment"], row["payment_id"]),
        ("debits", row["debit"], f"gateway:{row['gateway']}:{row['currency']}"),
        ("credits", row["credit"], _destination(row)),
    ):
        if found != expected:
            message = f"{name}: its transfer {seq} {what} {found}, expected {expected}."
            yield "I7", message
    for column, expected in (
        ("gateway", row["payment_gateway"]),
        ("customer_id", row["payment_customer"]),
    ):
        if row[column] != expected:
            yield "I7", f"{name} has {column} {row[column]}, but its payment has {expected}."
    posted, captured = row["posted"], row["amount"]
    if (posted, row["posted_currency"]) != (captured, row["currency"]):
        message = (
            f"{name} is of {captured} {row['currency']}, but its transfer {seq} posted "
            f"{posted} {row['posted_currency']}."
        )
        yield "I10", message


def _destination(row: Row) -> str:
    currency = row["currency"]
    accounts = {
        "wallet": f"wallet:{row['customer_id']}:{currency}",
        "order": f"revenue:shop:{currency}",
        "suspense": f"suspense:{row['gateway']}:{currency}",
    }
    return accounts.get(row["destination"], f"an account for {row['destination']!r}")
