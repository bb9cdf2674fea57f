"""The app of its own: the plugin, its documentation and nothing else."""

from __future__ import annotations

from typing import Any

from litestar import Litestar, get
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from batua_api.openapi import DOCS, docs_files, openapi_config
from batua_api.origins import cors_config
from batua_api.plugin import BatuaPlugin
from batua_api.problems import EXCEPTION_HANDLERS

__all__ = ["create_app"]


@get("/docs", include_in_schema=False, sync_to_thread=False)
def docs() -> Redirect:
    """The documentation's short address."""
    return Redirect(DOCS)


@get("/docs/openapi.json", include_in_schema=False, sync_to_thread=False)
def openapi_json() -> Redirect:
    """The same for machines."""
    return Redirect(f"{DOCS}/openapi.json")


def create_app(
    plugin: BatuaPlugin | None = None, *handlers: ControllerRouterHandler, **config: Any
) -> Litestar:
    """A Litestar app that serves one shop, configured by the environment unless told.

    ``handlers`` are mounted beside it: the demo adds its simulators.
    """
    shop = plugin or BatuaPlugin()
    return Litestar(
        [docs, openapi_json, docs_files(), *handlers],
        plugins=[shop],
        cors_config=cors_config(shop.settings.allowed_origins),
        openapi_config=openapi_config(),
        exception_handlers=EXCEPTION_HANDLERS,
        logging_config=None,
        **config,
    )
