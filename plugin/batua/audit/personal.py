"""What somebody wrote of a person: the log never forgets, so it has only that there was something.

An erased customer's texts go from every table; from a chain nothing can.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["PERSONAL", "PERSONAL_COLUMNS", "PERSONAL_FIELDS"]

PERSONAL = "[personal]"

PERSONAL_COLUMNS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "batua_customer": frozenset({"name", "phone", "language"}),
        "batua_consent": frozenset({"address", "wording"}),
        "batua_order": frozenset({"description", "items"}),
        "batua_top_up": frozenset({"return_url", "failure"}),
        "batua_payment": frozenset({"checkout", "failure"}),
        # Why staff refund is said once, in the entry itself.
        "batua_refund": frozenset({"reason", "failure"}),
        "batua_adjustment": frozenset({"note"}),
    }
)
"""Columns by table. What erasing takes is among them, as a test shows."""

PERSONAL_FIELDS = frozenset(
    {"name", "phone", "language", "consents", "note", "description", "items", "return_url"}
)
"""The same of what is asked for, by the names of the API's fields."""
