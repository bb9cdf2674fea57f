"""The table of gateways' settings, as Piccolo knows it."""

from __future__ import annotations

from piccolo.columns import BigInt, Text, Timestamptz
from piccolo.table import Table

__all__ = ["GatewaySetting"]


class GatewaySetting(Table, tablename="batua_gateway_setting"):
    """One setting that staff have written: ``id`` is its gateway and name with a dot between.

    ``sealed`` is its value, secret or not, sealed for this row; null once it was cleared.
    """

    id = Text(primary_key=True)
    gateway = Text()
    name = Text()
    sealed = Text(null=True, secret=True)
    updated_by = Text()
    updated_at = Timestamptz()
    version = BigInt()
