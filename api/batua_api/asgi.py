"""What the production server loads: ``granian --interface asgi --factory batua_api.asgi:serve``."""

from __future__ import annotations

import os

from litestar import Litestar

import batua.fixed_sqlite  # noqa: F401 - before anything that imports sqlite3
from batua_api.app import create_app
from batua_api.logs import configure_logs
from batua_api.plugin import BatuaPlugin

__all__ = ["serve"]


def serve() -> Litestar:
    """The app, configured by the environment. ``BATUA_WITH_WORKER=on`` runs the worker too."""
    configure_logs()
    environ = dict(os.environ)
    with_worker = environ.pop("BATUA_WITH_WORKER", "off") == "on"
    return create_app(BatuaPlugin(environ=environ, with_worker=with_worker))
