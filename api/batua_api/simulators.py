"""Providers' simulators: found by entry point, served alone or below ``/simulators/``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Protocol

import click

from batua.errors import InvalidRequest
from batua.testing.serving import serving
from batua.testing.simulators.kit.simulator import Simulator
from batua_api.interrupts import interrupted

__all__ = [
    "Runs",
    "installed_simulators",
    "new_simulator",
    "running",
    "secret_keywords",
    "serve_simulator",
]


class Runs(Protocol):
    """What sends its webhooks between ``start`` and ``stop``."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...


def installed_simulators() -> dict[str, EntryPoint]:
    """Simulators of the gateways that are installed, by the gateway's code."""
    gateways = {entry.name for entry in entry_points(group="batua.gateways")}
    found = entry_points(group="batua.simulators")
    return {entry.name: entry for entry in sorted(found, key=_name) if entry.name in gateways}


def secret_keywords(code: str) -> Mapping[str, str]:
    """The keywords of a simulator that are secrets, and what each must begin with."""
    simulator: type[Simulator] = installed_simulators()[code].load()
    return simulator.secrets


def new_simulator(
    code: str,
    *,
    webhook_url: str | None,
    public_url: str,
    store: Path | None = None,
    secrets: Mapping[str, str] | None = None,
) -> Simulator:
    """A simulator to be served. ``secrets`` are keywords of its constructor.

    Raises ``InvalidRequest`` for one that is not installed, or that has no such keyword.
    """
    entry = installed_simulators().get(code)
    if entry is None:
        known = ", ".join(installed_simulators())
        raise InvalidRequest(f"There is no simulator of {code!r}. There are: {known}.")
    try:
        simulator: Simulator = entry.load()(
            webhook_url=webhook_url, public_url=public_url, store=store, **(secrets or {})
        )
    except TypeError as error:
        raise InvalidRequest(f"The simulator of {code!r} can't be made so: {error}") from error
    return simulator


@asynccontextmanager
async def running(*simulators: Runs) -> AsyncIterator[None]:
    """The simulators' webhooks go out meanwhile."""
    try:
        for simulator in simulators:
            await simulator.start()
        yield
    finally:
        for simulator in simulators:
            await simulator.stop()


def serve_simulator(simulator: Simulator, port: int) -> None:
    """Serve one on 127.0.0.1 until interrupted, and say how a gateway gets at it."""
    click.echo(f"{simulator.code} is simulated at {simulator.public_url}")
    for name, value in simulator.settings().items():
        click.echo(f"  {name}={value}")
    asyncio.run(_serve(simulator, port))


async def _serve(simulator: Simulator, port: int) -> None:
    async with serving(simulator.app, port=port), running(simulator):
        await interrupted()


def _name(entry: EntryPoint) -> str:
    return entry.name
