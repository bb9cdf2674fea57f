"""``batua customers``: who may come in, and what a person may ask of whoever holds their data."""

from __future__ import annotations

import os
from pathlib import Path

import click

from batua_api.commanding import BY, in_shop, require_subject

__all__ = ["customers"]


@click.group()
def customers() -> None:
    """Customers: shut out and let in again, exported and erased."""


@customers.command("disable")
@click.argument("id")
def disable(id: str) -> None:
    """The customer may do nothing. Money that comes for them is still taken."""
    customer = require_subject(id)
    done = in_shop(lambda batua: batua.identity.revocations.disable(customer, by=BY))
    click.echo(f"{customer} is disabled" if done else f"{customer} was disabled already")


@customers.command("enable")
@click.argument("id")
def enable(id: str) -> None:
    """The customer may come in again."""
    customer = require_subject(id)
    done = in_shop(lambda batua: batua.identity.revocations.enable(customer, by=BY))
    click.echo(f"{customer} is enabled" if done else f"{customer} was not disabled")


@customers.command("export")
@click.argument("id")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Mode 0600.")
def export(id: str, output: Path | None) -> None:
    """Print everything that is held about a customer, as JSON."""
    customer = require_subject(id)
    held = in_shop(lambda batua: batua.privacy.exporter.export(customer))
    if output is None:
        click.echo(held)
        return
    try:  # nobody else's to read, and never over a file that is there
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise click.UsageError(f"{output} can't be written: {error.strerror}") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(held + b"\n")
    click.echo(f"wrote {output}")


@customers.command("erase")
@click.argument("id")
@click.option("--reason", required=True, help="Why: kept for ever. Name nobody in it.")
@click.option("--by", default=BY, show_default=True, help="Who does it: kept for ever.")
@click.option("--even-with-balance", is_flag=True, help="Leave what the wallet has on the books.")
@click.option("--yes", is_flag=True, help="Don't ask.")
def erase(id: str, reason: str, by: str, *, even_with_balance: bool, yes: bool) -> None:
    """Erase a customer's personal data. The books stay; it can't be taken back."""
    customer = require_subject(id)
    if not yes:
        click.confirm(f"Erase the personal data of {customer!r} for good?", abort=True)
    in_shop(
        lambda batua: batua.privacy.eraser.erase(
            customer, reason=reason, by=by, even_with_balance=even_with_balance
        )
    )
    click.echo(f"{customer} is erased")
