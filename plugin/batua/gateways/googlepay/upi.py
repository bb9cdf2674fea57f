"""``upi://pay`` links: made, and checked before a payer gets one.

Source: NPCI's linking specification as Google's pages for India repeat it
(developers.google.com/pay/india/api), read 2026-11-22; the specification itself was not read.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from batua.contract import Money

__all__ = ["UPI_CURRENCY", "check_pay_link", "google_pay_link", "pay_link"]

UPI_CURRENCY = "INR"
_LINK_CHARS_MAX = 2_048
_RUPEES = re.compile(r"(\d{1,14})(?:\.(\d{1,2}))?", re.ASCII)
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


def pay_link(
    *,
    address: str,
    name: str,
    amount: Money,
    reference: str,
    note: str = "",
    category: str = "",
    url: str = "",
) -> str:
    """A link that pays ``amount`` to the UPI address (``shop@bank``) under our reference.

    The amount is written in rupees with two decimals, every value percent-encoded. ``category``
    is the merchant category code. Raises ``ValueError``.
    """
    if not name or not reference:
        raise ValueError("a UPI link needs a name and a reference")
    values = {
        "pa": address,
        "pn": name,
        "mc": category,
        "tr": reference,
        "tn": note,
        "am": _rupees(amount),
        "cu": UPI_CURRENCY,
        "url": url,
    }
    filled = {key: value for key, value in values.items() if value}
    link = f"upi://pay?{urlencode(filled, quote_via=quote, safe='')}"
    check_pay_link(link, amount)
    return link


def check_pay_link(link: str, amount: Money) -> None:
    """Raise ``ValueError`` unless the link pays exactly this amount to one UPI address.

    A link without an amount, or with a smaller least amount (``mam``), lets its payer choose.
    """
    values = _values(link)
    if not _ADDRESS.fullmatch(values.get("pa", "")):
        raise ValueError("the UPI link names no address to pay to")
    if values.get("cu", UPI_CURRENCY) != UPI_CURRENCY or amount.currency != UPI_CURRENCY:
        raise ValueError("UPI takes rupees only")
    least = values.get("mam", "")
    if _paise(values.get("am", "")) != amount.amount or (least and _paise(least) != amount.amount):
        raise ValueError("the UPI link is of another amount")


def google_pay_link(link: str) -> str:
    """The same payment, but in Google Pay's own app: iOS does not let the payer choose one."""
    scheme = "upi://pay"
    if not link.startswith(scheme):
        raise ValueError("that is no UPI link")
    return f"gpay://upi/pay{link.removeprefix(scheme)}"


def _rupees(amount: Money) -> str:
    if amount.currency != UPI_CURRENCY or amount.amount <= 0:
        raise ValueError("UPI takes rupees only, and more than none")
    return f"{amount.amount // 100}.{amount.amount % 100:02}"


def _paise(written: str) -> int | None:
    match = _RUPEES.fullmatch(written)
    if match is None:
        return None
    rupees, decimals = match.groups()
    return int(rupees) * 100 + int((decimals or "").ljust(2, "0"))


def _values(link: str) -> dict[str, str]:
    # Spaces and letters of any alphabet are let through: apps and browsers encode them.
    if len(link) > _LINK_CHARS_MAX or not link.isprintable():
        raise ValueError("the UPI link is too long, or has control characters")
    # urlsplit refuses what is no URL, parse_qsl what is no query: both by ValueError.
    parts = urlsplit(link)
    place = (parts.scheme, parts.netloc, parts.path.rstrip("/"), parts.fragment)
    if place != ("upi", "pay", "", "") or not link.startswith("upi://"):
        raise ValueError("the link does not begin with upi://pay")
    pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("the UPI link says something twice")
    return values
