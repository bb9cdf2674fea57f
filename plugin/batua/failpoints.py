"""Named places where a test may kill the process: ``BATUA_TEST_FAILPOINT=inbox.stored``.

Without that variable a failpoint is one comparison. A killed process runs no ``finally``, which is
the point: it is what a power cut looks like from the inside.
"""

from __future__ import annotations

import os
import signal

__all__ = ["reach"]

_ARMED = os.environ.get("BATUA_TEST_FAILPOINT", "")


def reach(name: str) -> None:
    """Kill this process with SIGKILL if the failpoint ``name`` is armed."""
    if _ARMED and name == _ARMED:
        os.kill(os.getpid(), signal.SIGKILL)
