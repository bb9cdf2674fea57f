"""One-tap payments over HTTP beside the bare database: how much does all the rest cost?

Each is an order created and paid with a token, an idempotency key, two entries and a message, all
into one revenue account.  Ours and the bare database are measured by turns, so that a noisy
neighbour hurts both alike.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.bare import bare_postgres_p99_ms, bare_postgres_rate, bare_sqlite_rate
from benchmarks.load import Load
from benchmarks.machine import require_disk
from benchmarks.report import Figure, above, below, compared, described, typical, undisturbed
from benchmarks.scale import Scale
from benchmarks.serving import (
    postgres,
    prove,
    scratch,
    serving,
    serving_nothing,
    slower_syncs,
)
from benchmarks.shops import Shop, seed
from benchmarks.stalls import Stalls, watching

__all__ = ["on_postgres", "on_sqlite"]

PAYMENTS = 20_000
WARM_UP = 2_000
BARE_S = 5
BARE_TRANSFERS = 4_000


@dataclass(slots=True)
class _Rounds:
    """What the rounds measured; rates are a second's."""

    pgbench: list[float] = field(default_factory=list)
    its_p99_ms: list[float] = field(default_factory=list)
    empty: list[float] = field(default_factory=list)
    ones: list[Load] = field(default_factory=list)
    twos: list[float] = field(default_factory=list)
    halves: list[tuple[Load, Stalls]] = field(default_factory=list)
    slow_pgbench: list[float] = field(default_factory=list)
    slow_ones: list[float] = field(default_factory=list)


def on_postgres(scale: Scale) -> list[Figure]:
    """One server process beside pgbench, then two beside one, then one at half of its load."""
    payments, bare_s = scale.count(PAYMENTS), scale.seconds(BARE_S)
    found = _Rounds()
    with postgres() as server, scratch(server) as bare, scratch(server) as url:
        shop = Shop(url, seed(url))
        with serving(url, 2) as two, serving_nothing() as nothing:
            one = two[:1]
            shop.pay(two, scale.count(WARM_UP))
            for _ in range(scale.rounds):
                found.pgbench.append(bare_postgres_rate(bare, bare_s))
                half = found.pgbench[-1] / 2
                found.its_p99_ms.append(bare_postgres_p99_ms(bare, bare_s, rate=half))
                found.empty.append(shop.ask(nothing, payments).rate)
                found.ones.append(shop.pay(one, payments))
                found.twos.append(shop.pay(two, payments).rate)
                with watching() as stalls:
                    load = shop.pay(one, payments, rate=found.ones[-1].rate / 2)
                found.halves.append((load, stalls))
            with slower_syncs(server):
                for _ in range(scale.rounds):
                    found.slow_pgbench.append(bare_postgres_rate(bare, bare_s))
                    found.slow_ones.append(shop.pay(one, payments).rate)
        shop.check()
        prove(url)
    return _figures(found)


def _figures(found: _Rounds) -> list[Figure]:
    rates = [load.rate for load in found.ones]
    half = median(load.rate for load, _ in found.halves)
    return [
        compared(
            "one-tap payments, PostgreSQL; beside pgbench's bare transfer",
            rates, found.pgbench, _per_second, at_least=1.25,
        ),
        compared(
            "the same, where each sync takes a millisecond longer",
            found.slow_ones, found.slow_pgbench, _per_second,
        ),
        below(
            f"p99 of payments at half of that load ({half:,.0f}/s);"
            " beside pgbench's at half of its own",
            median(load.percentile_ms(99) for load, _ in found.halves), 25, "ms",
            beside=median(found.its_p99_ms),
        ),
        undisturbed("the same p99", found.halves),
        compared(
            "one-tap payments from two server processes; beside one",
            found.twos, rates, _per_second, at_least=0.95,
        ),
        compared(
            "one-tap payments from one; beside a Litestar route that only answers",
            rates, found.empty, _per_second,
        ),
        Figure("one-tap payments, PostgreSQL, one process", described(typical(found.ones))),
    ]  # fmt: skip


def on_sqlite(scale: Scale) -> list[Figure]:
    """SQLite, synchronous FULL, beside a plain loop that commits each transfer."""
    with tempfile.TemporaryDirectory() as folder:
        require_disk(folder, "SQLite")
        url = f"sqlite:///{folder}/shop.sqlite"
        shop = Shop(url, seed(url))
        loop, loads = [], []
        with serving(url) as ports:
            shop.pay(ports, scale.count(WARM_UP))
            for turn in range(scale.rounds):
                path = Path(folder) / f"bare{turn}.sqlite"
                loop.append(bare_sqlite_rate(path, scale.count(BARE_TRANSFERS)))
                loads.append(shop.pay(ports, scale.count(PAYMENTS)))
        shop.check()
        prove(url)
    rates = [load.rate for load in loads]
    return [
        above(
            "one-tap payments a second, SQLite", median(rates), 2_500, described(typical(loads))
        ),
        compared(
            "one-tap payments, SQLite; beside a bare loop of commits", rates, loop, _per_second,
            at_least=0.5,
        ),
    ]  # fmt: skip


def _per_second(rate: float) -> str:
    return f"{rate:,.0f}/s"
