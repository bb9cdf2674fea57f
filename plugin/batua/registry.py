"""Which plugins are installed, how each is configured, and which of them work.

Gateways and notifiers are found by entry point.  The built-in ones are loaded the same way: the
core imports none of them.  A plugin whose settings are missing stays off, with a reason; it never
means "accept".
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

import httpx
import requests

from batua.clock import Clock
from batua.contract import Gateway, Manifest, Notifier, Transport, check_gateway
from batua.errors import ConfigurationError, Conflict
from batua.failpoints import reach
from batua.settings import read_plugin_settings

__all__ = ["Plugin", "Registry"]

GATEWAYS = "batua.gateways"
NOTIFIERS = "batua.notifiers"
THREADS_PER_PLUGIN = 8
"""A provider that hangs fills its own threads and nobody else's."""

log = logging.getLogger(__name__)

P = TypeVar("P", Gateway, Notifier)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Plugin(Generic[P]):
    """An installed plugin. ``instance`` is None where ``problem`` says why it is off."""

    manifest: Manifest
    instance: P | None
    problem: str = ""


class Registry:
    """The plugins of one process. ``close`` frees their connections and threads."""

    def __init__(self, environ: Mapping[str, str], *, now: Clock, timeout_s: float) -> None:
        self._now = now
        self._timeout_s = timeout_s
        self._closers: list[Callable[[], Any]] = []
        self._http: list[httpx.AsyncClient] = []
        # Loading the certificates takes longer than all the rest of opening a shop.
        self._tls = httpx.create_ssl_context(trust_env=False)
        self.gateways: dict[str, Plugin[Gateway]] = {
            code: self._build(code, loaded, environ)
            for code, loaded in _load(GATEWAYS, _check_gateway).items()
        }
        self.notifiers: dict[str, Plugin[Notifier]] = {
            code: self._build(code, loaded, environ)
            for code, loaded in _load(NOTIFIERS, _check_notifier).items()
        }

    async def close(self) -> None:
        """Close every connection and thread that plugins were given."""
        for client in self._http:
            await client.aclose()
        for close in self._closers:
            close()

    def gateway(self, code: str) -> Gateway:
        """A working gateway. Raises ``Conflict``: ``gateway_off`` when it is off or unknown."""
        plugin = self.gateways.get(code)
        if plugin is None or plugin.instance is None:
            why = "is not installed" if plugin is None else plugin.problem
            raise Conflict("gateway_off", f"The gateway {code!r} can't be used: {why}")
        return plugin.instance

    def _build(self, code: str, plugin: type[P], environ: Mapping[str, str]) -> Plugin[P]:
        try:
            settings = read_plugin_settings(plugin.manifest.settings, code, environ)
            return Plugin(plugin.manifest, plugin(settings, self._transport(code)))
        except ConfigurationError as error:
            problem = str(error)
        except ValueError as error:
            problem = f"{code} is off: {error}"
        return Plugin(plugin.manifest, None, problem)

    def _transport(self, code: str) -> Transport:
        http = httpx.AsyncClient(
            verify=self._tls, timeout=self._timeout_s, follow_redirects=False, trust_env=False
        )
        session = requests.Session()
        session.trust_env = False
        threads = ThreadPoolExecutor(THREADS_PER_PLUGIN, thread_name_prefix=f"batua-{code}")
        self._http.append(http)
        self._closers += [session.close, lambda: threads.shutdown(wait=False, cancel_futures=True)]

        async def run_blocking(call: Callable[[], T], /) -> T:
            reach("gateway.asking")
            answer = await asyncio.get_running_loop().run_in_executor(threads, call)
            reach("gateway.answered")
            return answer

        return Transport(
            http=http,
            session=session,
            run_blocking=run_blocking,
            timeout_s=self._timeout_s,
            now=self._now,
        )


def _load(group: str, check: Callable[[EntryPoint], type[P]]) -> dict[str, type[P]]:
    loaded: dict[str, type[P]] = {}
    for entry in sorted(entry_points(group=group), key=lambda entry: entry.name):
        if entry.name in loaded:
            raise ConfigurationError(
                f"two installed packages offer {group} {entry.name!r}: uninstall one of them"
            )
        loaded[entry.name] = check(entry)
    return loaded


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
