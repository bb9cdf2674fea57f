"""What staff may know of a gateway's settings: of a secret only whether and by whom it is set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec

from batua.contract import PluginSettings
from batua.contract.manifest import secret_fields
from batua.database import Row
from batua.registry import Given
from batua.settings import variable

__all__ = ["Setting", "Source", "described"]

OPERATORS = frozenset({"url", "urls", "host", "hosts", "file", "files", "path", "dir"})
"""Last words of the names of settings that are the environment's alone."""


class Source(StrEnum):
    """Where a setting comes from."""

    ENVIRONMENT = "environment"
    PANEL = "panel"
    DEFAULT = "default"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting of a gateway.

    ``variable`` is what it is called in the environment. ``kind`` is ``secret``, ``text``,
    ``number``, ``yes or no`` or ``choice``: then ``choices`` has the words. ``value`` is None for
    a secret, and where there is none. ``problem`` says why what is stored can't be used.
    ``is_overruled`` says that something is stored too, and that the environment comes first.
    """

    name: str
    variable: str
    kind: str
    choices: tuple[str, ...]
    is_secret: bool
    is_required: bool
    is_writable: bool
    source: Source
    value: str | None
    written_by: str
    written_at: datetime | None
    is_overruled: bool
    problem: str

    @property
    def told(self) -> str:
        """Where it comes from, in words for people."""
        if self.source is Source.ENVIRONMENT:
            return "set in the environment"
        if self.source is Source.PANEL and self.written_at is not None:
            return f"set on {self.written_at:%Y-%m-%d} by {self.written_by}"
        return "missing" if self.source is Source.MISSING else "the default"


def described(
    settings: type[PluginSettings],
    code: str,
    told: Mapping[str, str],
    given: Given,
    rows: Mapping[str, Row],
) -> tuple[Setting, ...]:
    """Every setting of a gateway. ``told`` is the environment's word, ``rows`` what is stored."""
    secrets = secret_fields(settings)
    return tuple(
        _described(field, code, told, given, rows.get(field.name), is_secret=field.name in secrets)
        for field in msgspec.structs.fields(settings)
    )


def _described(
    field: msgspec.structs.FieldInfo,
    code: str,
    told: Mapping[str, str],
    given: Given,
    row: Row | None,
    *,
    is_secret: bool,
) -> Setting:
    name, is_stored = field.name, row is not None and row["sealed"] is not None
    source = _source(field, is_told=name in told, is_stored=is_stored)
    known = {
        Source.ENVIRONMENT: told.get(name),
        Source.PANEL: given.values.get(name),
        Source.DEFAULT: None if field.required else _word(field.default),
        Source.MISSING: None,
    }
    kind, choices = ("secret", ()) if is_secret else _kind(field)
    return Setting(
        name=name,
        variable=variable(code, name),
        kind=kind,
        choices=choices,
        is_secret=is_secret,
        is_required=field.required,
        is_writable=name not in told and not is_operators(name),
        source=source,
        value=None if is_secret else known[source],
        written_by=row["updated_by"] if row is not None else "",
        written_at=row["updated_at"] if row is not None else None,
        is_overruled=is_stored and source is Source.ENVIRONMENT,
        problem=given.unreadable.get(name, "") if source is Source.PANEL else "",
    )


def is_operators(name: str) -> bool:
    """Whether a setting is the environment's alone.

    It says where secrets are sent, where payers are sent or which file is read. Who may write a
    secret and never read it could read it all the same, had they the say where it goes.
    """
    return name.rpartition("_")[2] in OPERATORS


def _source(field: msgspec.structs.FieldInfo, *, is_told: bool, is_stored: bool) -> Source:
    if is_told:
        return Source.ENVIRONMENT
    if is_stored:
        return Source.PANEL
    return Source.MISSING if field.required else Source.DEFAULT


def _word(default: object) -> str:
    if isinstance(default, bool):
        return "on" if default else "off"
    return "" if default is None or default is msgspec.NODEFAULT else str(default)


def _kind(field: msgspec.structs.FieldInfo) -> tuple[str, tuple[str, ...]]:
    found = msgspec.inspect.type_info(field.type)
    if isinstance(found, msgspec.inspect.Metadata):
        found = found.type
    if isinstance(found, msgspec.inspect.LiteralType):
        return "choice", tuple(str(value) for value in found.values)
    if isinstance(found, msgspec.inspect.BoolType):
        return "yes or no", ()
    is_number = isinstance(found, msgspec.inspect.IntType | msgspec.inspect.FloatType)
    return ("number" if is_number else "text"), ()
