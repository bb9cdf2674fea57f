"""``batua tokens`` and ``batua keys``: who may come in.

What they change holds in every process within five seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import click

from batua.database import Row
from batua.identity import Permission, Scope
from batua_api.commanding import BY, in_shop, require_subject

__all__ = ["keys", "tokens"]


@click.group()
def tokens() -> None:
    """Tokens that are not to be taken any more."""


@tokens.command("revoke")
@click.option("--jti", help="One token, by its id.")
@click.option("--customer", help="All of a customer's that were issued before now.")
@click.option("--staff", help="The same of a member of staff.")
@click.option("--service", help="The same of a service. Its API keys stay: see batua keys.")
def revoke_tokens(
    jti: str | None, customer: str | None, staff: str | None, service: str | None
) -> None:
    """Revoke one token, or all of somebody's."""
    named = {Scope.CUSTOMER: customer, Scope.STAFF: staff, Scope.SERVICE: service}
    wanted = [(scope, name) for scope, name in named.items() if name]
    if len(wanted) + bool(jti) != 1:
        raise click.UsageError("say one of --jti, --customer, --staff and --service")
    if jti:
        in_shop(lambda batua: batua.identity.revocations.revoke_token(jti, by=BY))
        click.echo(f"revoked the token {jti}")
        return
    scope, name = wanted[0][0], require_subject(wanted[0][1])
    in_shop(lambda batua: batua.identity.revocations.revoke_subject(scope, name, by=BY))
    click.echo(f"revoked all tokens of {scope} {name} that were issued before now")


@click.group()
def keys() -> None:
    """API keys of services."""


MAY = click.Choice([str(each) for each in Permission])


@keys.command("create")
@click.argument("name")
@click.option("--may", multiple=True, type=MAY, help="What it may do; may be given again.")
@click.option("--expires-days", type=click.IntRange(1, 3650), help="Default: never.")
def create(name: str, may: Sequence[str], expires_days: int | None) -> None:
    """Make a service's first key, and print it once."""
    if not may:
        raise click.UsageError(f"say what it --may: {', '.join(Permission)}")
    permissions = [Permission(each) for each in may]
    expires_in = None if expires_days is None else timedelta(days=expires_days)
    made = in_shop(
        lambda batua: batua.identity.keys.create(name, permissions, expires_in=expires_in, by=BY)
    )
    click.echo(made.plain)


@keys.command("rotate")
@click.argument("name")
@click.option("--overlap-hours", default=24, show_default=True, type=click.IntRange(0, 720))
def rotate(name: str, overlap_hours: int) -> None:
    """Make a new key, print it once, and let the old ones end after the overlap."""
    overlap = timedelta(hours=overlap_hours)
    made = in_shop(lambda batua: batua.identity.keys.rotate(name, overlap=overlap, by=BY))
    click.echo(made.plain)


@keys.command("revoke")
@click.argument("name")
def revoke_keys(name: str) -> None:
    """End all keys of a service now."""
    count = in_shop(lambda batua: batua.identity.keys.revoke(name))
    click.echo(f"revoked {count} of {name}")


@keys.command("list")
def list_keys() -> None:
    """Every key there was, newest first. The keys themselves are not kept."""
    for row in in_shop(lambda batua: batua.identity.keys.all()):
        click.echo(_line(row))


def _line(row: Row) -> str:
    ends = row["revoked_at"] or row["expires_at"]
    word = "revoked" if row["revoked_at"] else "expires"
    return (
        f"{row['id']}  {row['name']}  may {row['permissions']}, made {_day(row['created_at'])},"
        f" {word} {_day(ends)}, last used {_day(row['last_used_at'])}"
    )


def _day(moment: datetime | None) -> str:
    return "never" if moment is None else f"{moment:%Y-%m-%dT%H:%MZ}"
