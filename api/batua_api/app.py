"""The app of its own: the plugin, its documentation and nothing else."""

from __future__ import annotations

from typing import Any

from litestar import Litestar, Request, get
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from batua_api.openapi import DOCS, docs_files, openapi_config
from batua_api.origins import cors_config
from batua_api.plugin import BatuaPlugin
from batua_api.problems import EXCEPTION_HANDLERS

__all__ = ["create_app"]


@get("/docs", include_in_schema=False, sync_to_thread=False)
def docs(request: Request[Any, Any, Any]) -> Redirect:
    """The documentation's short address."""
    return Redirect(f"{_root(request)}{DOCS}")


@get("/docs/openapi.json", include_in_schema=False, sync_to_thread=False)
def openapi_json(request: Request[Any, Any, Any]) -> Redirect:
    """The same for machines."""
    return Redirect(f"{_root(request)}{DOCS}/openapi.json")


def _root(request: Request[Any, Any, Any]) -> str:
    root: str = request.scope.get("root_path", "")
    return root.rstrip("/")


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
        openapi_config=openapi_config(shop.settings.path_prefix),
        exception_handlers=EXCEPTION_HANDLERS,
        logging_config=None,
        **config,
    )
