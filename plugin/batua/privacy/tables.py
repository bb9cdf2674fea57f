"""The record of erasures, as Piccolo knows it."""

from __future__ import annotations

from piccolo.columns import Text, Timestamptz
from piccolo.table import Table

__all__ = ["Erasure"]


class Erasure(Table, tablename="batua_erasure"):
    """Whose personal data was erased, when, by whom and why. Append-only."""

    id = Text(primary_key=True)
    customer_id = Text()
    reason = Text()
    erased_by = Text()
    created_at = Timestamptz()
