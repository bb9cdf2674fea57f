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
    reset_password,
    reset_second_factor,
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
    chosen = _chosen(password, password_stdin=password_stdin)
    in_shop(lambda batua: create_staff(batua, username=name, password=chosen, role=role))
    click.echo(f"created {name} with role {role}")


def _chosen(password: str | None, *, password_stdin: bool) -> str:
    if password_stdin:
        return sys.stdin.readline().rstrip("\n")
    if password is not None:
        return password
    asked: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return asked


@staff.command("list")
def list_() -> None:
    """Every account: its role, whether it may come in and how, and when it last did (UTC)."""
    for row in in_shop(list_staff):
        click.echo(_line(row))


def _line(row: Row) -> str:
    state = "active" if row["active"] and row["admin"] else "disabled"
    last = row["last_login"]
    login = "never signed in" if last is None else f"last signed in {last:%Y-%m-%dT%H:%M}"
    factor = "second factor" if row["has_factor"] else "password alone"
    return f"{row['username']}  {row['role']}  {state}  {factor}  {login}"


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
    """Give somebody another role. It ends their sessions of the panel."""
    before = in_shop(lambda batua: set_staff_role(batua, name, Role(role)))
    click.echo(f"{name} was {before} and is {role}")


@staff.command("password")
@click.argument("name")
@click.option("--password", help="Asked for when neither this nor --password-stdin is given.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def password_(name: str, password: str | None, *, password_stdin: bool) -> None:
    """Give somebody another password. It ends their sessions of the panel."""
    chosen = _chosen(password, password_stdin=password_stdin)
    in_shop(lambda batua: reset_password(batua, name, chosen))
    click.echo(f"{name} has another password")


@staff.command("reset-mfa")
@click.argument("name")
def reset_mfa(name: str) -> None:
    """Take away the second factor of somebody who has lost it. It ends their sessions."""
    done = in_shop(lambda batua: reset_second_factor(batua, name))
    click.echo(f"{name} has no second factor any more" if done else f"{name} had no second factor")
