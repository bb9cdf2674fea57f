"""Wait to be told to stop."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress

__all__ = ["interrupted"]


async def interrupted() -> None:
    """Returns at SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows has no signal handlers in its loop
            loop.add_signal_handler(each, stop.set)
    await stop.wait()
