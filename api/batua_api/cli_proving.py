"""``batua verify`` and ``batua reconcile``: do the books hold, and are they the provider's."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import date, datetime

import click

from batua.bootstrap import open_batua
from batua.errors import BatuaError
from batua.settings import Settings, read_settings
from batua_api.local import local_settings
from batua_api.reconcile import FORMATS, exit_code, reconcile_day, show_reports
from batua_api.verifying import Shown, print_proof, record_proof, verify_ledger

__all__ = ["reconcile", "verify"]


@click.command()
@click.option("--gateway", help="Its code. Default: every gateway")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="UTC. Default: yesterday")
@click.option("--format", "form", type=click.Choice(FORMATS), default="table", show_default=True)
@click.option("--heal", is_flag=True, help="Take in what only the provider knows. May move money.")
def reconcile(gateway: str | None, day: datetime | None, form: str, *, heal: bool) -> None:
    """Our books against the providers'. Exit 1 on a break, 2 if one could not be asked."""
    chosen = day.date() if day is not None else None
    try:
        settings = local_settings(os.environ)
        code = asyncio.run(_reconcile(settings, gateway, chosen, form, heal=heal))
    except BatuaError as error:
        click.echo(f"batua: {error}", err=True)
        code = 2  # 1 says that the books differ, and nobody has looked
    sys.exit(code)


async def _reconcile(
    settings: Settings, gateway: str | None, day: date | None, form: str, *, heal: bool
) -> int:
    async with open_batua(settings, os.environ) as batua:
        reports = await reconcile_day(batua, gateway=gateway, day=day, heal=heal)
    show_reports(reports, form)
    return exit_code(reports)


@click.command()
@click.option("--database-url", help="What to prove, a copy too. Default: BATUA_DATABASE_URL")
@click.option("--quiet", is_flag=True, help="Show no progress, only the findings and the verdict.")
@click.option("--record", is_flag=True, help="Leave the verdict in the database, for /metrics.")
def verify(database_url: str | None, *, quiet: bool, record: bool) -> None:
    """Prove the ledger, writing nothing to it. Exit 1 and the broken rows if it doesn't hold."""
    settings = read_settings(os.environ)
    url = database_url or settings.database_url
    shown = Shown(sys.stderr)
    proving = verify_ledger(
        url,
        anchor_path=settings.anchor_path,
        progress=(lambda _step, _done, _total: None) if quiet else shown,
    )
    try:
        proof = asyncio.run(proving)
    finally:
        shown.close()
    print_proof(proof)
    if record:
        asyncio.run(record_proof(url, is_sound=proof.is_sound))
    if not proof.is_sound:
        sys.exit(1)
