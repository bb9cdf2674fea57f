"""Where and with what it was measured: a figure without this says nothing."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import asyncpg

from benchmarks.report import Wrong

__all__ = [
    "evenness",
    "facts",
    "filesystem_of",
    "postgres_facts",
    "require_disk",
    "require_durable",
    "require_kept",
    "steadiness",
]

POSTGRES_SETTINGS = (
    "fsync", "synchronous_commit", "full_page_writes", "wal_level", "shared_buffers",
)  # fmt: skip
DURABLE = ("fsync", "synchronous_commit")
"""What must be on, or an answered payment is not on the disk yet."""

IN_MEMORY = ("tmpfs", "ramfs")

SLICE = 200_000
"""Turns of an empty loop: a few milliseconds."""


def facts(*, is_quick: bool) -> list[str]:
    """The run, the machine and the versions, a line each."""
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    size = "**a hundredth of the size: the figures mean nothing**" if is_quick else "full size"
    return [
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {_commit()}, {size}",
        f"{os.cpu_count()} cores, {_memory_gib():.0f} GiB, {_processor()},"
        f" {platform.system()} {platform.release()}; load average at the start {load}",
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version},"
        f" uvicorn {version('uvicorn')}, litestar {version('litestar')}",
    ]


def steadiness(seconds: float = 6.0) -> str:
    """How evenly this machine runs when all of its cores are busy with nothing but counting.

    What a machine's owner takes away, nobody here can see but by this: no latency below is smaller.
    """
    cores = os.cpu_count() or 1
    # Not forked: whoever asks may have threads, and newer Pythons warn of that.
    with get_context("spawn").Pool(cores) as pool:
        slices = [each for found in pool.map(_count, [seconds] * cores) for each in found]
    return f"all cores counting for {seconds:g} s: {evenness(slices)}"


def evenness(slices: Sequence[float]) -> str:
    """What equal slices of work say that took so many seconds each."""
    usual, slowest = median(slices), max(slices)
    held_up = sum(each for each in slices if each >= 2 * usual) / sum(slices)
    return (
        f"a slice takes {usual * 1000:.1f} ms, the slowest {slowest * 1000:.0f} ms;"
        f" {held_up:.0%} of the time went by in slices of twice that or more"
    )


def _count(seconds: float) -> list[float]:
    slices, began = [], time.perf_counter()
    while time.perf_counter() - began < seconds:
        started = time.perf_counter()
        for _ in range(SLICE):
            pass
        slices.append(time.perf_counter() - started)
    return slices


async def postgres_facts(url: str) -> str:
    """The server's version, what it was told about durability, and on what it writes."""
    connection = await asyncpg.connect(url)
    try:
        release = await connection.fetchval("show server_version")
        told = [f"{name} {await connection.fetchval(f'show {name}')}" for name in POSTGRES_SETTINGS]
        folder = await connection.fetchval("show data_directory")
    finally:
        await connection.close()
    return f"PostgreSQL {release}: {', '.join(told)}; data on {filesystem_of(folder)}"


async def require_durable(url: str) -> None:
    """Raise ``Wrong`` for a PostgreSQL database whose COMMIT does not wait for a disk.

    Asked of the database itself: it may be told otherwise than its server.
    """
    connection = await asyncpg.connect(url)
    try:
        told = {name: await connection.fetchval(f"show {name}") for name in DURABLE}
        folder = await connection.fetchval("show data_directory")
    finally:
        await connection.close()
    require_kept(told, folder)


def require_kept(told: Mapping[str, str], folder: str) -> None:
    """Raise ``Wrong`` where these settings, or where its files are, lose what was answered."""
    for name, value in told.items():
        if value != "on":
            raise Wrong(f"PostgreSQL has {name} {value}: it answers before its disk has it")
    # The log is what COMMIT waits for, and may lie elsewhere.
    for each in (folder, f"{folder}/pg_wal"):
        require_disk(each, "PostgreSQL")


def require_disk(folder: str, whose: str) -> None:
    """Raise ``Wrong`` where the files of ``whose`` are in memory: fsync costs nothing there."""
    kind = filesystem_of(folder)
    if kind in IN_MEMORY:
        raise Wrong(f"{whose} has its files in memory, in {folder} on {kind}: put them on a disk")


def filesystem_of(folder: str) -> str:
    """The kind of file system that holds a folder."""
    best, kind = "", "an unknown file system"
    folder = os.path.realpath(folder)
    try:
        mounts = Path("/proc/mounts").read_text(encoding="utf-8")
    except OSError:
        return kind
    for line in mounts.splitlines():
        place, found = line.split()[1:3]
        if Path(folder).is_relative_to(place) and len(place) >= len(best):
            best, kind = place, found
    return kind


def _commit() -> str:
    commit = _git("rev-parse", "--short", "HEAD")
    # The results of an earlier run are no change of what is measured.
    changed = _git(
        "status", "--porcelain", "--untracked-files=no", "--", ".", ":!benchmarks/results"
    )
    return f"{commit or 'unknown'}{' (dirty)' if changed else ''}"


def _git(*arguments: str) -> str:
    root = Path(__file__).parents[1]
    try:
        done = subprocess.run(
            ["git", "-C", root, *arguments], capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return done.stdout.strip()


def _processor() -> str:
    return _proc("cpuinfo", "model name") or platform.processor() or platform.machine()


def _memory_gib() -> float:
    kib = _proc("meminfo", "MemTotal").split()
    return int(kib[0]) / 2**20 if kib else 0.0


def _proc(file: str, name: str) -> str:
    try:
        lines = Path("/proc", file).read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")
