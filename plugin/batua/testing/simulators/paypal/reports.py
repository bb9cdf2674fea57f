"""Lists: the transaction search and the list of disputes.

Sources: SPEC reporting_transactions_v1 and customer_disputes_v1, read 2026-11-22. Event codes: DOC
transaction-search/transaction-event-codes: T0006 PayPal Checkout, T0003 pre-approved, T1107 refund
by the merchant, T1201 chargeback, T1202 chargeback given back (the last from general knowledge).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime, timedelta
from math import ceil

from batua.testing.simulators.paypal.books import Books
from batua.testing.simulators.paypal.documents import PAYER
from batua.testing.simulators.paypal.errors import Document, invalid
from batua.testing.simulators.paypal.money import minor, money

__all__ = ["Reports"]

_RANGE_MAX = timedelta(days=31)
_STATUS = {"PENDING": "P", "DECLINED": "D", "FAILED": "D", "REFUNDED": "V"}


class Reports:
    """``now`` is unix seconds."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._store = books.store

    def transactions(self, query: Mapping[str, str], now: float) -> Document:
        """What began in the time from ``start_date`` to ``end_date``, both inclusive."""
        start, end = _moment(query, "start_date"), _moment(query, "end_date")
        if not timedelta(0) <= end - start <= _RANGE_MAX:
            raise invalid(
                "INVALID_PARAMETER_VALUE", "Date range is greater than 31 days.", "end_date"
            )
        size, page = _number(query, "page_size", 100, 500), _number(query, "page", 1, 2**31 - 1)
        seen_until = datetime.fromtimestamp(
            now - self._books.faults["report_delay_s"], start.tzinfo
        )
        found = [
            {"transaction_info": info}
            for info in self._infos()
            if start <= _time(info["transaction_initiation_date"]) <= min(end, seen_until)
        ]
        return {
            "transaction_details": found[(page - 1) * size : page * size],
            "account_number": PAYER,
            "start_date": query["start_date"],
            "end_date": query["end_date"],
            "last_refreshed_datetime": seen_until.strftime("%Y-%m-%dT%H:%M:%S+0000"),
            "page": page,
            "total_items": len(found),
            "total_pages": ceil(len(found) / size),
            "links": [],
        }

    def disputes(self, query: Mapping[str, str]) -> Document:
        """Entries without their transactions, newest first, with a link to the next page."""
        if "start_time" in query and "disputed_transaction_id" in query:
            raise invalid(
                "INVALID_PARAMETER_VALUE",
                "start_time and disputed_transaction_id exclude each other.",
            )
        after = _moment_or_none(query, "update_time_after")
        before = _moment_or_none(query, "update_time_before")
        since = _moment_or_none(query, "start_time")
        states = query.get("dispute_state", "").split(",") if query.get("dispute_state") else []
        found = [
            dispute
            for dispute in reversed(
                self._store.all("dispute", query.get("disputed_transaction_id"))
            )
            if (after is None or _time(dispute["update_time"]) >= after)
            and (before is None or _time(dispute["update_time"]) <= before)
            and (since is None or _time(dispute["create_time"]) >= since)
            and (not states or dispute["dispute_state"] in states)
        ]
        size, skip = _number(query, "page_size", 10, 50), _skip(query.get("next_page_token", ""))
        path = f"{self._books.views.url}/v1/customer/disputes"
        links = [{"href": path, "rel": "self", "method": "GET"}]
        if skip + size < len(found):
            token = base64.b64encode(str(skip + size).encode()).decode()
            href = f"{path}?page_size={size}&next_page_token={token}"
            links.append({"href": href, "rel": "next", "method": "GET"})
        shown = [self._books.views.dispute_item(one) for one in found[skip : skip + size]]
        return {"items": shown, "links": links}

    def _infos(self) -> list[Document]:
        """Oldest first."""
        infos = [
            *(_payment(one) for one in self._store.all("capture")),
            *(_related(one, "T1107", -1) for one in self._store.all("refund")),
            *(_related(one, "T1201", -1) for one in self._store.all("reversal")),
            *(_related(one, "T1202", 1) for one in self._store.all("given_back")),
        ]
        return sorted(infos, key=lambda info: str(info["transaction_initiation_date"]))


def _payment(capture: Document) -> Document:
    breakdown = capture.get("seller_receivable_breakdown")
    fee = {"fee_amount": _times(breakdown["paypal_fee"], -1)} if breakdown else {}
    code = "T0003" if capture["_is_preapproved"] else "T0006"
    return _info(capture, code, capture["amount"]) | fee


def _related(source: Document, code: str, sign: int) -> Document:
    return _info(source, code, _times(source["amount"], sign)) | {
        "paypal_reference_id": source["_capture"],
        "paypal_reference_id_type": "TXN",
    }


def _info(source: Document, code: str, amount: Document) -> Document:
    # How a capture tells its order here is not documented, so it does not.
    info = {
        "paypal_account_id": PAYER,
        "transaction_id": source["id"],
        "transaction_event_code": code,
        "transaction_initiation_date": _offset(source["create_time"]),
        "transaction_updated_date": _offset(source["update_time"]),
        "transaction_amount": amount,
        "transaction_status": _STATUS.get(source["status"], "S"),
    }
    info |= {"invoice_id": source["invoice_id"]} if "invoice_id" in source else {}
    return info | ({"custom_field": source["custom_id"]} if "custom_id" in source else {})


def _times(amount: Document, sign: int) -> Document:
    return money(sign * minor(amount), amount["currency_code"])


def _offset(time: str) -> str:
    # The search writes its times with an offset of four digits.
    return time.replace("Z", "+0000")


def _moment(query: Mapping[str, str], name: str) -> datetime:
    found = _moment_or_none(query, name)
    if found is None:
        raise invalid("MISSING_REQUIRED_PARAMETER", "A required parameter is missing.", name)
    return found


def _moment_or_none(query: Mapping[str, str], name: str) -> datetime | None:
    if name not in query:
        return None
    try:
        found = _time(query[name])
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise invalid("INVALID_PARAMETER_SYNTAX", "That is no time of RFC 3339.", name)
    return found


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _number(query: Mapping[str, str], name: str, default: int, largest: int) -> int:
    text = query.get(name, str(default))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= largest:
        raise invalid("INVALID_PARAMETER_VALUE", "A parameter value is not valid.", name)
    return int(text)


def _skip(token: str) -> int:
    try:
        return int(base64.b64decode(token, validate=True) or b"0")
    except (binascii.Error, ValueError) as error:
        raise invalid(
            "INVALID_PARAMETER_VALUE", "A parameter value is not valid.", "next_page_token"
        ) from error
