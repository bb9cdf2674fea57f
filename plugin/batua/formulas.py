"""What a spreadsheet would run instead of showing it. Whoever writes CSV asks here."""

from __future__ import annotations

from typing import Any

__all__ = ["inert"]

STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""With their full-width forms, which a spreadsheet of East Asia reads as the others.

https://owasp.org/www-community/attacks/CSV_Injection, read 2026-11-28.
"""


def inert(value: Any) -> Any:
    """A text that begins like a formula, with an apostrophe before it; numbers stay numbers."""
    if isinstance(value, str) and value.startswith(STARTS):
        return f"'{value}"
    return value
