"""Ports that no two of the tests' processes take."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from itertools import count

__all__ = ["free_port"]

FIRST, LAST = 10_240, 32_767
"""Below those that Linux hands out itself: to connections, and to whoever asks for any port."""
APART = 1_009
"""How many ports lie between those of two processes that were started one after another."""

_numbers = count(os.getpid() * APART)


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody uses, and that nobody else is given meanwhile.

    Of the ports that the kernel calls free, another test may get the same one a moment later; then
    whoever serves first is taken for the other.
    """
    while True:
        port = FIRST + next(_numbers) % (LAST - FIRST)
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
