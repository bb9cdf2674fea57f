"""The ``batua`` command."""

from __future__ import annotations

# First: it puts the fixed SQLite in the place of sqlite3.
import batua.fixed_sqlite  # noqa: F401

# isort: split

import asyncio
import os
import sys
from datetime import date, datetime, timedelta

import click

from batua import __version__
from batua.bootstrap import Batua, open_batua
from batua.contract import active_currencies
from batua.database import migrate as migrate_database
from batua.database import open_database, pending
from batua.errors import BatuaError, ConfigurationError, InvalidRequest
from batua.settings import Settings, read_settings
from batua.wallets import require_customer_id
from batua_admin import create_staff
from batua_api.auth import Role, Scope, issue_token, require_issuer
from batua_api.backing_up import backup
from batua_api.cli_identity import customers, keys, tokens
from batua_api.cli_webhooks import reseal, webhooks
from batua_api.demo import run_demo
from batua_api.granting import grants
from batua_api.interrupts import interrupted
from batua_api.local import local_settings
from batua_api.logs import configure_logs
from batua_api.new_gateway import new_gateway
from batua_api.reconcile import FORMATS, exit_code, reconcile_day, show_reports
from batua_api.server import run_server
from batua_api.simulators import installed_simulators, new_simulator, serve_simulator
from batua_api.verifying import Shown, print_proof, record_proof, verify_ledger

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
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


@cli.command()
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535))
@click.option("--database-url", help="Default: BATUA_DATABASE_URL, else sqlite:///batua.sqlite")
def demo(port: int, database_url: str | None) -> None:
    """Serve a shop with worker, simulators and seeded customers on 127.0.0.1."""
    settings = read_settings(os.environ)
    configure_logs(settings)
    url = database_url or settings.database_url
    asyncio.run(run_demo(os.environ, port=port, database_url=url))


@cli.command()
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


@cli.command()
def worker() -> None:
    """Send messages, recover events, poll providers. Several may run."""
    settings = local_settings(os.environ)
    configure_logs(settings)
    asyncio.run(_work(settings))


async def _work(settings: Settings) -> None:
    async with open_batua(settings, os.environ) as batua:
        batua.worker.start()
        await interrupted()


@cli.command()
@click.option("--back", is_flag=True, help="Take the newest migration back.")
def migrate(*, back: bool) -> None:
    """Bring the database's schema forwards, or one step back."""
    done = asyncio.run(_migrate(read_settings(os.environ), back=back))
    for name in done:
        click.echo(f"{'took back' if back else 'applied'} {name}")
    if not done:
        click.echo("nothing to do")


async def _migrate(settings: Settings, *, back: bool) -> list[str]:
    database = open_database(settings.database_url)
    await database.open()
    try:
        return await migrate_database(database, back=back)
    finally:
        await database.close()


@cli.command()
@click.option("--customer", help="Whose token: a customer's id.")
@click.option("--subject", help="The same for staff and services: who.")
@click.option("--scope", type=click.Choice([str(each) for each in Scope]), default="customer")
@click.option("--role", type=click.Choice([str(each) for each in Role]))
@click.option("--hours", default=12, show_default=True, type=click.IntRange(1, 8760))
def token(
    customer: str | None, subject: str | None, scope: str, role: str | None, hours: int
) -> None:
    """Print a token, and nothing else."""
    settings = local_settings(os.environ)
    if not settings.jwt_secret:
        raise ConfigurationError(
            "no secret to sign with: set BATUA_JWT_SECRET, or BATUA_DATABASE_URL to that of a demo"
        )
    who = customer or subject or (scope if scope != Scope.CUSTOMER else None)
    if not who:
        raise click.UsageError("say whose: --customer ID")
    try:
        require_customer_id(who)
    except InvalidRequest as error:
        raise click.UsageError(str(error)) from error
    rank = Role(role or Role.FINANCE) if scope == Scope.STAFF else None
    click.echo(issue_token(settings, who, Scope(scope), rank, ttl=timedelta(hours=hours)))


@cli.group()
def staff() -> None:
    """Staff accounts of the panel."""


@staff.command("create")
@click.argument("name")
@click.option("--role", type=click.Choice([str(each) for each in Role]), default="viewer")
@click.option("--password", help="Asked for when neither this nor --password-stdin is given.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def create(name: str, role: str, password: str | None, *, password_stdin: bool) -> None:
    """Create a staff account."""
    if password_stdin:
        password = sys.stdin.readline().rstrip("\n")
    if password is None:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    asyncio.run(_create_staff(local_settings(os.environ), name, password, role))
    click.echo(f"created {name} with role {role}")


async def _create_staff(settings: Settings, name: str, password: str, role: str) -> None:
    async with open_batua(settings, os.environ) as batua:
        await create_staff(batua, username=name, password=password, role=role)


@cli.command()
def gateways() -> None:
    """What is installed, in which state and mode, with which capabilities."""
    asyncio.run(_gateways(local_settings(os.environ)))


async def _gateways(settings: Settings) -> None:
    async with open_batua(settings, os.environ) as batua:
        await _print_gateways(batua)


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


@cli.command()
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


for command in (new_gateway, grants, backup, customers, keys, tokens, webhooks, reseal):
    cli.add_command(command)


@cli.command()
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


@cli.command()
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


if __name__ == "__main__":
    main()
