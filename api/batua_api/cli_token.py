"""``batua token``."""

from __future__ import annotations

import os
from datetime import timedelta

import click

from batua.errors import ConfigurationError
from batua_api.auth import Role, Scope, issue_token
from batua_api.commanding import require_subject
from batua_api.local import local_settings

__all__ = ["token"]


@click.command()
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
    require_subject(who)
    rank = Role(role or Role.FINANCE) if scope == Scope.STAFF else None
    click.echo(issue_token(settings, who, Scope(scope), rank, ttl=timedelta(hours=hours)))
