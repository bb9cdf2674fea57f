"""Control routes that every simulator has: a script pays, breaks and asks by them.

For loopback only; they have no password.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler

from batua.testing.simulators.kit.faults import FaultChange
from batua.testing.simulators.kit.simulator import Simulator

__all__ = ["Dispute", "Pay", "Refund", "Settle", "Wrong", "acting", "control_routes", "controlled"]

Document = dict[str, Any]
AnyRequest = Request[Any, Any, Any]

S = TypeVar("S", bound=msgspec.Struct)

Amount = Annotated[int, msgspec.Meta(ge=1)]


class Wrong(Exception):
    """What was asked for can't be done: HTTP 400 with this text."""


class Pay(msgspec.Struct, forbid_unknown_fields=True):
    """One try of a payer. Another amount or currency makes it differ from what was asked."""

    reference: str
    outcome: Literal["captured", "authorized", "failed"]
    amount: Amount | None = None
    currency: Annotated[str, msgspec.Meta(pattern="^[A-Z]{3}$")] | None = None


class Refund(msgspec.Struct, forbid_unknown_fields=True):
    """A refund that someone begins in the provider's dashboard: nothing of ours is in it."""

    payment: str
    amount: Amount


class Settle(msgspec.Struct, forbid_unknown_fields=True):
    """Bring a refund to an end, also to another one than it had."""

    refund: str
    status: Literal["succeeded", "processed", "failed"]

    def __post_init__(self) -> None:
        # Some providers say processed, and so do their scripts.
        if self.status == "processed":
            self.status = "succeeded"


class Dispute(msgspec.Struct, forbid_unknown_fields=True):
    """A payer's bank wants a payment back, and then wins or loses. ``amount`` None is all."""

    payment: str
    status: Literal["open", "won", "lost"]
    amount: Amount | None = None


def control_routes(
    simulator: Simulator,
    *,
    pay: Callable[[Pay], Document],
    refund: Callable[[Refund], Document],
    settle: Callable[[Settle], Document],
    dispute: Callable[[Dispute], Document],
    payments: Callable[[], list[Document]],
    ledger: Callable[[], list[Document]],
) -> list[HTTPRouteHandler]:
    """The routes below ``/_control``.

    ``payments`` are the provider's own entities. ``ledger`` is what the provider took, in the
    same words for every provider: one for each capture, ``{"id", "reference", "amount",
    "currency", "refunds": [{"id", "amount", "status"}], "disputes": [{"id", "amount",
    "status"}]}``, with amounts in our minor units and statuses in the contract's words.
    """

    return [
        acting("pay", Pay, pay),
        acting("refund", Refund, refund),
        acting("settle_refund", Settle, settle),
        acting("dispute", Dispute, dispute),
        acting("faults", simulator.faults.change_type, lambda asked: _changed(simulator, asked)),
        _telling("faults", simulator.faults.shown),
        _telling("payments", lambda: {"payments": payments()}),
        _telling("ledger", lambda: {"captures": ledger()}),
        _telling("webhooks", lambda: {"webhooks": simulator.webhooks.events()}),
        _replaying(simulator),
    ]


def acting(name: str, shape: type[S], act: Callable[[S], Document]) -> HTTPRouteHandler:
    """``POST /_control/<name>`` with a body of ``shape``."""

    @post(f"/_control/{name}", status_code=200)
    async def answer(request: AnyRequest) -> Response[Document]:
        return await controlled(request, shape, act)

    return answer


def _telling(name: str, tell: Callable[[], Document]) -> HTTPRouteHandler:
    @get(f"/_control/{name}")
    async def answer() -> Document:
        return tell()

    return answer


def _replaying(simulator: Simulator) -> HTTPRouteHandler:
    @post("/_control/send_webhooks", status_code=200)
    async def send_webhooks() -> Document:
        return {"events": simulator.webhooks.replay()}

    return send_webhooks


def _changed(simulator: Simulator, asked: FaultChange) -> Document:
    simulator.faults.change(asked)
    return simulator.faults.shown()


async def controlled(
    request: AnyRequest, shape: type[S], act: Callable[[S], Document]
) -> Response[Document]:
    """What ``act`` answers to the request's body; what can't be done is 400 and says why."""
    try:
        asked = msgspec.json.decode(await request.body() or b"{}", type=shape, strict=True)
        return Response(act(asked), status_code=200)
    except (msgspec.MsgspecError, ValueError) as error:
        return Response({"error": f"the body can't be used: {error}"}, status_code=400)
    except Wrong as wrong:
        return Response({"error": str(wrong)}, status_code=400)
