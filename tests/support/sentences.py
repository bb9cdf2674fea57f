"""What the customer's scripts say, as their language files have it."""

from __future__ import annotations

import re

from tools.client_built import FRONTEND

__all__ = ["sentences"]

ENTRY = re.compile(r"^    (\w+):(?: |\n +)'([^']*)',$", re.MULTILINE)


def sentences(folder: str, language: str, part: str) -> dict[str, str]:
    """The sentences of a part of a language's file, by their names."""
    text = (FRONTEND / folder / f"{language}.js").read_text(encoding="utf-8")
    inside = text.partition(f"\n  {part}: {{")[2].partition("\n  },")[0]
    found = ENTRY.findall(inside)
    assert len(found) == len(dict(found))
    return dict(found)
