"""``batua staff``: accounts of the panel."""

from __future__ import annotations

import asyncio
import os
import sys

import click

from batua.bootstrap import open_batua
from batua.settings import Settings
from batua_admin import create_staff
from batua_api.auth import Role
from batua_api.local import local_settings

__all__ = ["staff"]


@click.group()
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
