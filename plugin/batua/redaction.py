"""What nobody may read in a log, an error or a trace: secrets, and the numbers of cards.

The settings' own secrets are known by their values, whatever they look like: who reads settings
says ``learn``.  That knowledge is the process's, as its logs are.  Whatever else is secret is
known by its looks: tokens and keys by how they begin, passwords by the name before them, the
numbers of cards by their length, their first digits and their check digit.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Any
from urllib.parse import quote, unquote

import msgspec

__all__ = ["CARD", "SECRET", "has_card_number", "hide_cards", "hide_cards_in", "learn", "redact"]

SECRET = "[secret]"  # noqa: S105 - what stands in a secret's place
CARD = "[card number]"
LENGTH_MIN = 6
"""A shorter secret is no secret, and its letters would be blotted out of every other word."""

_known: dict[str, None] = {}


def learn(secrets: Iterable[str]) -> None:
    """Remember values that are secret: of a database's URL its password, of a list each part."""
    for secret in secrets:
        for part in _passwords(secret) if "://" in secret else secret.split(","):
            value = part.strip()
            if len(value) >= LENGTH_MIN:
                escaped = msgspec.json.encode(value)[1:-1].decode()
                _known.update(dict.fromkeys((value, escaped, quote(value, safe=""))))
    # The longest first: of one that begins like another, nothing may be left.
    for value in sorted(_known, key=len, reverse=True):
        _known[value] = _known.pop(value)


def redact(text: str) -> str:
    """``text`` without anything that is secret. JSON stays JSON."""
    for secret in _known:
        if secret in text:
            text = text.replace(secret, SECRET)
    lower = text.lower()
    if any(mark in lower for mark in _MARKS):
        for pattern, instead in _PATTERNS:
            text = pattern.sub(instead, text)
    return hide_cards(text)


def hide_cards(text: str) -> str:
    """``text`` without the numbers of cards."""
    if _may_have_card(text):
        for found in reversed(list(_cards(text))):
            text = f"{text[: found.start()]}{CARD}{text[found.end() :]}"
    return text


def hide_cards_in(body: bytes) -> bytes:
    """The same of bytes that are text; of what is none, nothing is known."""
    if body.isascii() and b"0" * DIGITS_MIN not in body.translate(_ALIKE_BYTES, b" .-\t\r\n"):
        return body
    return hide_cards(body.decode(errors="surrogateescape")).encode(errors="surrogateescape")


def has_card_number(value: Any) -> bool:
    """Whether a card's number stands anywhere in a text, or in what is nested in ``value``.

    Digits of any script count, with a blank, a dash or a dot between them or none.  A phone number
    (``+`` and at most 15 digits) is none, nor is what stands inside of a UUID or a hash.  One in
    ten numbers with a card's length and first digits has its check digit too: a shop that numbers
    its orders so writes a letter into them.
    """
    if isinstance(value, str):
        return _may_have_card(value) and next(_cards(value), None) is not None
    if isinstance(value, msgspec.Struct):
        # A struct's own numbers are amounts and limits; those of free JSON may be anything.
        fields = (getattr(value, name) for name in value.__struct_fields__)
        return any(has_card_number(field) for field in fields if type(field) is not int)
    if isinstance(value, dict):
        return any(has_card_number(name) or has_card_number(each) for name, each in value.items())
    if isinstance(value, (list, tuple)):
        return any(has_card_number(each) for each in value)
    if isinstance(value, (int, float)) and value >= 10 ** (DIGITS_MIN - 1):
        return has_card_number(str(int(value)))
    return False


# --- secrets --------------------------------------------------------------------------------

_MARKS = (
    "bearer", "basic ", "eyj", "://", "sk_", "whsec_", "secret", "token", "password", "passwd",
    "signature", "cookie", "authorization", "api_key", "api-key", "apikey", "cvv", "cvc", "private",
    "credential",
)  # fmt: skip
"""What every pattern below has one of. Most lines have none, and are let through at once."""

_END = r"[^\s\"'\\,;&}\])]"
_NAMED = (
    r"[\w-]*(?:secret|token|password|passwd|signature|api[_-]?key|private[_-]?key|credential)s?"
)
_PATTERNS = (
    (re.compile(r"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie)(\\?[\"']?\s*[:=,]\s*"
                r"(?:b(?=[\"']))?\\?[\"']?)[^\"'\\\r\n]+"), rf"\1\2{SECRET}"),
    (re.compile(rf"(?i)\b(bearer|basic)\s+(?!\[){_END}{{8,}}"), rf"\1 {SECRET}"),
    (re.compile(r"\beyJ[\w-]{4,}\.[\w-]{4,}\.[\w-]*"), SECRET),
    (re.compile(r"\b(?:batua_sk|sk_live|sk_test|rk_live|rk_test|whsec)_[\w+/=-]{6,}"), SECRET),
    (re.compile(r"(://[^\s:/@\"']*):[^\s/@\"']+@"), rf"\1:{SECRET}@"),
    (re.compile(rf"(?i)(?<![\w-])({_NAMED})(\\?[\"']?\s*[:=]\s*(?:b(?=[\"']))?\\?[\"']?)(?!\[)"
                rf"{_END}{{6,}}"),
     rf"\1\2{SECRET}"),
    (re.compile(r"(?i)\b(cvv2?|cvc2?)(\\?[\"']?\s*[:=]?\s*\\?[\"']?)\d{3,4}\b"), rf"\1\2{SECRET}"),
)  # fmt: skip


def _passwords(url: str) -> tuple[str, ...]:
    server = url.partition("://")[2].partition("/")[0]
    raw = server.rpartition("@")[0].partition(":")[2]
    return raw, unquote(raw)


# --- cards ----------------------------------------------------------------------------------

DIGITS_MIN = 13
DIGITS_MAX = 19
PHONE_DIGITS_MAX = 15
PREFIX_DIGITS = 4
_LONG = range(16, 20)

_ISSUERS: tuple[tuple[int, int, Iterable[int]], ...] = (
    (4, 4, (13, 16, 19)),  # Visa
    (51, 55, (16,)),  # Mastercard
    (2221, 2720, (16,)),
    (34, 34, (15,)),  # American Express
    (37, 37, (15,)),
    (300, 305, (14, 16, 19)),  # Diners Club
    (36, 36, (14, 16, 19)),
    (38, 39, (14, 16, 19)),
    (3528, 3589, _LONG),  # JCB
    (60, 60, _LONG),  # Discover, RuPay
    (644, 659, _LONG),
    (508, 508, (16,)),
    (62, 62, _LONG),  # UnionPay
    (81, 82, _LONG),
    (5018, 5018, range(13, 20)),  # Maestro
    (5020, 5020, range(13, 20)),
    (5038, 5038, range(13, 20)),
    (6304, 6304, range(13, 20)),
    (6759, 6763, range(13, 20)),
    (2200, 2204, _LONG),  # Mir
)
"""First digits from and to, and lengths. ISO/IEC 7812; the networks' published ranges, 2026-11."""

_BETWEEN = r"[\s.\u00ad\u2010-\u2015-]"
_DIGITS = re.compile(rf"(?<!\d)\d(?:{_BETWEEN}?\d){{{DIGITS_MIN - 1},}}")
_GROUP = re.compile(r"\d+")
_MACHINE = re.compile(
    r"(?i)(?<![0-9a-z])(?:[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}|[0-9a-f]{24,})(?![0-9a-z])"
)


_ALIKE = str.maketrans(
    dict.fromkeys("123456789", "0") | dict.fromkeys(" .-\t\n\r\v\f\x1c\x1d\x1e\x1f")
)

_ALIKE_BYTES = bytes.maketrans(b"123456789", b"000000000")


def _may_have_card(text: str) -> bool:
    """Quick, and no only where there is none: every line of a log is asked."""
    return not text.isascii() or "0" * DIGITS_MIN in text.translate(_ALIKE)


def _cards(text: str) -> Iterator[re.Match[str]]:
    ids: list[tuple[int, int]] | None = None
    for found in _DIGITS.finditer(text):
        groups = _GROUP.findall(found.group())
        is_phone = text[found.start() - 1 : found.start()] == "+" and (
            len("".join(groups)) <= PHONE_DIGITS_MAX
        )
        if is_phone or not _has_card(groups):
            continue
        if ids is None:  # once: a long text may be full of them
            ids = [each.span() for each in _MACHINE.finditer(text)]
        if not _is_inside(found.span(), ids):
            yield found


def _is_inside(span: tuple[int, int], ids: Sequence[tuple[int, int]]) -> bool:
    """Whether one of ``ids``, which stand in order and apart, has all of ``span`` in it."""
    place = bisect_right(ids, span[0], key=lambda each: each[0])
    return place > 0 and span[1] <= ids[place - 1][1]


def _has_card(groups: list[str]) -> bool:
    """Whether neighbours among ``groups`` of digits are a card's number: others may follow it.

    A caller may send a million digits: each is looked at a few times, and no more.
    """
    digits = [int(digit) for group in groups for digit in group]
    text = "".join(map(str, digits))
    ends = list(accumulate(map(len, groups)))
    boundaries = set(ends)
    likely = [
        (begin, begin + length)
        for begin in (0, *ends[:-1])
        for length in _LENGTHS.get(text[begin : begin + PREFIX_DIGITS], ())
        if begin + length in boundaries
    ]
    if not likely:
        return False
    checks = _Checks(digits)
    return any(checks.hold(begin, end) for begin, end in likely)


class _Checks:
    """Luhn's check of any part of a row of digits: from its right every second one doubled."""

    def __init__(self, digits: Sequence[int]) -> None:
        doubled = [sum(divmod(2 * digit, 10)) for digit in digits]
        mixed = (
            (doubled[place] if place % 2 == odd else digit for place, digit in enumerate(digits))
            for odd in (1, 0)
        )
        self._sums = tuple(list(accumulate(row, initial=0)) for row in mixed)

    def hold(self, begin: int, end: int) -> bool:
        """Whether the last digit of ``begin`` to ``end`` is the check digit of the others."""
        sums = self._sums[(end - 1) % 2]
        return (sums[end] - sums[begin]) % 10 == 0


def _lengths() -> dict[str, set[int]]:
    """Which lengths a card may have, by its first four digits."""
    known: dict[str, set[int]] = {}
    for low, high, lengths in _ISSUERS:
        more = 10 ** (PREFIX_DIGITS - len(str(low)))
        for prefix in range(low * more, (high + 1) * more):
            known.setdefault(str(prefix), set()).update(lengths)
    return known


_LENGTHS = _lengths()
