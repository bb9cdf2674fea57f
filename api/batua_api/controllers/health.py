"""Is it alive, is it ready, and what is wrong."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Request, Response, get

from batua.bootstrap import Batua
from batua.database import pending
from batua.errors import BatuaError
from batua_api.access import shop_of

__all__ = ["HealthController"]


class HealthController(Controller):
    """For load balancers and whoever is paged."""

    path = "/health"
    tags = ("Health",)
    opt = {"is_public": True, "is_unlimited": True}  # noqa: RUF012 - Litestar reads it so
    security = ({},)  # OpenAPI: no token is needed

    @get("/live", operation_id="live", summary="Live")
    async def live(self) -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @get("/ready", operation_id="ready", summary="Ready")
    async def ready(self, request: Request[Any, Any, Any]) -> Response[dict[str, str]]:
        """The database answers and is migrated."""
        wrong = await _what_is_wrong(shop_of(request))
        body = {"status": "unavailable", "reason": wrong} if wrong else {"status": "ok"}
        return Response(body, status_code=503 if wrong else 200)

    @get(operation_id="health", summary="Health")
    async def health(self, request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
        """Everything at a glance: database, gateways, queues, webhooks."""
        shop = shop_of(request)
        wrong = await _what_is_wrong(shop)
        gateways = {
            code: plugin.problem or str(plugin.instance.mode if plugin.instance else "off")
            for code, plugin in shop.registry.gateways.items()
        }
        breakers = {code: str(each.state) for code, each in shop.registry.breakers.items()}
        body: dict[str, Any] = {
            "status": "unavailable" if wrong else "ok",
            "gateways": gateways,
            "breakers": breakers,
        }
        if wrong:
            body["reason"] = wrong
        else:
            body["queues"] = await _queues(shop)
            body["webhooks"] = await _webhooks(shop)
        return Response(body, status_code=503 if wrong else 200)


async def _what_is_wrong(shop: Batua) -> str:
    try:
        missing = await pending(shop.database)
    except (BatuaError, OSError) as error:
        return f"the database does not answer: {type(error).__name__}"
    return f"migrations are missing: {', '.join(missing)}; run batua migrate" if missing else ""


async def _webhooks(shop: Batua) -> dict[str, dict[str, Any]]:
    return {
        code: {
            "last": hearing.last.isoformat() if hearing.last else None,
            "silent": hearing.is_silent,
        }
        for code, hearing in (await shop.silence.hearings()).items()
    }


async def _queues(shop: Batua) -> dict[str, int]:
    row = await shop.database.fetch_one(
        "select (select count(*) from batua_inbox where next_attempt_at is not null) as inbox,"
        " (select count(*) from batua_inbox where status in ('quarantined', 'dead')) as attention,"
        " (select count(*) from batua_outbox where next_attempt_at is not null) as outbox,"
        " (select count(*) from batua_capture where destination = 'suspense') as suspense"
    )
    return {} if row is None else dict(row)
