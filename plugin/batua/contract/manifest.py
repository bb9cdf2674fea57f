"""The manifest: what a plugin says about itself before anything of it runs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

import msgspec

from batua.contract.capabilities import Capabilities

__all__ = ["Manifest", "PluginSettings", "Secret", "secret_fields"]

Secret = Annotated[str, msgspec.Meta(extra={"secret": True})]
"""A settings field that is never shown: not in a repr, a log, an error or the panel."""


class PluginSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of a plugin's settings.

    Field ``webhook_secret`` of the gateway ``razorpay`` is read from
    ``BATUA_RAZORPAY_WEBHOOK_SECRET``. A field without a default is required: while it is
    missing or empty the plugin is off, with a clear line at start.
    """

    def __repr__(self) -> str:
        hidden = secret_fields(type(self))
        shown = ", ".join(
            f"{name}={'***' if name in hidden else repr(getattr(self, name))}"
            for name in self.__struct_fields__
        )
        return f"{type(self).__name__}({shown})"


@cache
def secret_fields(settings: type[PluginSettings]) -> frozenset[str]:
    """The names of the fields that are marked ``Secret``."""
    return frozenset(
        field.name for field in msgspec.structs.fields(settings) if _is_secret(field.type)
    )


def _is_secret(annotation: Any) -> bool:
    # Secret | None keeps its marker one level down.
    inner = (annotation, *getattr(annotation, "__args__", ()))
    return any(
        isinstance(meta, msgspec.Meta) and bool((meta.extra or {}).get("secret"))
        for part in inner
        for meta in getattr(part, "__metadata__", ())
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Frozen facts about a plugin, as Odoo's manifests are.

    ``code`` is its name in settings, URLs and rows: lower-case letters and digits.
    ``capabilities`` is None for a notifier. ``depends`` names distributions that it needs.
    """

    code: str
    name: str
    summary: str
    version: str
    author: str
    category: str
    settings: type[PluginSettings]
    capabilities: Capabilities | None = None
    depends: tuple[str, ...] = ()
