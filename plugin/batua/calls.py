"""Calls to providers, as they are told of: method, host, path, status and time.

Never a query, a head or a body: what a provider is asked, and with which key, is between the two.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from batua.watching import Watcher

__all__ = ["Call", "Calls"]

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Call:
    """One call. ``status`` is what it was answered with, 0 while it was not."""

    status: int = 0


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls of the plugin ``code``."""

    code: str
    watcher: Watcher

    @contextmanager
    def told(self, method: str, url: str) -> Iterator[Call]:
        """Tell of the call that is made within the block, and of its error, which goes on."""
        address = urlsplit(url)
        call, began, error = Call(), time.perf_counter(), ""
        where = {"method": method, "host": address.hostname or "", "path": address.path}
        try:
            with self.watcher.span("gateway.call", gateway=self.code, **where):
                yield call
        except BaseException as raised:
            error = type(raised).__name__
            raise
        finally:
            took_s = time.perf_counter() - began
            outcome = f"{call.status // 100}xx" if call.status else error
            self.watcher.gateway_called(self.code, outcome, took_s)
            log.info(
                "gateway_called",
                extra={
                    "gateway": self.code,
                    **where,
                    "outcome": str(call.status or outcome),
                    "took_ms": round(took_s * 1000, 1),
                },
            )
