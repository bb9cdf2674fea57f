"""A small HTTP load generator: keep-alive connections, one request in flight on each.

It shares the machine with what it measures, so it is a bare loop over sockets: about 30 µs of
processor time a request.  With a rate, requests fall due by the clock whether or not earlier ones
were answered, and a latency counts from when its request was due: waiting in line is seen.
"""

from __future__ import annotations

import select
import socket
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["Load", "run_load"]

READ_BYTES = 65536
ANSWER_S = 10.0
SILENCE_S_MAX = 30.0


@dataclass(frozen=True, slots=True)
class Load:
    """What was measured: how many answers of which status in how many seconds."""

    seconds: float
    statuses: dict[int, int]
    latencies_s: list[float]
    due: list[float] = field(default_factory=list)
    """When each fell due (``time.perf_counter``), in the order of their answers."""

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.latencies_s) / self.seconds

    def percentile_ms(self, percent: float) -> float:
        """The latency that ``percent`` of the answers kept, in milliseconds."""
        ordered = sorted(self.latencies_s)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] * 1000


@dataclass(slots=True)
class _Connection:
    socket: socket.socket
    due: float = 0.0
    received: bytearray = field(default_factory=bytearray)

    def send(self, request: bytes, due: float) -> None:
        self.due = due
        self.socket.send(request)  # small beside the socket's buffer, and alone in it

    def answer(self) -> int | None:
        """The status, once the answer is whole."""
        more = self.socket.recv(READ_BYTES)
        if not more:
            raise ConnectionError("the server hung up in the middle of an answer")
        self.received += more
        head = self.received.find(b"\r\n\r\n")
        if head < 0 or len(self.received) < head + 4 + _content_length(self.received, head):
            return None
        status = int(self.received[9:12])
        self.received.clear()
        return status


def run_load(
    ports: list[int],
    requests: int,
    connections: int,
    request: Callable[[int], bytes],
    *,
    rate: float | None = None,
    seconds_max: float = 60.0,
) -> Load:
    """Send ``requests`` requests to 127.0.0.1, over ``connections`` connections spread on ports.

    ``rate`` is how many fall due a second; None sends the next one as soon as a connection is
    free. After ``seconds_max`` nothing more is sent: what was sent is answered and counts.
    Raises ``TimeoutError`` when a server does not answer at all any more.
    """
    opened = [_open(ports[number % len(ports)]) for number in range(connections)]
    by_number = {each.socket.fileno(): each for each in opened}
    idle = deque(opened)
    statuses: Counter[int] = Counter()
    latencies: list[float] = []
    dues: list[float] = []
    poll = select.epoll()
    for number in by_number:
        poll.register(number, select.EPOLLIN)
    sent, started = 0, time.perf_counter()
    while len(latencies) < requests:
        now = time.perf_counter()
        if now - started > seconds_max:
            requests = sent
            if now - started > seconds_max + SILENCE_S_MAX:
                raise TimeoutError(f"{sent - len(latencies)} requests were never answered")
        while idle and sent < requests:
            due = now if rate is None else started + sent / rate
            if due > now:
                break
            idle.popleft().send(request(sent), due)
            sent += 1
        # With every connection busy there is nothing to send: it must not spin beside the server.
        patience = _patience(rate, sent, requests, started) if idle else ANSWER_S
        for number, _ in poll.poll(patience):
            connection = by_number[number]
            status = connection.answer()
            if status is not None:
                latencies.append(time.perf_counter() - connection.due)
                dues.append(connection.due)
                statuses[status] += 1
                idle.append(connection)
    seconds = time.perf_counter() - started
    poll.close()
    for connection in opened:
        connection.socket.close()
    return Load(seconds, dict(statuses), latencies, dues)


def _open(port: int) -> _Connection:
    opened = socket.create_connection(("127.0.0.1", port))
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return _Connection(opened)


def _patience(rate: float | None, sent: int, requests: int, started: float) -> float:
    """How long the poll may wait, in seconds: until the next request is due."""
    if rate is None or sent == requests:
        return ANSWER_S
    return max(0.0, started + sent / rate - time.perf_counter())


def _content_length(received: bytearray, head: int) -> int:
    place = received.lower().find(b"content-length:", 0, head)
    return 0 if place < 0 else int(received[place + 15 : received.index(b"\r", place)])
