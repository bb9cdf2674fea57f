"""``batua reconcile``: our books against the providers', for people, spreadsheets and programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import click
import msgspec

from batua.bootstrap import Batua
from batua.contract import Money, format_money
from batua.reconciliation import Break, DayReport, Kind, State
from batua_api.csv_files import write_csv

__all__ = ["FORMATS", "exit_code", "reconcile_day", "show_reports"]

FORMATS = ("table", "csv", "json")

SUMMED = {Kind.CAPTURE: "captured", Kind.REFUND: "refunded", Kind.DISPUTE: "disputed"}


async def reconcile_day(
    batua: Batua, *, gateway: str | None, day: date | None, heal: bool
) -> list[DayReport]:
    """Compare one gateway or all of them; yesterday (UTC) unless told.

    Raises ``NotFound`` for a gateway that is not installed and ``InvalidRequest`` for a day that
    has not begun.
    """
    chosen = day or batua.now().astimezone(UTC).date() - timedelta(days=1)
    codes = [gateway] if gateway else list(batua.registry.gateways)
    return [await batua.reconciler.reconcile(code, chosen, heal=heal) for code in codes]


def exit_code(reports: Sequence[DayReport]) -> int:
    """0: equal, or made so. 1: a break is left. 2: a gateway could not be asked."""
    states = {report.state for report in reports}
    if State.UNAVAILABLE in states:
        return 2
    return 1 if State.BROKEN in states else 0


def show_reports(reports: Sequence[DayReport], form: str) -> None:
    """Write the reports to standard output in one of ``FORMATS``."""
    if form == "json":
        written = msgspec.json.format(msgspec.json.encode([_json(each) for each in reports]))
        click.echo(written.decode())
    elif form == "csv":
        lines = [line for report in reports for line in _csv(report)]
        click.echo(write_csv(lines, _Line), nl=False)
    else:
        for report in reports:
            for text in _table(report):
                click.echo(text)


# --- JSON -----------------------------------------------------------------------------------------


def _json(report: DayReport) -> dict[str, Any]:
    return {
        "gateway": report.gateway,
        "day": report.day,
        "state": report.state,
        "problem": report.problem,
        "sums": [
            {
                "currency": currency,
                "kind": SUMMED[kind],
                "ours": sums.ours,
                "theirs": sums.theirs,
                "difference": sums.difference,
            }
            for currency, kind, sums in report.sums_in_order()
        ],
        "breaks": [_json_break(each) for each in report.breaks],
        "settlements": [
            {
                "id": each.provider_settlement_id,
                **_money(each.amount),
                "fees": each.fees,
                "tax": each.tax,
                "status": each.status,
                "at": each.occurred_at,
            }
            for each in report.settlements
        ],
    }


def _json_break(found: Break) -> dict[str, Any]:
    return {
        "type": found.type,
        "kind": found.kind,
        "provider_id": found.provider_id,
        "provider_payment_id": found.provider_payment_id,
        "our_id": found.our_id,
        "ours": _money(found.ours) | {"status": found.our_status, "mode": found.our_mode}
        if found.ours
        else None,
        "theirs": _money(found.theirs) | {"status": found.their_status, "mode": found.their_mode}
        if found.theirs
        else None,
        "at": found.at,
        "healed": found.is_healed,
        "note": found.note,
        "what_to_do": found.what_to_do,
    }


def _money(money: Money) -> dict[str, Any]:
    return {"amount": money.amount, "currency": money.currency, "formatted": str(money)}


# --- CSV ------------------------------------------------------------------------------------------


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    """Amounts are minor units. ``line`` says what it is: state, sum, break or settlement."""

    gateway: str
    day: date
    line: str
    what: str
    kind: str = ""
    provider_id: str = ""
    provider_payment_id: str = ""
    our_id: str = ""
    our_currency: str = ""
    ours: int | None = None
    ours_formatted: str = ""
    our_status: str = ""
    their_currency: str = ""
    theirs: int | None = None
    theirs_formatted: str = ""
    their_status: str = ""
    difference: int | None = None
    fees: int | None = None
    tax: int | None = None
    at: datetime | None = None
    healed: bool | None = None
    note: str = ""
    what_to_do: str = ""


def _csv(report: DayReport) -> Iterator[_Line]:
    yield _Line(
        gateway=report.gateway, day=report.day, line="state", what=report.state, note=report.problem
    )
    for currency, kind, sums in report.sums_in_order():
        yield _Line(
            gateway=report.gateway,
            day=report.day,
            line="sum",
            what=SUMMED[kind],
            kind=kind,
            our_currency=currency,
            ours=sums.ours,
            ours_formatted=format_money(sums.ours, currency),
            their_currency=currency,
            theirs=sums.theirs,
            theirs_formatted=format_money(sums.theirs, currency),
            difference=sums.difference,
        )
    for each in report.settlements:
        yield _Line(
            gateway=report.gateway,
            day=report.day,
            line="settlement",
            what=each.status,
            provider_id=each.provider_settlement_id,
            their_currency=each.amount.currency,
            theirs=each.amount.amount,
            theirs_formatted=str(each.amount),
            fees=each.fees,
            tax=each.tax,
            at=each.occurred_at,
        )
    for found in report.breaks:
        yield _csv_break(report, found)


def _csv_break(report: DayReport, found: Break) -> _Line:
    return _Line(
        gateway=report.gateway,
        day=report.day,
        line="break",
        what=found.type,
        kind=found.kind,
        provider_id=found.provider_id,
        provider_payment_id=found.provider_payment_id,
        our_id=found.our_id,
        our_currency=found.ours.currency if found.ours else "",
        ours=found.ours.amount if found.ours else None,
        ours_formatted=str(found.ours) if found.ours else "",
        our_status=found.our_status,
        their_currency=found.theirs.currency if found.theirs else "",
        theirs=found.theirs.amount if found.theirs else None,
        theirs_formatted=str(found.theirs) if found.theirs else "",
        their_status=found.their_status,
        at=found.at,
        healed=found.is_healed,
        note=found.note,
        what_to_do=found.what_to_do,
    )


# --- a table --------------------------------------------------------------------------------------

_STATES = {
    State.EQUAL: "equal",
    State.BROKEN: "THE BOOKS DIFFER",
    State.NOT_RECONCILABLE: "not reconcilable",
    State.UNAVAILABLE: "COULD NOT BE ASKED",
}


def _table(report: DayReport) -> Iterator[str]:
    why = f": {report.problem}" if report.problem else ""
    yield f"{report.gateway}  {report.day} (UTC)  {_STATES[report.state]}{why}"
    if report.sums:
        yield f"  {'':<14}{'ours':>20}{'theirs':>20}{'difference':>20}"
    for currency, kind, sums in report.sums_in_order():
        amounts = (format_money(each, currency) for each in (sums.ours, sums.theirs))
        columns = "".join(f"{shown:>20}" for shown in (*amounts, _gap(sums.difference, currency)))
        yield f"  {currency} {SUMMED[kind]:<10}{columns}"
    for each in report.settlements:
        currency = each.amount.currency
        yield (
            f"  settled {each.amount} ({each.provider_settlement_id}, {each.status}),"
            f" fees {format_money(each.fees, currency)}, tax {format_money(each.tax, currency)}"
        )
    for found in report.breaks:
        yield (
            f"  {found.type}  {found.kind} {found.provider_id or '-'}"
            f" of payment {found.provider_payment_id}, ours {found.our_id or '-'}"
        )
        yield (
            f"    ours {_side(found.ours, found.our_status, found.our_mode)};"
            f" theirs {_side(found.theirs, found.their_status, found.their_mode)}"
        )
        yield f"    {found.what_to_do}{f' ({found.note})' if found.note else ''}"


def _gap(difference: int, currency: str) -> str:
    return format_money(difference, currency) if difference else "-"


def _side(money: Money | None, status: str, mode: str) -> str:
    if money is None:
        return "nothing"
    return f"{money} ({money.amount} minor units, {status}, {mode})"
