"""The simulator's HTTP: Meta's one endpoint, the control routes and the phone's page."""

from __future__ import annotations

import hmac
from typing import Any, Protocol

import msgspec
from litestar import Litestar, MediaType, Request, Response, get, post
from litestar.params import FromPath, FromQuery, RawBody

from batua.testing.simulators.whatsapp.errors import GraphError
from batua.testing.simulators.whatsapp.faults import FaultBox, Faults
from batua.testing.simulators.whatsapp.page import page
from batua.testing.simulators.whatsapp.store import Message

__all__ = ["Phone", "build_app"]

_BUBBLES_MAX = 100
# The page needs nothing but its own style, and no text in it may ever run.
_PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
}


class Phone(Protocol):
    """What the routes need of the simulator."""

    phone_number_id: str
    access_token: str
    faults: FaultBox

    async def accept(self, body: bytes) -> Message: ...
    def messages(self, *, newest: int | None = None) -> list[Message]: ...


def build_app(phone: Phone) -> Litestar:
    """An ASGI app with relative paths only, so that it also works below a prefix."""

    @post("/{version:str}/{phone_number_id:str}/messages", status_code=200)
    async def send(
        request: Request[Any, Any, Any], phone_number_id: FromPath[str], body: RawBody
    ) -> Response[dict[str, Any]]:
        _check_token(request.headers.get("authorization", ""), phone.access_token)
        if phone_number_id != phone.phone_number_id:
            raise GraphError(100, f"Object with ID '{phone_number_id}' does not exist.", subcode=33)
        message = await phone.accept(body)
        return Response(_accepted(message))

    @get("/_control/messages")
    async def list_messages(newest: FromQuery[int | None] = None) -> dict[str, list[Message]]:
        return {"messages": phone.messages(newest=newest)}

    @get("/_control/faults")
    async def list_faults() -> Faults:
        return phone.faults.faults

    @post("/_control/faults", status_code=200)
    async def set_faults(body: RawBody) -> Response[Any]:
        try:
            phone.faults.put(msgspec.json.decode(body, type=Faults))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return Response({"error": str(error)}, status_code=400)
        return Response(phone.faults.faults)

    @get("/", media_type=MediaType.HTML)
    async def show() -> Response[str]:
        html = page(phone.messages(newest=_BUBBLES_MAX))
        return Response(html, media_type=MediaType.HTML, headers=_PAGE_HEADERS)

    return Litestar(
        [send, list_messages, list_faults, set_faults, show],
        exception_handlers={GraphError: _refuse},
        logging_config=None,
        openapi_config=None,
    )


def _check_token(authorization: str, access_token: str) -> None:
    if not hmac.compare_digest(authorization.encode(), f"Bearer {access_token}".encode()):
        raise GraphError(190, "The access token is missing or wrong.")


def _accepted(message: Message) -> dict[str, Any]:
    return {
        "messaging_product": "whatsapp",
        "contacts": [{"input": message.to, "wa_id": message.to}],
        "messages": [{"id": message.id, "message_status": "accepted"}],
    }


def _refuse(_: Request[Any, Any, Any], error: GraphError) -> Response[dict[str, Any]]:
    return Response(error.body(), status_code=error.status)
