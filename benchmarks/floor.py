"""What the same server and framework do when there is nothing to do: a ceiling for all of ours.

The route takes the request that pays an order and answers as many bytes, over the same server, the
same connections and from the same load generator; nobody is authenticated and nothing is stored.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from litestar import Litestar, Response, post
from litestar.params import RawBody

from batua.testing.serving import free_port
from batua_api.server import options
from benchmarks.serving import STOP_S, wait_for

__all__ = ["empty_app", "serving_nothing"]

ANSWER = b'{"id":"' + b"x" * 300 + b'"}'
"""As long as a paid order."""


@post("/api/v1/orders")
async def take(body: RawBody) -> Response[bytes]:
    """Take an order, and forget it."""
    del body
    return Response(ANSWER, status_code=201, media_type="application/json")


def empty_app() -> Litestar:
    """The app: one route."""
    return Litestar([take], openapi_config=None, logging_config=None)


@contextmanager
def serving_nothing() -> Iterator[list[int]]:
    """One process that serves it; yields its port, as ``serving`` yields its ports."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.floor", str(port)], stderr=subprocess.DEVNULL
    )
    try:
        wait_for(port, process)
        yield [port]
    finally:
        process.terminate()
        process.wait(STOP_S)


if __name__ == "__main__":
    uvicorn.run("benchmarks.floor:empty_app", **options("127.0.0.1", int(sys.argv[1])))
