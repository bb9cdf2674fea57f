"""The files of the customer's side: the JavaScript client, its drivers and the wallet element.

``dist`` has the element as one small file, made of the other two.  A shop serves them from its own
host, as its other scripts; the demo does so under ``/batua``.
"""

from __future__ import annotations

from pathlib import Path

from litestar.router import Router
from litestar.static_files import create_static_files_router

__all__ = ["FOLDER", "SERVED", "frontend_files"]

SERVED = ("client", "dist", "element")

_INSTALLED = Path(__file__).parents[1] / "batua_frontend"
_CHECKED_OUT = Path(__file__).parents[2] / "frontend"

FOLDER = _INSTALLED if _INSTALLED.is_dir() else _CHECKED_OUT
"""Where they are on this machine: beside this package, or in the repository's own folder."""


def frontend_files() -> list[Router]:
    """They refer to one another as they lie there, so one place serves all of them."""
    return [
        create_static_files_router(f"/batua/{name}", [FOLDER / name], include_in_schema=False)
        for name in SERVED
    ]
