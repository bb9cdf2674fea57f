"""The one migration history, in order. It serves every engine and goes forwards and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from batua.dialect import Dialect
from batua.migrations import m0001_foundation as m0001
from batua.migrations import m0002_lots as m0002
from batua.migrations import m0003_attention as m0003
from batua.migrations import m0004_head_version as m0004
from batua.migrations import m0005_found_by_provider as m0005
from batua.migrations import m0006_parents as m0006
from batua.migrations import m0007_disputes as m0007
from batua.migrations import m0008_identity as m0008
from batua.migrations import m0009_call_counts as m0009
from batua.migrations import m0010_events as m0010
from batua.migrations import m0011_privacy as m0011
from batua.migrations import m0012_signs as m0012
from batua.migrations import m0013_audit as m0013
from batua.migrations import m0014_staff as m0014
from batua.migrations import m0015_insight as m0015
from batua.migrations import m0016_lists as m0016
from batua.migrations import m0018_gateway_settings as m0018
from batua.migrations import m0019_finding as m0019

__all__ = ["MIGRATIONS", "Migration"]


class Migration(NamedTuple):
    """One step of the schema: the statements that take it, and those that take it back.

    While a table that it ``keeps`` has a row, there is no way back: it would drop what we owe
    somebody, or let in who was shut out. Empty is for a step that loses nothing.
    """

    name: str
    forwards: Callable[[Dialect], list[str]]
    backwards: Callable[[Dialect], list[str]]
    keeps: tuple[str, ...]


MIGRATIONS = (
    Migration(m0001.NAME, m0001.forwards, m0001.backwards, ("batua_transfer",)),
    Migration(m0002.NAME, m0002.forwards, m0002.backwards, ("batua_lot",)),
    Migration(m0003.NAME, m0003.forwards, m0003.backwards, ()),
    Migration(m0004.NAME, m0004.forwards, m0004.backwards, ()),
    Migration(m0005.NAME, m0005.forwards, m0005.backwards, ()),
    Migration(m0006.NAME, m0006.forwards, m0006.backwards, ()),
    Migration(m0007.NAME, m0007.forwards, m0007.backwards, ("batua_dispute",)),
    Migration(
        m0008.NAME,
        m0008.forwards,
        m0008.backwards,
        ("batua_disabled_customer", "batua_revocation", "batua_api_key"),
    ),
    Migration(m0009.NAME, m0009.forwards, m0009.backwards, ()),
    Migration(m0010.NAME, m0010.forwards, m0010.backwards, ("batua_listener",)),
    Migration(m0011.NAME, m0011.forwards, m0011.backwards, ("batua_erasure",)),
    Migration(m0012.NAME, m0012.forwards, m0012.backwards, ()),
    Migration(m0013.NAME, m0013.forwards, m0013.backwards, ("batua_audit",)),
    # Without it whoever knows a password is let in.
    Migration(m0014.NAME, m0014.forwards, m0014.backwards, ("batua_second_factor",)),
    Migration(m0015.NAME, m0015.forwards, m0015.backwards, ()),
    Migration(m0016.NAME, m0016.forwards, m0016.backwards, ()),
    Migration(m0018.NAME, m0018.forwards, m0018.backwards, ("batua_gateway_setting",)),
    Migration(m0019.NAME, m0019.forwards, m0019.backwards, ()),
)
