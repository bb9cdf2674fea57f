"""The gateways: what each is, what it can do, and whether it takes new payments."""

from __future__ import annotations

from starlette.responses import Response

from batua_admin.pages.shell import Visit

__all__ = ["show_gateways"]


async def show_gateways(visit: Visit) -> Response:
    """Every installed gateway with its manifest and its state."""
    states = await visit.batua.switches.states()
    plugins = sorted(visit.batua.registry.gateways.values(), key=lambda each: each.manifest.code)
    return visit.show(
        "gateways.html",
        title="Gateways",
        gateways=[(plugin, states[plugin.manifest.code]) for plugin in plugins],
    )
