"""The table: each figure beside what it is compared with and what was promised."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.load import Load
from benchmarks.stalls import Stalls, apart

__all__ = [
    "Figure",
    "Wrong",
    "above",
    "below",
    "compared",
    "described",
    "page",
    "typical",
    "undisturbed",
]

COLUMNS = ("measure", "ours", "beside", "ratio", "target", "met")


class Wrong(Exception):
    """What was measured is not what should have been: a figure of it would be a lie."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One row. ``is_met`` is None where nothing was promised."""

    measure: str
    ours: str
    beside: str = ""
    ratio: str = ""
    target: str = ""
    is_met: bool | None = None

    def line(self) -> str:
        """The row in markdown."""
        met = {None: "", True: "met", False: "**not met**"}[self.is_met]
        cells = (self.measure, self.ours, self.beside, self.ratio, self.target, met)
        return f"| {' | '.join(cells)} |"


def above(measure: str, value: float, target: float, shown: str, *, beside: str = "") -> Figure:
    """A figure that must not be smaller than its target."""
    return Figure(measure, shown, beside, "", f"≥ {target:,.10g}", value >= target)


def below(
    measure: str, value: float, target: float, unit: str, *, beside: float | None = None
) -> Figure:
    """A figure that must be smaller than its target, whatever it is beside."""
    shown, ratio = "", ""
    if beside is not None:
        shown, ratio = f"{beside:,.1f} {unit}", f"{value / beside:.2f}"
    ours = f"{value:,.1f} {unit}"
    return Figure(measure, ours, shown, ratio, f"< {target:g} {unit}", value < target)


def compared(
    measure: str,
    ours: Sequence[float],
    beside: Sequence[float],
    shown: Callable[[float], str],
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Figure:
    """A ratio of two medians: both sides were measured by turns, and are treated alike."""
    ratio = median(ours) / median(beside)
    target, is_met = "", None
    if at_least is not None:
        target, is_met = f"≥ {at_least:.2f}", ratio >= at_least
    elif at_most is not None:
        target, is_met = f"≤ {at_most:.2f}", ratio <= at_most
    return Figure(
        measure, shown(median(ours)), shown(median(beside)), f"{ratio:.2f}", target, is_met
    )


def typical(loads: Iterable[Load]) -> Load:
    """The load whose rate is the median (of an even number: the slower of the middle two)."""
    ordered = sorted(loads, key=lambda load: load.rate)
    return ordered[(len(ordered) - 1) // 2]


def described(load: Load) -> str:
    """A load in words."""
    p50, p99 = load.percentile_ms(50), load.percentile_ms(99)
    return f"{load.rate:,.0f}/s (p50 {p50:.0f} ms, p99 {p99:.0f} ms)"


def undisturbed(measure: str, watched: Iterable[tuple[Load, Stalls]]) -> Figure:
    """The p99 of those who met with no stall of the machine: nothing is promised of it.

    ``watched`` are the rounds, each with what was seen meanwhile; the median of them counts.
    """
    rounds = [apart(load, stalls.spans) for load, stalls in watched]
    left = [load.percentile_ms(99) for load, _ in rounds if load.latencies_s]
    part = median(part for _, part in rounds)
    name = f"{measure}, without the {part:.0%} that met with a stall of the machine"
    return Figure(name, f"{median(left):,.1f} ms" if left else "")


def page(facts: Sequence[str], figures: Sequence[Figure]) -> str:
    """The whole page in markdown."""
    table = [
        f"| {' | '.join(COLUMNS)} |",
        f"|{'---|' * len(COLUMNS)}",
        *(figure.line() for figure in figures),
    ]
    listed = [f"- {fact}" for fact in facts]
    return "\n".join(["# Benchmarks", "", *listed, "", *table, ""])
