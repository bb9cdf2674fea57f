"""Live balances: how soon a payment is seen by its customer, and what an open stream costs.

Every customer watches, all on one server process, which also takes the payments.  They pay in turn,
so that each event can be told from the others by its balance.
"""

from __future__ import annotations

import re
import select
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.load import Load
from benchmarks.report import Figure, Wrong, below
from benchmarks.scale import Scale
from benchmarks.serving import pid_of, postgres, prove, scratch, serving
from benchmarks.shops import OPENING, PRICE, Shop, seed, token

__all__ = ["measure"]

STREAMS = 1_000
PAYMENTS = 5_000
WARM_UP = 1_000
RATE = 100
SEEN_S_MAX = 30.0
LOOK_S = 0.1
READ_BYTES = 65536
BALANCE = re.compile(rb'^data: .*"balance":(-?\d+)', re.MULTILINE)


def measure(scale: Scale) -> list[Figure]:
    """Open the streams, see what they cost in memory, and then pay."""
    streams, payments = scale.count(STREAMS), scale.count(PAYMENTS)
    with postgres() as server, scratch(server) as url:
        customers = seed(url, streams)
        shop = Shop(url, customers)
        with serving(url) as ports:
            shop.pay(ports, scale.count(WARM_UP))
            before = _resident_kib(pid_of(ports[0]))
            with _watching(ports[0], customers) as watched:
                each_kib = (_resident_kib(pid_of(ports[0])) - before) / streams
                first = shop.sent
                answered = shop.pay_in_turn(ports[0], payments, rate=RATE)
                waits = watched.waits(first, answered)
        shop.check()
        prove(url)
    seen = Load(answered[-1] - answered[0], {}, waits)
    return [
        below(
            f"p99 from a payment's answer to its customer's event, {streams:,} open streams,"
            f" {payments / seen.seconds:,.0f} payments/s",
            seen.percentile_ms(99), 200, "ms",
        ),
        Figure("the same, p50", f"{seen.percentile_ms(50):.1f} ms"),
        Figure("memory of an open stream", f"{each_kib:.0f} KiB"),
    ]  # fmt: skip


@contextmanager
def _watching(port: int, customers: Sequence[str]) -> Iterator[_Watched]:
    watched = _Watched(port, customers)
    reading = threading.Thread(target=watched.read)
    reading.start()
    try:
        watched.until(lambda seen: len(seen) == len(customers))
        yield watched
    finally:
        watched.is_over = True
        reading.join()


class _Watched:
    """Streams of all customers, and when which of them was told of which balance."""

    def __init__(self, port: int, customers: Sequence[str]) -> None:
        self.is_over = False
        self._count = len(customers)
        self._seen: defaultdict[int, dict[int, float]] = defaultdict(dict)
        self._poll = select.epoll()
        self._sockets: dict[int, tuple[int, socket.socket]] = {}
        for number, customer in enumerate(customers):
            opened = socket.create_connection(("127.0.0.1", port))
            opened.sendall(
                b"GET /api/v1/wallet/events HTTP/1.1\r\nHost: localhost\r\n"
                b"Authorization: Bearer %s\r\n\r\n" % token(customer).encode()
            )
            self._sockets[opened.fileno()] = number, opened
            self._poll.register(opened, select.EPOLLIN)

    def read(self) -> None:
        """Read what comes, until it is over. An event is small, and comes whole."""
        while not self.is_over:
            for descriptor, _ in self._poll.poll(LOOK_S):
                number, opened = self._sockets[descriptor]
                came = opened.recv(READ_BYTES)
                now = time.perf_counter()
                for found in BALANCE.finditer(came):
                    self._seen[number].setdefault(int(found[1]), now)
                if not came:
                    self._poll.unregister(opened)
        for _, opened in self._sockets.values():
            opened.close()
        self._poll.close()

    def until(self, is_met: Callable[[Mapping[int, Mapping[int, float]]], bool]) -> None:
        """Wait until that holds for what was seen. Raises ``Wrong`` if it never does."""
        deadline = time.monotonic() + SEEN_S_MAX
        while not is_met(self._seen):
            if time.monotonic() > deadline:
                raise Wrong(f"events did not come within {SEEN_S_MAX:.0f} s")
            time.sleep(LOOK_S)

    def waits(self, first: int, answered: Sequence[float]) -> list[float]:
        """How long after its answer each payment was seen, in seconds; 0 where it was before."""
        told = [
            (number % self._count, OPENING - PRICE * (number // self._count + 1))
            for number in range(first, first + len(answered))
        ]
        self.until(lambda seen: all(balance in seen[customer] for customer, balance in told))
        return [
            max(0.0, self._seen[customer][balance] - moment)
            for (customer, balance), moment in zip(told, answered, strict=True)
        ]


def _resident_kib(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
