"""What the same server and framework do when there is nothing to do: a ceiling for all of ours.

The route takes the request that pays an order and answers as many bytes, over the same server, the
same connections and from the same load generator; nobody is authenticated and nothing is stored.
"""

from __future__ import annotations

import sys

import uvicorn
from litestar import Litestar, Response, post
from litestar.params import RawBody

from batua_api.server import options

__all__ = ["empty_app"]

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


if __name__ == "__main__":
    uvicorn.run("benchmarks.floor:empty_app", **options("127.0.0.1", int(sys.argv[1])))
