"""The plugins that are installed, found by entry point and checked before anything of them runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TypeVar

from batua.contract import Gateway, Manifest, Notifier, check_gateway
from batua.errors import ConfigurationError

__all__ = ["installed_gateways", "installed_notifiers"]

P = TypeVar("P", Gateway, Notifier)


def installed_gateways() -> dict[str, type[Gateway]]:
    """Each by its code. Raises ``ConfigurationError`` for what is no gateway or is there twice."""
    return _load("batua.gateways", _check_gateway)


def installed_notifiers() -> dict[str, type[Notifier]]:
    """Each by its code. Raises ``ConfigurationError`` as for gateways."""
    return _load("batua.notifiers", _check_notifier)


def _load(group: str, check: Callable[[EntryPoint], type[P]]) -> dict[str, type[P]]:
    loaded: dict[str, type[P]] = {}
    for entry in _entries(group, tuple(sys.path)):
        if entry.name in loaded:
            raise ConfigurationError(
                f"two installed packages offer {group} {entry.name!r}: uninstall one of them"
            )
        loaded[entry.name] = check(entry)
    return loaded


@cache
def _entries(group: str, _path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    # It looks at every installed package; which those are changes with the path alone.
    return tuple(sorted(entry_points(group=group), key=lambda entry: entry.name))


def _check_gateway(entry: EntryPoint) -> type[Gateway]:
    plugin = entry.load()
    if not (isinstance(plugin, type) and issubclass(plugin, Gateway)):
        raise ConfigurationError(f"the entry point {entry.name!r} is not a batua.contract.Gateway")
    check_gateway(plugin)
    _check_code(entry, plugin.manifest)
    return plugin


def _check_notifier(entry: EntryPoint) -> type[Notifier]:
    plugin = entry.load()
    if not (isinstance(plugin, type) and issubclass(plugin, Notifier)):
        raise ConfigurationError(f"the entry point {entry.name!r} is not a batua.contract.Notifier")
    _check_code(entry, plugin.manifest)
    return plugin


def _check_code(entry: EntryPoint, manifest: Manifest) -> None:
    if manifest.code != entry.name:
        raise ConfigurationError(
            f"the entry point {entry.name!r} loads a plugin whose manifest says {manifest.code!r}"
        )
