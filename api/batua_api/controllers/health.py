"""Is it alive, is it ready, and what is wrong."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from litestar import Controller, Request, Response, get

from batua.bootstrap import Batua
from batua.standing import Standing
from batua_api.access import shop_of
from batua_api.documenting import Documented, answers, unavailable
from batua_api.figures import Figures

__all__ = ["HealthController"]


class HealthController(Controller):
    """For load balancers and whoever is paged. Each is answered in a few seconds, come what may."""

    path = "/health"
    tags = ("Health",)
    opt = {"is_public": True, "is_unlimited": True}  # noqa: RUF012 - Litestar reads it so
    security = ({},)  # OpenAPI: no token is needed

    @get(
        "/live",
        operation_id="live",
        summary="Live",
        operation_class=Documented,
        responses=answers(dict[str, str], is_public=True),
    )
    async def live(self) -> dict[str, str]:
        """The process answers."""
        return {"status": "ok"}

    @get(
        "/ready",
        operation_id="ready",
        summary="Ready",
        responses=answers(dict[str, str], is_public=True) | unavailable(dict[str, str]),
    )
    async def ready(self, request: Request[Any, Any, Any]) -> Response[dict[str, str]]:
        """The database answers within two seconds and is migrated, and callers can be judged."""
        wrong = await _figures_of(request).wrong()
        body = {"status": "unavailable", "reason": wrong} if wrong else {"status": "ok"}
        return Response(body, status_code=503 if wrong else 200)

    @get(
        operation_id="health",
        summary="Health",
        responses=answers(dict[str, Any], is_public=True) | unavailable(dict[str, Any]),
    )
    async def health(self, request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
        """Everything at a glance: database, gateways, queues, webhooks, workers, the last proof."""
        figures = _figures_of(request)
        wrong = await figures.wrong()
        standing = None if wrong else await figures.standing()
        if not wrong and standing is None:
            wrong = "the database does not tell how the shop stands"
        body: dict[str, Any] = {"status": "unavailable" if wrong else "ok", **_outside(request)}
        if standing is not None:
            body |= _inside(standing)
        if wrong:
            body["reason"] = wrong
        return Response(body, status_code=503 if wrong else 200)


def _figures_of(request: Request[Any, Any, Any]) -> Figures:
    figures: Figures = request.app.state.batua_figures
    return figures


def _outside(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """What is known without the database."""
    shop: Batua = shop_of(request)
    return {
        "gateways": {
            code: plugin.problem or str(plugin.instance.mode if plugin.instance else "off")
            for code, plugin in shop.registry.gateways.items()
        },
        "breakers": {code: str(each.state) for code, each in shop.registry.breakers.items()},
        "rate_limits": "apart" if shop.rate_limits.is_apart else "together",
    }


def _inside(standing: Standing) -> dict[str, Any]:
    inbox, outbox, signs = standing.inbox, standing.outbox, standing.signs
    return {
        "queues": {
            "inbox": inbox.count,
            "inbox_since": _written(inbox.oldest),
            "attention": sum(inbox.attention.values()),
            "outbox": outbox.count,
            "outbox_since": _written(outbox.oldest),
            "outbox_dead": sum(outbox.attention.values()),
        },
        "suspense": dict(standing.suspense),
        "webhooks": {
            code: {"last": _written(hearing.last), "silent": hearing.is_silent}
            for code, hearing in standing.hearings.items()
        },
        "workers": {"alive": signs.workers, "last": _written(signs.beaten_at)},
        "verify": {
            "last": _written(signs.proved_at),
            "sound": signs.is_sound if signs.proved_at else None,
        },
    }


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
