"""``batua customers``: who may come in, and what a person may ask for."""

from __future__ import annotations

from batua_api.cli_identity import customers
from batua_api.cli_privacy import erase, export

__all__ = ["customers"]

customers.add_command(export)
customers.add_command(erase)
