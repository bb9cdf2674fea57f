"""``batua gateways`` and ``batua simulate``."""

from __future__ import annotations

import os

import click

from batua.bootstrap import Batua
from batua.contract import active_currencies
from batua.database import pending
from batua.gateway_settings import Source
from batua.settings import read_settings
from batua_api.commanding import in_shop
from batua_api.logs import configure_logs
from batua_api.simulators import installed_simulators, new_simulator, serve_simulator

__all__ = ["gateways", "simulate"]


@click.command()
def gateways() -> None:
    """What is installed, in which state and mode, with which capabilities."""
    in_shop(_print_gateways)


MORE = (
    "recurring", "disputes", "transactions", "settlements", "card_tokens", "network_tokens",
    "upi_intent",
)  # fmt: skip
"""What a gateway either can or can't."""


def _currencies(batua: Batua, code: str) -> str:
    collects = batua.registry.gateways[batua.registry.processor_of(code)].manifest.capabilities
    currencies = collects.currencies if collects else frozenset()
    # A front that is off has no processor to ask: its own are all that there are.
    if currencies == active_currencies():
        return "those of its processor"
    return ", ".join(sorted(currencies))


def _taken_by(batua: Batua, code: str) -> str:
    processor = batua.registry.processor_of(code)
    return "" if processor == code else f", money by {processor}"


async def _settings(batua: Batua, code: str) -> str:
    """Where each comes from that is not as it is unless told."""
    found = await batua.gateway_settings.describe(code)
    said = [
        f"{each.name} {each.source}{f' ({each.told})' if each.source is Source.PANEL else ''}"
        for each in found
        if each.source is not Source.DEFAULT
    ]
    return ", ".join(said) or "all as they are unless told"


async def _print_gateways(batua: Batua) -> None:
    is_migrated = not await pending(batua.database)
    if not is_migrated:
        click.echo("The database is not migrated, so no state is known: run batua migrate.")
    states = await batua.switches.states() if is_migrated else {}
    for code, plugin in batua.registry.gateways.items():
        manifest, capabilities = plugin.manifest, plugin.manifest.capabilities
        mode = plugin.instance.mode if plugin.instance else "-"
        click.echo(f"{code}  {manifest.name} {manifest.version}  by {manifest.author}")
        click.echo(f"  {manifest.summary}")
        click.echo(f"  state {states.get(code, '-')}, mode {mode}{_taken_by(batua, code)}")
        if plugin.problem:
            click.echo(f"  {plugin.problem}")
        if capabilities is not None:
            click.echo(
                f"  confirm {'yes' if capabilities.confirm else 'no'}, capture "
                f"{capabilities.capture}, void {capabilities.void}, refund {capabilities.refund}"
            )
            more = [name for name in MORE if getattr(capabilities, name)]
            click.echo(f"  {', '.join(name.replace('_', ' ') for name in more) or 'nothing more'}")
            click.echo(f"  currencies {_currencies(batua, code)}")
        if is_migrated:
            click.echo(f"  settings {await _settings(batua, code)}")


@click.command()
@click.argument("provider", type=click.Choice(list(installed_simulators())))
@click.option("--port", default=9001, show_default=True, type=click.IntRange(1, 65535))
@click.option("--webhook-url", help="Where events go.")
@click.option("--key-id", help="Razorpay's.")
@click.option("--key-secret", help="Razorpay's.")
@click.option("--webhook-secret", help="What signs the events, where one does.")
def simulate(provider: str, port: int, webhook_url: str | None, **keys: str | None) -> None:
    """A provider's simulator on its own, on 127.0.0.1. It prints the settings of its gateway."""
    configure_logs(read_settings(os.environ))
    simulator = new_simulator(
        provider,
        webhook_url=webhook_url,
        public_url=f"http://127.0.0.1:{port}",
        secrets={name: value for name, value in keys.items() if value is not None},
    )
    serve_simulator(simulator, port)
