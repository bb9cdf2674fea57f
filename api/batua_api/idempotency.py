"""The ``Idempotency-Key`` header: one request, one effect, one answer, replayed byte for byte."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec
from litestar import Request, Response

from batua.clock import new_id
from batua.errors import InProgress, InvalidRequest
from batua.ledger import Claim, StoredAnswer
from batua.redaction import has_card_number
from batua_api.auth import Principal
from batua_api.bodies import KEY_HEADER, KEY_LENGTH_MAX
from batua_api.problems import PROBLEM, write_problem
from batua_api.straight import header_of

__all__ = ["KEY_HEADER", "answer", "claim_of"]

WAIT_S = 5.0
LOOK_AGAIN_S = 0.05

T = TypeVar("T")

# A running request is kept here: the loop itself holds tasks weakly.
_running: set[asyncio.Task[StoredAnswer]] = set()


def claim_of(
    request: Request[Principal, Any, Any],
    body: msgspec.Struct | None,
    render: Callable[[T], msgspec.Struct],
    *,
    status: int = 201,
    is_required: bool = True,
) -> Claim[T]:
    """The caller's key on this route with its ids, and how the answer is written.

    A request that moves no money may come without a key: then it is its own. Raises
    ``InvalidRequest``: ``idempotency_key_required``.
    """
    key = _key(request)
    if not key and is_required:
        raise InvalidRequest(
            f"Send an {KEY_HEADER} header: a new one for a new request, the same one to repeat it.",
            code="idempotency_key_required",
        )
    return Claim(
        principal=request.user.actor,
        route=_route(request.scope),
        key=key or new_id("key"),
        fingerprint=hashlib.sha256(msgspec.json.encode(body)).hexdigest(),
        render=lambda result: (status, msgspec.json.encode(render(result)).decode()),
        render_refusal=write_problem,
    )


def _route(scope: Any) -> str:
    return f"{scope['method']} {scope.get('root_path', '')}{scope['path']}"


def _key(request: Request[Any, Any, Any]) -> str:
    sent = header_of(request.scope, KEY_HEADER.lower().encode()).strip()
    # The header's draft standard quotes it, most clients don't: both name the same key.
    key = sent[1:-1] if len(sent) > 1 and sent[0] == sent[-1] == '"' else sent
    if len(key) > KEY_LENGTH_MAX or not key.isascii() or not key.isprintable():
        raise InvalidRequest(
            f"The {KEY_HEADER} must be at most {KEY_LENGTH_MAX} printable ASCII characters."
        )
    if has_card_number(key):
        raise InvalidRequest.card_number(KEY_HEADER)
    return key


async def answer(
    run: Callable[[], Awaitable[StoredAnswer]], *, is_one_operation: bool = False
) -> Response[bytes]:
    """Run a request to its end, whether or not its client stays, and give its stored answer.

    What is one operation of the ledger runs to its end anyway, once it is queued. A duplicate
    waits up to five seconds for the first one; then it is told ``in_progress``.
    """
    deadline = None
    while True:
        try:
            stored = await (run() if is_one_operation else _to_its_end(run))
        except InProgress:
            now = asyncio.get_running_loop().time()
            deadline = deadline or now + WAIT_S
            if now >= deadline:
                raise
            await asyncio.sleep(LOOK_AGAIN_S)
        else:
            return _response(stored)


async def _to_its_end(run: Callable[[], Awaitable[StoredAnswer]]) -> StoredAnswer:
    task = asyncio.ensure_future(run())
    _running.add(task)
    task.add_done_callback(_running.discard)
    return await asyncio.shield(task)


def _response(stored: StoredAnswer) -> Response[bytes]:
    return Response(
        stored.body.encode(),
        status_code=stored.status,
        media_type=PROBLEM if stored.status >= 400 else "application/json",
        headers={"Idempotency-Replayed": "true"} if stored.replayed else {},
    )
