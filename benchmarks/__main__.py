"""``make bench``: every figure in one run, as ratios.

python -m benchmarks [--quick] [--only one_tap,sqlite,webhooks,streams,big,panel]
"""

from __future__ import annotations

# First: it puts the fixed SQLite in the place of sqlite3.
import batua.fixed_sqlite  # noqa: F401

# isort: split

import argparse
import asyncio
import logging
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import big, machine, one_tap, panel, streams, webhooks
from benchmarks.report import Figure, Wrong, page
from benchmarks.scale import Scale
from benchmarks.serving import postgres

__all__ = ["main"]

RESULTS = Path(__file__).parent / "results"

PARTS: dict[str, tuple[str, Callable[[Scale], list[Figure]]]] = {
    "one_tap": ("one-tap payments on PostgreSQL beside pgbench", one_tap.on_postgres),
    "sqlite": ("one-tap payments on SQLite beside a bare loop", one_tap.on_sqlite),
    "webhooks": ("webhooks acknowledged and applied", webhooks.measure),
    "streams": ("balances told to a thousand who watch", streams.measure),
    "big": ("ten million entries beside ten thousand", big.measure),
    "panel": ("the panel at a million orders and ten million entries", panel.measure),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write the table. A target that is missed is a figure, and no failure."""
    chosen = _parsed(arguments)
    facts = [
        *machine.facts(is_quick=chosen.quick),
        machine.steadiness(1.0 if chosen.quick else 6.0),
    ]
    if chosen.only != ["sqlite"]:
        with postgres() as server:
            facts.append(asyncio.run(machine.postgres_facts(server.url)))
    figures: list[Figure] = []
    for name in chosen.only:
        title, measure = PARTS[name]
        print(f"{title} ...", flush=True)
        began = time.perf_counter()
        try:
            found = measure(Scale(is_quick=chosen.quick))
        except Wrong as wrong:
            print(f"{name}: measured wrongly: {wrong}", file=sys.stderr)
            return 1
        for figure in found:
            print(f"  {figure.line()}")
        print(f"  {time.perf_counter() - began:.0f} s", flush=True)
        figures += found
        _write(page(facts, figures), chosen)
    print(f"\n{page(facts, figures)}")
    return 0


def _write(text: str, chosen: argparse.Namespace) -> None:
    # After every part: what was measured is not lost with what comes after it.
    is_whole = set(chosen.only) == set(PARTS)
    name = "quick" if chosen.quick else "latest" if is_whole else "partial"
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(text, encoding="utf-8")


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--quick", action="store_true", help="a hundredth of the size: does it run")
    parser.add_argument("--only", type=_parts, default=list(PARTS), metavar=",".join(PARTS))
    return parser.parse_args(arguments)


def _parts(text: str) -> list[str]:
    parts = text.split(",")
    if unknown := set(parts) - set(PARTS):
        raise argparse.ArgumentTypeError(f"no such part: {', '.join(sorted(unknown))}")
    return parts


if __name__ == "__main__":
    # A timeout ends us by SIGTERM: the servers that were started must end too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # That a shop to be measured has no credentials of a provider is known.
    logging.getLogger("batua").setLevel(logging.ERROR)
    sys.exit(main())
