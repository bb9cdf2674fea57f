"""A small HTTP load generator: keep-alive connections, one request in flight on each."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Load", "run_load"]


@dataclass(frozen=True, slots=True)
class Load:
    """What was measured: how many answers of which status in how many seconds."""

    seconds: float
    statuses: dict[int, int]
    latencies_s: list[float]

    @property
    def rate(self) -> float:
        """Answers per second."""
        return sum(self.statuses.values()) / self.seconds

    def percentile_ms(self, percent: float) -> float:
        """The latency that ``percent`` of the answers kept, in milliseconds."""
        ordered = sorted(self.latencies_s)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] * 1000


async def run_load(
    port: int, requests: int, connections: int, request: Callable[[int], bytes]
) -> Load:
    """Send ``requests`` requests to 127.0.0.1 over ``connections`` connections."""
    numbers = iter(range(requests))
    statuses: dict[int, int] = {}
    latencies: list[float] = []

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in numbers:
            started = time.perf_counter()
            writer.write(request(number))
            status = await _answer(reader)
            latencies.append(time.perf_counter() - started)
            statuses[status] = statuses.get(status, 0) + 1
        writer.close()
        await writer.wait_closed()

    started = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(connections)))
    return Load(time.perf_counter() - started, statuses, latencies)


async def _answer(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    await reader.readexactly(length)
    return int(head.split(b" ", 2)[1])
