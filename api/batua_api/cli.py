"""The ``batua`` command: a name, and where it stands.

A command is loaded when it is called: the panel and the server take a second to load, and most
commands need neither.
"""

from __future__ import annotations

# First: it puts the fixed SQLite in the place of sqlite3.
import batua.fixed_sqlite  # noqa: F401

# isort: split

import sys
from collections.abc import Mapping
from importlib import import_module

import click

from batua import __version__
from batua.errors import BatuaError

__all__ = ["cli", "main"]

HOMES: Mapping[str, str] = {
    "demo": "cli_demo:demo",
    "serve": "cli_serving:serve",
    "worker": "cli_serving:worker",
    "migrate": "cli_database:migrate",
    "token": "cli_token:token",
    "staff": "cli_staff:staff",
    "customers": "cli_customers:customers",
    "tokens": "cli_identity:tokens",
    "keys": "cli_identity:keys",
    "gateways": "cli_gateways:gateways",
    "simulate": "cli_gateways:simulate",
    "new-gateway": "new_gateway:new_gateway",
    "webhooks": "cli_webhooks:webhooks",
    "reseal": "cli_webhooks:reseal",
    "verify": "cli_proving:verify",
    "reconcile": "cli_proving:reconcile",
    "insight": "cli_insight:insight",
    "backup": "backing_up:backup",
    "grants": "granting:grants",
}
"""A command's module in ``batua_api``, and its name there."""


class Commands(click.Group):
    """Loads a command when somebody names it, and all of them to list them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return sorted(HOMES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in HOMES:
            return None
        module, _, name = HOMES[cmd_name].partition(":")
        command: click.Command = getattr(import_module(f"batua_api.{module}"), name)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def cli() -> None:
    """A customer wallet with real payment gateways. Configured by BATUA_* variables."""


def main() -> None:
    """Run the command; an error of ours is one line on standard error and exit 1."""
    try:
        cli()
    except (BatuaError, ValueError) as error:
        click.echo(f"batua: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
