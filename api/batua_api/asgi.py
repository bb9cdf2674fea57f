"""What the production server loads: ``granian --interface asgi --factory batua_api.asgi:serve``."""

from __future__ import annotations

# First: it puts the fixed SQLite in the place of sqlite3.
import batua.fixed_sqlite  # noqa: F401

# isort: split

import os

from litestar import Litestar

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
