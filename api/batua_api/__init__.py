"""Batua's HTTP API and command line, on Litestar.

The names are loaded when somebody asks for them: a command imports this package before it can put
the fixed SQLite in its place (``batua.fixed_sqlite``), so nothing here may open the way to another.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from batua_api.app import create_app
    from batua_api.plugin import BatuaPlugin

__all__ = ["BatuaPlugin", "create_app"]

_HOMES = {"BatuaPlugin": "batua_api.plugin", "create_app": "batua_api.app"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
