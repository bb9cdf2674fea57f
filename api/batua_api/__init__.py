"""Batua's HTTP API and command line, on Litestar."""

from batua_api.app import create_app
from batua_api.plugin import BatuaPlugin

__all__ = ["BatuaPlugin", "create_app"]
