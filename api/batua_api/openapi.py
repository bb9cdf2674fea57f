"""OpenAPI, drawn with Swagger UI's own files from this server: nothing comes from a CDN."""

from __future__ import annotations

from pathlib import Path

import swagger_ui
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import SwaggerRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme, Server
from litestar.router import Router
from litestar.static_files import create_static_files_router

from batua import __version__

__all__ = ["DOCS", "docs_files", "openapi_config"]

DOCS = "/api/v1/docs"
FILES = "/api/v1/docs-files"


def openapi_config(prefix: str) -> OpenAPIConfig:
    """The document at ``/api/v1/docs/openapi.json``, and the page that draws it.

    ``prefix`` is what the server is reached below, or empty.
    """
    return OpenAPIConfig(
        title="Batua",
        version=__version__,
        description="A customer wallet with real payment gateways.",
        path=DOCS,
        servers=[Server(url=prefix or "/")],
        use_handler_docstrings=True,
        security=[{"bearer": []}],
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT")
            }
        ),
        render_plugins=[
            SwaggerRenderPlugin(
                path="/",
                js_url=f"{prefix}{FILES}/swagger-ui-bundle.js",
                standalone_preset_js_url=f"{prefix}{FILES}/swagger-ui-standalone-preset.js",
                css_url=f"{prefix}{FILES}/swagger-ui.css",
                favicon='<link rel="icon" href="data:,">',
            )
        ],
    )


def docs_files() -> Router:
    """Swagger UI's files, out of the package that ships them."""
    directory = Path(swagger_ui.__file__).parent / "static"
    return create_static_files_router(FILES, [directory], include_in_schema=False)
