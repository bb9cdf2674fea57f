"""What is written down of a failure, for whoever looks at the row: short, and without secrets."""

from __future__ import annotations

from batua.redaction import redact

__all__ = ["as_note", "note_of"]

LENGTH_MAX = 500


def note_of(error: Exception) -> str:
    """What went wrong, with the kind of error before it."""
    return as_note(f"{type(error).__name__}: {error}")


def as_note(text: str) -> str:
    """``text`` as a row keeps it: nothing secret, and nothing that a database can't store.

    PostgreSQL takes no NUL, and no driver half of a character.
    """
    storable = text.encode(errors="replace").decode().replace("\0", "")
    return redact(storable)[:LENGTH_MAX]
