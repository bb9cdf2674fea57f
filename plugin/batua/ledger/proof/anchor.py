"""The anchor: a head hash kept outside the database, so that a rewritten ledger shows too."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from batua.ledger.proof.findings import Proof

__all__ = ["Anchor", "read_anchor", "write_anchor"]


@dataclass(frozen=True, slots=True)
class Anchor:
    """What one ledger's head was when it was last proved, and its audit log's.

    One that was written before there was a log knows nothing of it.
    """

    ledger_id: str
    transfer_seq: int
    head_hash: str
    audit_seq: int = 0
    audit_hash: str = ""


def read_anchor(path: Path, ledger_id: str | None = None) -> Anchor | None:
    """The furthest anchor in a JSON lines file, of one ledger or of the only one there.

    The furthest and not the newest: a ledger only grows, so a later line that knows less is
    never the better witness. None when there is no file or no such ledger. Raises
    ``ValueError`` for a line that is no anchor, and without ``ledger_id`` for several ledgers.
    """
    if not path.exists():
        return None
    lines = path.read_text(encoding="utf-8").splitlines()
    anchors = [_parsed(path, number, line) for number, line in enumerate(lines, 1)]
    if ledger_id is None and len({anchor.ledger_id for anchor in anchors}) > 1:
        raise ValueError(f"{path} has anchors of several ledgers: say which one is meant")
    own = [anchor for anchor in anchors if ledger_id in (None, anchor.ledger_id)]
    return max(own, key=lambda anchor: (anchor.transfer_seq, anchor.audit_seq), default=None)


def write_anchor(path: Path, proof: Proof) -> Anchor:
    """Append the head of a sound proof to the file, durably.

    Raises ``ValueError`` for a proof that failed: a broken ledger must not become the reference.
    """
    if not proof.is_sound:
        raise ValueError(f"ledger {proof.ledger_id} is not sound and can't be anchored")
    anchor = Anchor(
        proof.ledger_id,
        proof.transfers,
        proof.head_hash,
        proof.audit_entries,
        proof.audit_hash,
    )
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(anchor)) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return anchor


def _parsed(path: Path, number: int, line: str) -> Anchor:
    try:
        anchor = Anchor(**json.loads(line))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}, line {number}, is no anchor: {error}") from error
    counts = (anchor.transfer_seq, anchor.audit_seq)
    texts = (anchor.ledger_id, anchor.head_hash, anchor.audit_hash)
    is_whole = all(type(count) is int and count >= 0 for count in counts)
    if not (is_whole and all(isinstance(text, str) for text in texts)):
        raise ValueError(f"{path}, line {number}, is no anchor: a value is of the wrong type")
    return anchor
