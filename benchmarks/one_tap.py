"""One-tap payments over HTTP beside the bare database: how much does all the rest cost?

Each is an order created and paid with a token, an idempotency key, two entries and a message, all
into one revenue account.  Ours and the bare database are measured by turns, so that a noisy
neighbour hurts both alike.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

from benchmarks.bare import bare_postgres_p99_ms, bare_postgres_rate, bare_sqlite_rate
from benchmarks.floor import serving_nothing
from benchmarks.machine import require_disk
from benchmarks.report import Figure, above, below, compared, described, typical, undisturbed
from benchmarks.scale import Scale
from benchmarks.serving import postgres, prove, scratch, serving
from benchmarks.shops import Shop, seed
from benchmarks.stalls import watching

__all__ = ["on_postgres", "on_sqlite"]

PAYMENTS = 20_000
WARM_UP = 2_000
BARE_S = 5
BARE_TRANSFERS = 4_000


def on_postgres(scale: Scale) -> list[Figure]:
    """One server process beside pgbench, then two beside one, then one at half of its load."""
    with postgres() as server, scratch(server) as bare, scratch(server) as url:
        shop = Shop(url, seed(url))
        pgbench, its_halves, empty, ones, twos, halves = [], [], [], [], [], []
        with serving(url, 2) as ports, serving_nothing() as nothing:
            one = ports[:1]
            shop.pay(ports, scale.count(WARM_UP))
            for _ in range(scale.rounds):
                pgbench.append(bare_postgres_rate(bare, scale.seconds(BARE_S)))
                half = pgbench[-1] / 2
                its_halves.append(bare_postgres_p99_ms(bare, scale.seconds(BARE_S), rate=half))
                empty.append(shop.ask(nothing, scale.count(PAYMENTS)).rate)
                ones.append(shop.pay(one, scale.count(PAYMENTS)))
                twos.append(shop.pay(ports, scale.count(PAYMENTS)))
                rate = ones[-1].rate / 2
                with watching() as stalls:
                    load = shop.pay(one, scale.count(PAYMENTS), rate=rate)
                halves.append((load, stalls))
        shop.check()
        prove(url)
    rates = [load.rate for load in ones]
    return [
        compared(
            "one-tap payments, PostgreSQL; beside pgbench's bare transfer", rates, pgbench,
            _per_second, at_least=1.25,
        ),
        below(
            f"their p99 at half of that load ({median(load.rate for load, _ in halves):,.0f}/s);"
            " beside pgbench's at half of its own",
            median(load.percentile_ms(99) for load, _ in halves), 25, "ms",
            beside=median(its_halves),
        ),
        undisturbed("the same", halves),
        compared(
            "the same from two server processes; beside one", [load.rate for load in twos], rates,
            _per_second, at_least=0.95,
        ),
        compared(
            "the same; beside a Litestar route that only answers", rates, empty, _per_second
        ),
        Figure("one-tap payments, PostgreSQL, one process", described(typical(ones))),
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
