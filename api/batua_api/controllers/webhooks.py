"""Webhooks: the only door through which money comes in. Verified, stored, then 200."""

from __future__ import annotations

from typing import Any

from litestar import Controller, MediaType, Request, Response, get, post
from litestar.params import FromPath, RawBody

from batua.contract import ReportsDelivery, WebhookRequest
from batua.errors import Forbidden, NotFound
from batua.limits import require_shallow
from batua_api.access import shop_of
from batua_api.documenting import BODY, Documented, answers
from batua_api.schemas import Acknowledged
from batua_api.straight import STRAIGHT

__all__ = ["WebhookController"]


class WebhookController(Controller):
    """Gateways tell of payments here, and notifiers of deliveries."""

    path = "/webhooks/{code:str}"
    tags = ("Webhooks",)
    opt = {"is_public": True, "is_unlimited": True}  # noqa: RUF012 - Litestar reads it so
    security = ({},)  # OpenAPI: no token is needed

    @post(
        operation_id="receive_webhook",
        summary="Receive webhook",
        status_code=200,
        opt=STRAIGHT,
        operation_class=Documented,
        responses=answers(Acknowledged, *BODY, 401, 404, is_public=True),
    )
    async def receive(
        self, request: Request[Any, Any, Any], code: FromPath[str], body: RawBody
    ) -> Response[bytes]:
        """200 once the bytes are committed; 401 for a signature that is missing or wrong."""
        require_shallow(body)  # whoever reads it may do so before its signature is known
        shop = shop_of(request)
        headers = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in request.scope["headers"]
        }
        if code in shop.registry.notifiers and code not in shop.registry.gateways:
            return await self._deliveries(request, code, body, headers)
        inbox_id = await shop.receiver.receive(code, body, headers)
        if inbox_id is None:
            return _acknowledged("known")
        shop.applier.apply_soon(code, inbox_id)
        return _acknowledged("stored")

    @get(
        operation_id="answer_challenge",
        summary="Answer challenge",
        media_type=MediaType.TEXT,
        operation_class=Documented,
        responses=answers(str, 403, 404, media_type="text/plain", is_public=True),
    )
    async def challenge(
        self, request: Request[Any, Any, Any], code: FromPath[str]
    ) -> Response[str]:
        """Prove to a provider that this address is ours."""
        plugin = shop_of(request).registry.notifiers.get(code)
        notifier: object = plugin.instance if plugin else None
        if not isinstance(notifier, ReportsDelivery):
            raise NotFound("webhook challenge of", code)
        answer = notifier.answer_challenge(dict(request.query_params))
        if answer is None:
            raise Forbidden("forbidden", "The challenge does not know our verify token.")
        return Response(answer)

    async def _deliveries(
        self, request: Request[Any, Any, Any], code: str, body: bytes, headers: dict[str, str]
    ) -> Response[bytes]:
        shop = shop_of(request)
        notifier: object = shop.registry.notifiers[code].instance
        if not isinstance(notifier, ReportsDelivery):
            raise NotFound("gateway", code)
        received = WebhookRequest(body=body, headers=headers, received_at=shop.now())
        for delivery in await notifier.verify_webhook(received):
            await shop.outbox.record_delivery(delivery)
        return _acknowledged("stored")


def _acknowledged(status: str) -> Response[bytes]:
    return Response(b'{"status":"%s"}' % status.encode(), media_type="application/json")
