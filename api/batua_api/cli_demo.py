"""``batua demo``."""

from __future__ import annotations

import asyncio
import os

import click

from batua.settings import read_settings
from batua_api.demo import run_demo
from batua_api.logs import configure_logs

__all__ = ["demo"]


@click.command()
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--database-url", help="Default: BATUA_DATABASE_URL, else sqlite:///batua.sqlite")
def demo(port: int, database_url: str | None) -> None:
    """Serve a shop with worker, simulators and seeded customers on 127.0.0.1."""
    settings = read_settings(os.environ)
    configure_logs(settings)
    url = database_url or settings.database_url
    asyncio.run(run_demo(os.environ, port=port, database_url=url))
