"""What the production server loads: ``uvicorn --factory batua_api.asgi:serve``."""

from __future__ import annotations

# First: it puts the fixed SQLite in the place of sqlite3.
import batua.fixed_sqlite  # noqa: F401

# isort: split

import gc
import os
import sys

from litestar.types import ASGIApp

from batua.settings import read_settings
from batua_api.app import create_app
from batua_api.logs import configure_logs
from batua_api.plugin import BatuaPlugin
from batua_api.prefix import Prefixed

__all__ = ["serve", "spare_the_collector"]

YOUNG_OBJECTS_MAX = 20_000
"""How many new objects the collector lets gather, instead of 700: a group of payments has more."""

SWITCH_S = 0.0005
"""How long a thread waits for the interpreter until it asks for it, instead of 5 ms.

SQLite's thread needs it before and after each statement, and a group waits for that."""


def serve() -> ASGIApp:
    """The app, configured by the environment. ``BATUA_WITH_WORKER=on`` runs the worker too."""
    environ = dict(os.environ)
    with_worker = environ.pop("BATUA_WITH_WORKER", "off") == "on"
    settings = read_settings(environ)
    configure_logs(settings)
    app: ASGIApp = create_app(BatuaPlugin(settings, environ, with_worker=with_worker))
    if settings.path_prefix:
        app = Prefixed(app, settings.path_prefix)
    spare_the_collector()
    sys.setswitchinterval(SWITCH_S)
    return app


def spare_the_collector() -> None:
    """Keep what lives as long as the process out of the garbage collector's sight.

    Hundreds of thousands of objects are loaded at start. A full collection would walk them all
    and hold every request up for a fifth of a second, several times a minute under load.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS_MAX, *gc.get_threshold()[1:])
