"""``batua insight``: is what was counted of the ledger what the ledger has?"""

from __future__ import annotations

import sys

import click

from batua_api.commanding import in_shop

__all__ = ["insight"]

SHOWN_MAX = 20


@click.group()
def insight() -> None:
    """The figures of the dashboard."""


@insight.command()
def check() -> None:
    """Count the ledger again, in memory. Exit 1 and the figures that are not so."""
    differing = in_shop(lambda batua: batua.counter.differing())
    for line in differing[:SHOWN_MAX]:
        click.echo(line)
    if differing:
        click.echo(f"{len(differing)} figures differ from the ledger: run batua insight rebuild")
        sys.exit(1)
    click.echo("every figure is what the ledger has")


@insight.command()
def rebuild() -> None:
    """Forget what was counted, and count the ledger from its first transfer on."""
    counted = in_shop(lambda batua: batua.counter.rebuild())
    click.echo(f"counted {counted} transfers")
