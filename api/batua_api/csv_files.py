"""CSV that a spreadsheet opens without running anything."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import msgspec

__all__ = ["CSV", "write_csv"]

CSV = "text/csv"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_csv(rows: Sequence[msgspec.Struct], struct: type[msgspec.Struct]) -> bytes:
    """The rows under a header of the struct's fields, in UTF-8 with CRLF."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(struct.__struct_fields__)
    for row in rows:
        builtin = msgspec.to_builtins(row)
        writer.writerow(_inert(builtin[name]) for name in struct.__struct_fields__)
    return written.getvalue().encode()


def _inert(value: Any) -> Any:
    # A text that begins like a formula would be run by a spreadsheet; numbers stay numbers.
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value
