"""When the machine itself stood still, and which requests met with that.

A virtual machine is held up by who owns it: for a tenth of a second everything on it runs at a
tenth of its speed, a loop that does nothing too.  A latency's last percent is made of that.  So a
watcher counts small equal slices while a load runs, and what they met with can be told apart.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from statistics import median

from benchmarks.load import Load

__all__ = ["Stalls", "apart", "slow_slices", "watching"]

SLICE = 4_000
"""Turns of an empty loop: a tenth of a millisecond."""
PAUSE_S = 0.004
SLOW = 3.0
"""A slice that takes so many times the usual processor time was held up."""
JOINED_S = 0.03
"""Slow slices so close to each other are one stall."""
STOP_S = 10.0

Slice = tuple[float, float, float]
"""When it began and ended (``time.perf_counter``), and how much processor time it took."""


@dataclass(slots=True)
class Stalls:
    """From when to when the machine was held up (``time.perf_counter``), once that is over."""

    spans: list[tuple[float, float]] = field(default_factory=list)


@contextmanager
def watching() -> Iterator[Stalls]:
    """Watch while the block runs. It takes about three percent of one core."""
    stalls = Stalls()
    ours, its = get_context("spawn").Pipe()
    watcher = get_context("spawn").Process(target=_watch, args=(its,), daemon=True)
    watcher.start()
    try:
        ours.recv()  # it counts
        yield stalls
        ours.send(None)
        if not ours.poll(STOP_S):
            raise TimeoutError("whoever watches the machine does not answer")
        stalls.spans = slow_slices(ours.recv())
    finally:
        watcher.kill()
        watcher.join(STOP_S)


def _watch(pipe: Connection) -> None:
    slices: list[Slice] = []
    pipe.send(None)
    while not pipe.poll(PAUSE_S):
        began, had = time.perf_counter(), time.thread_time()
        for _ in range(SLICE):
            pass
        # Its own time: while others have the processor, nothing is held up.
        slices.append((began, time.perf_counter(), time.thread_time() - had))
    pipe.send(slices)


def slow_slices(slices: Sequence[Slice]) -> list[tuple[float, float]]:
    """The stalls that ``slices`` met with: each from the last good slice to the next one."""
    if not slices:
        return []
    usual = median(took for _, _, took in slices)
    found: list[tuple[float, float]] = []
    last_good = slices[0][0]
    for began, ended, took in slices:
        if took < SLOW * usual:
            last_good = ended
        elif found and began - found[-1][1] < JOINED_S:
            found[-1] = (found[-1][0], ended)
        else:
            found.append((last_good, ended))
    return found


def apart(load: Load, spans: Iterable[tuple[float, float]]) -> tuple[Load, float]:
    """The requests of ``load`` that met with no stall, and which part of all the others are.

    Who was waiting or fell due in a stall met with it, and in the time after it that is as long:
    who was kept waiting is served meanwhile.
    """
    shadows = [(begin, 2 * end - begin) for begin, end in spans]
    kept = [
        (due, latency)
        for due, latency in zip(load.due, load.latencies_s, strict=True)
        if not any(due < end and begin < due + latency for begin, end in shadows)
    ]
    part = 1 - len(kept) / len(load.latencies_s)
    latencies = [latency for _, latency in kept]
    return Load(load.seconds, load.statuses, latencies, [due for due, _ in kept]), part
