"""The transport that an adapter gets in a check: that of a running shop, with its own clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TypeVar

import httpx
import requests

from batua.certificates import trusted_certificates
from batua.contract import Transport

__all__ = ["opened_transport"]

T = TypeVar("T")

_THREADS = 8


@asynccontextmanager
async def opened_transport(timeout_s: float) -> AsyncIterator[Transport]:
    """Connections and threads for one adapter, closed when the block ends."""
    threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="batua-conformance")
    session = requests.Session()
    session.trust_env = False

    async def run_blocking(call: Callable[[], T], /) -> T:
        return await asyncio.get_running_loop().run_in_executor(threads, call)

    try:
        async with httpx.AsyncClient(
            verify=trusted_certificates(),
            timeout=timeout_s,
            follow_redirects=False,
            trust_env=False,
        ) as http:
            yield Transport(
                http=http,
                session=session,
                run_blocking=run_blocking,
                timeout_s=timeout_s,
                now=lambda: datetime.now(UTC),
            )
    finally:
        session.close()
        threads.shutdown(wait=False, cancel_futures=True)
