"""The two SQLs that we speak."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Dialect"]


class Dialect(StrEnum):
    """What differs between them is written down per dialect."""

    SQLITE = "sqlite"
    POSTGRES = "postgres"
