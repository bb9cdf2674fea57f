"""``batua serve`` and ``batua worker``: what runs for as long as the shop is open."""

from __future__ import annotations

import asyncio
import os

import click

from batua.bootstrap import open_batua
from batua.settings import Settings, read_settings
from batua_api.auth import require_issuer
from batua_api.interrupts import interrupted
from batua_api.local import local_settings
from batua_api.logs import configure_logs
from batua_api.server import run_server

__all__ = ["serve", "worker"]


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64))
@click.option("--with-worker", is_flag=True, help="Run the worker in the same process too.")
def serve(host: str, port: int, workers: int, *, with_worker: bool) -> None:
    """Serve the API and the panel. Sends no notifications without --with-worker."""
    settings = read_settings(os.environ)
    require_issuer(settings)
    os.environ["BATUA_WITH_WORKER"] = "on" if with_worker else "off"
    configure_logs(settings)
    run_server("batua_api.asgi:serve", host=host, port=port, workers=workers)


@click.command()
def worker() -> None:
    """Send messages, recover events, poll providers. Several may run."""
    settings = local_settings(os.environ)
    configure_logs(settings)
    asyncio.run(_work(settings))


async def _work(settings: Settings) -> None:
    async with (
        open_batua(settings, os.environ) as batua,
        batua.gateway_settings.follower.running(),
    ):
        batua.worker.start()
        await interrupted()
