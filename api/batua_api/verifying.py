"""``batua verify``: proves a ledger or a copy of one, and shows how far it is."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TextIO, cast

import click

from batua.clock import utc_now
from batua.database import Database, open_database, pending
from batua.errors import ConfigurationError
from batua.ledger.proof import (
    Anchor,
    Books,
    Progress,
    Proof,
    open_books,
    prove,
    read_anchor,
    read_ledger_id,
    write_anchor,
)
from batua.signs import Signs

__all__ = ["Shown", "print_proof", "record_proof", "verify_ledger"]

REDRAW_S = 0.1
LINE_S = 5.0
BAR_WIDTH = 24


async def verify_ledger(url: str, *, anchor_path: str, progress: Progress) -> Proof:
    """Prove the ledger at ``url`` without writing to it, and move the anchor if it is sound.

    Raises ``BatuaError`` or ``ValueError`` where there is no verdict.
    """
    path = Path(anchor_path) if anchor_path else None
    async with open_books(url) as books:
        await _require_current(books)
        anchor = _anchor_of(path, await read_ledger_id(books)) if path else None
        proof = await prove(books, progress=progress, anchor=anchor)
    if proof.is_sound and path is not None:
        write_anchor(path, proof)
    return proof


async def record_proof(url: str, *, is_sound: bool) -> None:
    """Leave the verdict where ``/metrics`` finds it: beside the ledger, and not in it."""
    database = open_database(url)
    await database.open()
    try:
        await Signs(database, now=utc_now).record_proof(is_sound=is_sound)
    finally:
        await database.close()


def print_proof(proof: Proof) -> None:
    """The broken rows in the order of the ledger, or the verdict."""
    for finding in proof.findings:
        level = "warning" if finding.is_warning else "BROKEN"
        click.echo(f"{level} {finding.invariant} {finding.table} {finding.row}: {finding.message}")
    if proof.is_sound:
        click.echo(f"sound: {proof.transfers} transfers, {proof.entries} entries")


async def _require_current(books: Books) -> None:
    # It reads alone, and a copy is read as a database is.
    if missing := await pending(cast("Database", books)):
        raise ConfigurationError(
            f"the database lacks {', '.join(missing)}: it was never migrated, or is a copy from "
            "before. Nothing was changed. Run `batua migrate` on a copy that may be written, or "
            "verify it with the version that wrote it."
        )


def _anchor_of(path: Path, ledger_id: str) -> Anchor | None:
    # A file that knows other ledgers alone is no place for a first anchor: whoever replaced the
    # ledger would be believed. An anchor of another ledger is a finding.
    return read_anchor(path, ledger_id) or read_anchor(path)


class Shown:
    """Progress for people: a bar that is redrawn in a terminal, else a line every few seconds."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._step = ""
        self._began = time.monotonic()
        # A terminal is drawn on at once; a log only has something that lasts.
        self._last = 0.0 if self._is_terminal else self._began

    def __call__(self, step: str, done: int, total: int) -> None:
        now = time.monotonic()
        if step != self._step:
            self._step, self._began = step, now
        if now - self._last >= (REDRAW_S if self._is_terminal else LINE_S):
            self._last = now
            self._write(_described(step, done, total, now - self._began))

    def close(self) -> None:
        """Leave a clean line to what is printed next."""
        if self._is_terminal:
            self._stream.write("\r\x1b[K")
            self._stream.flush()

    def _write(self, text: str) -> None:
        self._stream.write(f"\r\x1b[K{text}" if self._is_terminal else f"{text}\n")
        self._stream.flush()


def _described(step: str, done: int, total: int, took_s: float) -> str:
    share = done / total if total else 1.0
    bar = "#" * round(share * BAR_WIDTH)
    text = f"verifying [{bar:<{BAR_WIDTH}}] {share:4.0%}  {step} {done:,} of {total:,}"
    rate = done / took_s if took_s > 0 else 0.0
    if rate:
        left = round((total - done) / rate)
        text += f"  {rate:,.0f}/s  {left // 60}:{left % 60:02} left"
    return text
