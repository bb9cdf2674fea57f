"""CSV that a spreadsheet opens without running anything."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import msgspec

from batua.formulas import inert

__all__ = ["CSV", "write_csv"]

CSV = "text/csv"


def write_csv(rows: Sequence[msgspec.Struct], struct: type[msgspec.Struct]) -> bytes:
    """The rows under a header of the struct's fields, in UTF-8 with CRLF."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(struct.__struct_fields__)
    for row in rows:
        builtin = msgspec.to_builtins(row)
        writer.writerow(inert(builtin[name]) for name in struct.__struct_fields__)
    return written.getvalue().encode()
