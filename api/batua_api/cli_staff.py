"""``batua staff``: accounts of the panel."""

from __future__ import annotations

import sys

import click

from batua.database import Row
from batua.identity import Role
from batua_admin import (
    create_staff,
    disable_staff,
    enable_staff,
    list_staff,
    set_staff_role,
)
from batua_api.commanding import in_shop

__all__ = ["staff"]

ROLES = click.Choice([str(each) for each in Role])


@click.group()
def staff() -> None:
    """Staff accounts of the panel."""


@staff.command("create")
@click.argument("name")
@click.option("--role", type=ROLES, default="viewer")
@click.option("--password", help="Asked for when neither this nor --password-stdin is given.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def create(name: str, role: str, password: str | None, *, password_stdin: bool) -> None:
    """Create a staff account."""
    if password_stdin:
        password = sys.stdin.readline().rstrip("\n")
    if password is None:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    chosen = password
    in_shop(lambda batua: create_staff(batua, username=name, password=chosen, role=role))
    click.echo(f"created {name} with role {role}")


@staff.command("list")
def list_() -> None:
    """Every account: its role, whether it may come in, and when it last did (server's zone)."""
    for row in in_shop(list_staff):
        click.echo(_line(row))


def _line(row: Row) -> str:
    state = "active" if row["active"] and row["admin"] else "disabled"
    last = row["last_login"]
    login = "never signed in" if last is None else f"last signed in {last:%Y-%m-%dT%H:%M}"
    return f"{row['username']}  {row['role']}  {state}  {login}"


@staff.command("disable")
@click.argument("name")
def disable(name: str) -> None:
    """Shut somebody out: the panel at once, tokens of this name within five seconds."""
    done = in_shop(lambda batua: disable_staff(batua, name))
    click.echo(f"{name} is disabled" if done else f"{name} was disabled already")


@staff.command("enable")
@click.argument("name")
def enable(name: str) -> None:
    """Let somebody in again. They sign in anew."""
    done = in_shop(lambda batua: enable_staff(batua, name))
    click.echo(f"{name} is enabled" if done else f"{name} was not disabled")


@staff.command("role")
@click.argument("name")
@click.argument("role", type=ROLES)
def role_(name: str, role: str) -> None:
    """Give somebody another role. A lower one ends their sessions of the panel."""
    before = in_shop(lambda batua: set_staff_role(batua, name, Role(role)))
    click.echo(f"{name} was {before} and is {role}")
