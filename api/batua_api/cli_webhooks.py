"""``batua webhooks``: who is told of events. ``batua reseal``: all secrets under a new key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import click

from batua.bootstrap import Batua
from batua.database import Row
from batua.events import DeliveryFailed, Event, EventType, TrialFact
from batua_admin import reseal_second_factors
from batua_api.commanding import in_shop

__all__ = ["reseal", "webhooks"]

WHEN = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])


@click.group()
def webhooks() -> None:
    """Endpoints that are told of events, by signed webhooks; and a host's hooks."""


@webhooks.command()
@click.argument("url")
@click.option("--event", "events", multiple=True, help="Which; may be repeated. Default: all")
def add(url: str, events: tuple[str, ...]) -> None:
    """Add an endpoint. Prints its id and its secret, which is never shown again."""
    id, secret = in_shop(lambda batua: batua.listeners.add(url, events or ("*",)))  # noqa: A001
    click.echo(f"id      {id}\nsecret  {secret}")


@webhooks.command("list")
def list_() -> None:
    """Who listens, to what, how much waits for each, and how much is dead."""
    for row in in_shop(lambda batua: batua.listeners.list()):
        click.echo(_line(row))


def _line(row: Row) -> str:
    note = f"  ({row['note']})" if row["note"] else ""
    counts = f"{row['waiting']} waiting, {row['dead']} dead"
    return f"{row['id']}  {row['status']}{note}  {row['events']}  {row['url'] or '-'}  {counts}"


@webhooks.command()
@click.argument("endpoint")
@click.option("--overlap-hours", default=24, show_default=True, type=click.IntRange(0, 720))
def rotate(endpoint: str, overlap_hours: int) -> None:
    """A new secret; the old one signs too for a while. Prints the new one."""
    overlap = timedelta(hours=overlap_hours)
    click.echo(in_shop(lambda batua: batua.listeners.rotate(endpoint, overlap=overlap)))


@webhooks.command()
@click.argument("endpoint")
def enable(endpoint: str) -> None:
    """Send to it again, what has waited too."""
    in_shop(lambda batua: batua.listeners.enable(endpoint))
    click.echo(f"{endpoint} is enabled")


@webhooks.command()
@click.argument("endpoint")
def disable(endpoint: str) -> None:
    """Send nothing more to it."""
    in_shop(lambda batua: batua.listeners.disable(endpoint, "by an operator"))
    click.echo(f"{endpoint} is disabled")


@webhooks.command("test")
@click.argument("endpoint")
def test_(endpoint: str) -> None:
    """Send it a webhook.test at once, and say what came of it."""
    try:
        in_shop(lambda batua: _try(batua, endpoint))
    except DeliveryFailed as failure:
        raise click.ClickException(f"{endpoint} did not take it: {failure}") from None
    click.echo(f"{endpoint} took it")


async def _try(batua: Batua, endpoint: str) -> None:
    listener = await batua.listeners.read_endpoint(endpoint)
    event = Event(
        id=batua.new_id("evt"),
        type=EventType.WEBHOOK_TEST,
        occurred_at=batua.now(),
        data=TrialFact(endpoint=endpoint),
    )
    await batua.sender.tell(listener, event)


@webhooks.command()
@click.argument("endpoint", required=False)
@click.option("--since", type=WHEN, help="UTC: tell ENDPOINT again of all since then.")
@click.option("--delivery", help="The id of one delivery to make again.")
def replay(endpoint: str | None, since: datetime | None, delivery: str | None) -> None:
    """Make events due again: of an endpoint or a hook since a time, or one delivery."""
    if delivery is not None and endpoint is None and since is None:
        in_shop(lambda batua: batua.listeners.replay_one(delivery))
        click.echo(f"{delivery} is due again")
    elif delivery is None and endpoint is not None and since is not None:
        moment = since.replace(tzinfo=UTC)
        count = in_shop(lambda batua: batua.listeners.replay(endpoint, since=moment))
        click.echo(f"{count} events are due again for {endpoint}")
    else:
        raise click.UsageError("say ENDPOINT and --since, or --delivery alone")


@click.command()
def reseal() -> None:
    """Seal every stored secret with the newest of BATUA_ENCRYPTION_KEY."""
    click.echo(f"resealed {in_shop(_reseal)} secrets")


async def _reseal(batua: Batua) -> int:
    return (
        await batua.listeners.reseal()
        + await batua.gateway_settings.reseal()
        + await reseal_second_factors(batua)
    )
