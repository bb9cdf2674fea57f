"""What commands do alike: open the shop that the environment names, and take somebody's id."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from batua.bootstrap import Batua, open_batua
from batua.errors import InvalidRequest
from batua.settings import Settings
from batua.wallets import require_customer_id
from batua_api.local import local_settings

__all__ = ["BY", "in_shop", "require_subject"]

BY = "command line"
"""Who did what a command did."""

T = TypeVar("T")


def in_shop(do: Callable[[Batua], Awaitable[T]]) -> T:
    """Open the shop that the environment names, and do something in it."""
    return asyncio.run(_open(local_settings(os.environ), do))


async def _open(settings: Settings, do: Callable[[Batua], Awaitable[T]]) -> T:
    async with open_batua(settings, os.environ) as batua:
        return await do(batua)


def require_subject(id: str) -> str:
    """A customer's, staff's or service's id. Raises click's ``UsageError``."""
    try:
        return require_customer_id(id)
    except InvalidRequest as error:
        raise click.UsageError(str(error)) from error
