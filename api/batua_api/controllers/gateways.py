"""Which gateways a customer can pay with."""

from __future__ import annotations

from litestar import Controller, get

from batua.payments import GatewayState
from batua_api.access import ApiRequest, shop_of
from batua_api.auth import Scope, allow
from batua_api.documenting import Documented, answers
from batua_api.schemas import GatewayView
from batua_api.views import gateway_view

__all__ = ["GatewayController"]


class GatewayController(Controller):
    """Installed gateways that take new payments."""

    path = "/gateways"
    tags = ("Gateways",)

    @get(
        operation_id="list_gateways",
        summary="List gateways",
        opt=allow(Scope.CUSTOMER),
        operation_class=Documented,
        responses=answers(list[GatewayView]),
    )
    async def list_gateways(self, request: ApiRequest) -> list[GatewayView]:
        """Gateways that take payments now, with what the browser needs."""
        shop = shop_of(request)
        states, gateways = await shop.switches.states(), shop.registry.gateways
        return [
            gateway_view(plugin, gateways[shop.registry.processor_of(code)], states[code])
            for code, plugin in gateways.items()
            if states[code] is not GatewayState.DISABLED
        ]
