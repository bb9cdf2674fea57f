"""Which plugins are installed, how each is configured, and which of them work.

Gateways and notifiers are found by entry point.  The built-in ones are loaded the same way: the
core imports none of them.  A plugin whose settings are missing stays off, with a reason; it never
means "accept".
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar

import httpx
import requests

from batua.breaker import Breaker
from batua.calls import Calls
from batua.certificates import trusted_certificates
from batua.clock import Clock
from batua.contract import (
    Fronts,
    Gateway,
    GatewayUnavailable,
    Manifest,
    Notifier,
    NotifierUnavailable,
    Transport,
    check_gateway,
)
from batua.errors import ConfigurationError, Conflict
from batua.settings import read_plugin_settings
from batua.transports import BlockingCalls, GuardedAdapter, GuardedTransport
from batua.watching import UNWATCHED, Watcher

__all__ = ["Plugin", "Registry"]

GATEWAYS = "batua.gateways"
NOTIFIERS = "batua.notifiers"
FAILURES_MAX = 5

log = logging.getLogger(__name__)

P = TypeVar("P", Gateway, Notifier)


@dataclass(frozen=True, slots=True)
class Plugin(Generic[P]):
    """An installed plugin. ``instance`` is None where ``problem`` says why it is off."""

    manifest: Manifest
    instance: P | None
    problem: str = ""


class Registry:
    """The plugins of one process. ``close`` frees their connections and threads.

    ``breakers`` has the circuit breaker of each plugin by its code. ``failures_max`` calls in a
    row without an answer open it; ``monotonic`` is its clock in seconds. ``watcher`` is told of
    every call.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        now: Clock,
        timeout_s: float,
        failures_max: int = FAILURES_MAX,
        monotonic: Callable[[], float] = time.monotonic,
        watcher: Watcher = UNWATCHED,
    ) -> None:
        self._now = now
        self._timeout_s = timeout_s
        self._failures_max = failures_max
        self._monotonic = monotonic
        self._watcher = watcher
        self.breakers: dict[str, Breaker] = {}
        self._closers: list[Callable[[], Any]] = []
        self._http: list[httpx.AsyncClient] = []
        self.gateways: dict[str, Plugin[Gateway]] = {
            code: self._build(code, loaded, environ)
            for code, loaded in _load(GATEWAYS, _check_gateway).items()
        }
        # A front may come before its processor: all are built first.
        self._processors: dict[str, str] = {}
        self.gateways |= {code: self._connected(code) for code in self.gateways}
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

    def processor_of(self, code: str) -> str:
        """Whose money a payment of this gateway is: its processor's where it is a front."""
        return self._processors.get(code, code)

    def front_of(self, code: str) -> str | None:
        """The gateway itself where it stands before a processor, else None."""
        return code if code in self._processors else None

    def _connected(self, code: str) -> Plugin[Gateway]:
        plugin = self.gateways[code]
        front: object = plugin.instance
        if not isinstance(front, Fronts):
            return plugin
        try:
            name = front.processor
            front.connect(self._processor(code, name))
        except ValueError as error:
            return replace(plugin, instance=None, problem=f"{code} is off: {error}")
        self._processors[code] = name
        return plugin

    def _processor(self, code: str, name: str) -> Gateway:
        if name == code:
            raise ValueError("it can't be its own processor")
        plugin = self.gateways.get(name)
        if plugin is None:
            raise ValueError(f"its processor {name!r} is not installed")
        if plugin.instance is None:
            raise ValueError(f"its processor can't be used: {plugin.problem}")
        if isinstance(plugin.instance, Fronts):
            raise ValueError(f"its processor {name!r} takes no money itself")  # noqa: TRY004 - a setting is wrong, no type
        return plugin.instance

    def _build(self, code: str, plugin: type[P], environ: Mapping[str, str]) -> Plugin[P]:
        try:
            settings = read_plugin_settings(plugin.manifest.settings, code, environ)
            is_gateway = issubclass(plugin, Gateway)
            transport = self._transport(
                code, GatewayUnavailable if is_gateway else NotifierUnavailable
            )
            return Plugin(plugin.manifest, plugin(settings, transport))
        except ConfigurationError as error:
            problem = str(error)
        except ValueError as error:
            problem = f"{code} is off: {error}"
        return Plugin(plugin.manifest, None, problem)

    def _transport(self, code: str, unavailable: type[Exception]) -> Transport:
        timeout_s = self._timeout_s
        breaker = Breaker(
            code,
            failures_max=self._failures_max,
            # Calls that time out one after another must still count as a row.
            within_s=60 + self._failures_max * timeout_s,
            now=self._monotonic,
        )
        told = Calls(code, self._watcher)
        network = httpx.AsyncHTTPTransport(verify=trusted_certificates(), trust_env=False)
        http = httpx.AsyncClient(
            transport=GuardedTransport(network, breaker, timeout_s, told),
            timeout=timeout_s,
            follow_redirects=False,
            trust_env=False,
        )
        session = requests.Session()
        session.trust_env = False
        for scheme in ("http://", "https://"):
            session.mount(scheme, GuardedAdapter(breaker, timeout_s, told))
        calls = BlockingCalls(code, breaker, unavailable)
        self.breakers[code] = breaker
        self._http.append(http)
        self._closers += [session.close, calls.close]
        return Transport(
            http=http,
            session=session,
            run_blocking=calls.run,
            timeout_s=timeout_s,
            now=self._now,
        )


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
