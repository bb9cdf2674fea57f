"""What a proof finds, in the order of the ledger."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass
from typing import Any

__all__ = ["Finding", "Findings", "Proof"]

AFTER_THE_LEDGER = 2**63
"""The place of findings that belong to no transfer."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken row: the invariant (``I3``), the table, its primary key and a full sentence.

    A warning asks for a look (something is late or stuck); no money is wrong.
    """

    invariant: str
    table: str
    row: str
    message: str
    is_warning: bool = False


@dataclass(frozen=True, slots=True)
class Proof:
    """The outcome. Findings come in ledger order, so the first is the first broken row.

    ``head_hash`` is the hash of the last transfer, as stored, and ``audit_hash`` that of the last
    entry of the audit log.
    """

    findings: tuple[Finding, ...]
    transfers: int
    entries: int
    head_hash: str
    ledger_id: str
    audit_entries: int
    audit_hash: str

    @property
    def is_sound(self) -> bool:
        """Whether nothing but warnings was found."""
        return all(finding.is_warning for finding in self.findings)


class Findings:
    """Collects the first ``limit`` errors and as many warnings, so that none hides the other.

    ``unreadable`` are the tables with amounts that can't be added up: sums over them are skipped,
    for the proof has failed already and the database would only raise.
    """

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError(f"findings_max must be at least 1, got {limit}")
        self.limit = limit
        self.unreadable: set[str] = set()
        self._count = 0
        self._errors: list[tuple[int, int, Finding]] = []
        self._warnings: list[tuple[int, int, Finding]] = []

    def add(self, finding: Finding, *, seq: Any = None) -> None:
        """Take a finding in at the place of transfer ``seq``, or after the ledger."""
        self._count += 1
        place = seq if type(seq) is int else AFTER_THE_LEDGER
        kept = self._warnings if finding.is_warning else self._errors
        insort(kept, (place, self._count, finding), key=lambda each: each[:2])
        del kept[self.limit :]

    def in_order(self) -> tuple[Finding, ...]:
        """Errors as they stand in the ledger, then warnings."""
        return tuple(finding for _, _, finding in (*self._errors, *self._warnings))
