"""Events that wait for a person, which every look at ``GET /health`` counts."""

from __future__ import annotations

from batua.dialect import Dialect

__all__ = ["NAME", "backwards", "forwards"]

NAME = "0003_attention"


def forwards(dialect: Dialect) -> list[str]:
    """Index the few events that are quarantined or dead."""
    del dialect
    return [
        "create index batua_inbox_attention on batua_inbox (status)"
        " where status in ('quarantined', 'dead')"
    ]


def backwards(dialect: Dialect) -> list[str]:
    """Drop the index."""
    del dialect
    return ["drop index batua_inbox_attention"]
