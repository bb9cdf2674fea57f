"""The figures that a Prometheus server comes for."""

from __future__ import annotations

import hmac

from litestar import Controller, Response, get
from litestar.exceptions import NotAuthorizedException
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from batua_api.access import ApiRequest, shop_of
from batua_api.documenting import Documented, answers
from batua_api.figures import Figures
from batua_api.straight import header_of

__all__ = ["MetricsController"]


class MetricsController(Controller):
    """Whoever reaches it may read it, until ``BATUA_METRICS_TOKEN`` is set."""

    path = "/metrics"
    tags = ("Health",)
    opt = {"is_public": True, "is_unlimited": True}  # noqa: RUF012 - Litestar reads it so
    security = ({},)  # OpenAPI: no customer's token is needed

    @get(
        operation_id="metrics",
        summary="Metrics",
        media_type="text/plain",
        operation_class=Documented,
        responses=answers(str, 401, media_type="text/plain", is_public=True),
    )
    async def metrics(self, request: ApiRequest) -> Response[bytes]:
        """Everything that is counted, in Prometheus' text format."""
        token = shop_of(request).settings.metrics_token
        sent = header_of(request.scope, b"authorization")
        if token and not hmac.compare_digest(sent.encode(), f"Bearer {token}".encode()):
            raise NotAuthorizedException("Send BATUA_METRICS_TOKEN as a bearer token.")
        figures: Figures = request.app.state.batua_figures
        await figures.refresh()
        return Response(generate_latest(figures.scraped()), media_type=CONTENT_TYPE_LATEST)
