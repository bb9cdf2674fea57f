"""Payments and captures are looked up by the provider's id: it comes first in their indexes."""

from __future__ import annotations

from batua.dialect import Dialect

__all__ = ["NAME", "backwards", "forwards"]

NAME = "0005_found_by_provider"

INDEXES = (
    ("batua_payment_reference", "batua_payment", "provider_reference"),
    ("batua_capture_provider", "batua_capture", "provider_payment_id"),
)


def forwards(dialect: Dialect) -> list[str]:
    """Turn the columns of both indexes round; what is unique stays unique."""
    del dialect
    return [
        statement
        for name, table, column in INDEXES
        for statement in _made_again(name, table, f"{column}, gateway")
    ]


def backwards(dialect: Dialect) -> list[str]:
    """Turn them back."""
    del dialect
    return [
        statement
        for name, table, column in INDEXES
        for statement in _made_again(name, table, f"gateway, {column}")
    ]


def _made_again(name: str, table: str, columns: str) -> list[str]:
    return [f"drop index {name}", f"create unique index {name} on {table} ({columns})"]
