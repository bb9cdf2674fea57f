"""The gateways: what each is, whether it takes new payments, and by what it is reached."""

from __future__ import annotations

from starlette.responses import Response

from batua.errors import Refusal
from batua.staff import Word, require
from batua_admin.pages.shell import Visit

__all__ = ["save_settings", "show_gateways", "show_settings"]

NO_SETTING = frozenset({"csrftoken", "reason", "forget"})
"""What the form sends beside the settings."""


async def show_gateways(visit: Visit) -> Response:
    """Every installed gateway with its manifest and its state."""
    states = await visit.batua.switches.states()
    plugins = sorted(visit.batua.registry.gateways.values(), key=lambda each: each.manifest.code)
    return visit.show(
        "gateways.html",
        title="Gateways",
        gateways=[(plugin, states[plugin.manifest.code]) for plugin in plugins],
    )


async def show_settings(visit: Visit) -> Response:
    """A gateway's settings: of a secret only whether it is set. Nothing of one is filled in."""
    require(visit.actor, Word.SET_GATEWAY_SETTING)
    return await _draw(visit)


async def save_settings(visit: Visit) -> Response:
    """Store what was filled in, or forget one; what is left empty stays as it is."""
    require(visit.actor, Word.SET_GATEWAY_SETTING)
    code = visit.request.path_params["code"]
    sent = await visit.sent()
    reason = sent.get("reason", "").strip()
    desk = visit.batua.desk.gateways
    try:
        if name := sent.get("forget"):
            written = await desk.clear_setting(visit.actor, code, name, reason)
            said = f"{name} is forgotten."
        else:
            values = {
                name: value
                for name, value in sent.items()
                if name not in NO_SETTING and value.strip()
            }
            written = await desk.write_settings(visit.actor, code, values, reason)
            said = f"Stored: {', '.join(sorted(values)) or 'nothing'}."
    except Refusal as refusal:
        return await _draw(visit, str(refusal))
    return visit.done(f"{said} {written.told}".strip(), f"gateways/{code}/")


async def _draw(visit: Visit, refused: str = "") -> Response:
    code = visit.request.path_params["code"]
    settings = await visit.batua.gateway_settings.describe(code)
    return visit.show(
        "gateway_settings.html",
        title=f"Settings of {code}",
        status=422 if refused else 200,
        code=code,
        settings=settings,
        refused=refused,
    )
