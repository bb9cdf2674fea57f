"""Which plugins are installed, how each is configured, and which of them work.

Gateways and notifiers are found by entry point.  The built-in ones are loaded the same way: the
core imports none of them.  A plugin whose settings are missing stays off, with a reason; it never
means "accept".  A gateway's settings come from the environment and, beneath it, from what staff
have written in the panel: when that changes the gateway is made anew while the others go on.
"""

from __future__ import annotations

import logging
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from batua.breaker import Breaker
from batua.clock import Clock
from batua.contract import (
    Fronts,
    Gateway,
    GatewayUnavailable,
    Manifest,
    Notifier,
    NotifierUnavailable,
    PluginSettings,
)
from batua.errors import ConfigurationError, Conflict
from batua.installed import installed_gateways, installed_notifiers
from batua.lines import Line, Lines
from batua.settings import own_variables, read_plugin_settings
from batua.watching import UNWATCHED, Watcher

__all__ = ["Given", "Plugin", "Registry"]

FAILURES_MAX = 5

log = logging.getLogger(__name__)

P = TypeVar("P", Gateway, Notifier)


@dataclass(frozen=True, slots=True)
class Given:
    """What staff gave a gateway: values by field, and why others are there but can't be read."""

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    unreadable: Mapping[str, str] = field(default_factory=dict)


NOTHING_GIVEN = Given()


@dataclass(frozen=True, slots=True)
class Plugin(Generic[P]):
    """An installed plugin. ``instance`` is None where ``problem`` says why it is off."""

    manifest: Manifest
    instance: P | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Gateways:
    """The gateways of a process, connected with one another."""

    plugins: dict[str, Plugin[Gateway]] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    processors: dict[str, str] = field(default_factory=dict)


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
        self._environ = environ
        self._lines = Lines(
            now=now,
            timeout_s=timeout_s,
            failures_max=failures_max,
            monotonic=monotonic,
            watcher=watcher,
        )
        self._given: Mapping[str, Given] = {}
        self._retired: list[tuple[Line, weakref.ref[Gateway] | None]] = []
        self._classes = installed_gateways()
        self._gateways = _Gateways()
        self._gateways = self._assembled({})
        self.notifiers: dict[str, Plugin[Notifier]] = {}
        self._lines_of_notifiers: dict[str, Line] = {}
        for code, loaded in installed_notifiers().items():
            self.notifiers[code], line = self._built(code, loaded, NotifierUnavailable)
            if line is not None:
                self._lines_of_notifiers[code] = line

    @property
    def gateways(self) -> Mapping[str, Plugin[Gateway]]:
        """Every installed gateway by its code. Ask again rather than keep it: it is replaced."""
        return self._gateways.plugins

    @property
    def breakers(self) -> Mapping[str, Breaker]:
        """The circuit breaker of each plugin by its code."""
        lines = self._gateways.lines | self._lines_of_notifiers
        return {code: line.breaker for code, line in lines.items()}

    async def close(self) -> None:
        """Close every connection and thread that plugins were given."""
        retired = [line for line, _ in self._retired]
        self._retired.clear()
        for line in (*self._gateways.lines.values(), *self._lines_of_notifiers.values(), *retired):
            await line.close()

    def gateway(self, code: str) -> Gateway:
        """A working gateway. Raises ``Conflict``: ``gateway_off`` when it is off or unknown."""
        plugin = self.gateways.get(code)
        if plugin is None or plugin.instance is None:
            why = "is not installed" if plugin is None else plugin.problem
            raise Conflict("gateway_off", f"The gateway {code!r} can't be used: {why}")
        return plugin.instance

    def processor_of(self, code: str) -> str:
        """Whose money a payment of this gateway is: its processor's where it is a front."""
        return self._gateways.processors.get(code, code)

    def front_of(self, code: str) -> str | None:
        """The gateway itself where it stands before a processor, else None."""
        return code if code in self._gateways.processors else None

    def from_environment(self, code: str) -> Mapping[str, str]:
        """What the environment says of an installed gateway, by field. It has secrets."""
        return own_variables(self.gateways[code].manifest.settings, code, self._environ)

    # --- what staff give --------------------------------------------------------------------

    async def tried(self, given: Mapping[str, Given]) -> Mapping[str, Plugin[Gateway]]:
        """What the gateways would be with this given: nobody uses them yet."""
        assembled = self._assembled(given)
        for code, line in assembled.lines.items():
            if line is not self._gateways.lines.get(code):
                await line.close()
        return assembled.plugins

    def give(self, given: Mapping[str, Given]) -> None:
        """From now on gateways have this. Those that it changes are made anew, all at once.

        Whoever is using an old one goes on with it: see ``close_unused``.
        """
        before, after = self._gateways, self._assembled(given)
        self._given, self._gateways = given, after
        for code, plugin in after.plugins.items():
            was = before.plugins[code]
            if plugin is was:
                continue
            if code in before.lines:
                user = weakref.ref(was.instance) if was.instance is not None else None
                self._retired.append((before.lines[code], user))
            if plugin.instance is not None:
                log.info("%s has new settings now, of mode %s", code, plugin.instance.mode)
            elif plugin.problem != was.problem:
                log.warning("%s", plugin.problem)

    async def close_unused(self) -> None:
        """Close the lines of gateways that were replaced and that nobody is using any more."""
        unused = [line for line, user in self._retired if user is None or user() is None]
        self._retired = [each for each in self._retired if each[0] not in unused]
        for line in unused:
            await line.close()

    # --- how they are made ------------------------------------------------------------------

    def _assembled(self, given: Mapping[str, Given]) -> _Gateways:
        """The gateways with this given: those that nothing changes for as they are."""
        made = _Gateways()
        changed = {
            code
            for code in self._classes
            if given.get(code, NOTHING_GIVEN) != self._given.get(code, NOTHING_GIVEN)
        }
        for code, loaded in self._classes.items():
            if code in changed or self._is_affected(code, changed):
                self._make(made, code, loaded, given.get(code, NOTHING_GIVEN))
            else:
                self._keep(made, code)
        # A front may come before its processor: all are made first.
        for code, plugin in made.plugins.items():
            if code not in made.processors:
                made.plugins[code] = _connected(code, plugin, made)
        return made

    def _is_affected(self, code: str, changed: set[str]) -> bool:
        """Whether it is new, or a front that may get a processor, or whose own is made anew."""
        known = self._gateways
        if code not in known.plugins:
            return True
        is_on = known.plugins[code].instance is not None
        is_front = all(hasattr(self._classes[code], name) for name in ("processor", "connect"))
        return is_front and not (is_on and known.processors[code] not in changed)

    def _keep(self, made: _Gateways, code: str) -> None:
        known = self._gateways
        made.plugins[code] = known.plugins[code]
        if code in known.lines:
            made.lines[code] = known.lines[code]
        if code in known.processors:
            made.processors[code] = known.processors[code]

    def _make(self, made: _Gateways, code: str, loaded: type[Gateway], given: Given) -> None:
        made.plugins[code], line = self._built(code, loaded, GatewayUnavailable, given)
        if line is not None:
            made.lines[code] = line

    def _built(
        self,
        code: str,
        loaded: type[P],
        unavailable: type[Exception],
        given: Given = NOTHING_GIVEN,
    ) -> tuple[Plugin[P], Line | None]:
        manifest, line = loaded.manifest, None
        try:
            _require_readable(code, given, self._environ, manifest.settings)
            settings = read_plugin_settings(manifest.settings, code, self._environ, given.values)
            line = self._lines.lay(code, unavailable)
            return Plugin(manifest, loaded(settings, line.transport)), line
        except ConfigurationError as error:
            problem = str(error)
        except ValueError as error:
            problem = f"{code} is off: {error}"
        except Exception:
            # An adapter with a bug must not take down the others, at start or later.
            log.exception("%s could not be made of its settings", code)
            problem = f"{code} is off: it could not be made of its settings, the log says why"
        return Plugin(manifest, None, problem), line


def _require_readable(
    code: str, given: Given, environ: Mapping[str, str], settings: type[PluginSettings]
) -> None:
    """Something else than what staff have written must never be used in its place."""
    told = own_variables(settings, code, environ)
    for name, reason in given.unreadable.items():
        if name not in told:
            raise ConfigurationError(f"{code} is off: {reason}")


def _connected(code: str, plugin: Plugin[Gateway], made: _Gateways) -> Plugin[Gateway]:
    front: object = plugin.instance
    if not isinstance(front, Fronts):
        return plugin
    try:
        name = front.processor
        front.connect(_processor(code, name, made))
    except ValueError as error:
        return replace(plugin, instance=None, problem=f"{code} is off: {error}")
    made.processors[code] = name
    return plugin


def _processor(code: str, name: str, made: _Gateways) -> Gateway:
    if name == code:
        raise ValueError("it can't be its own processor")
    plugin = made.plugins.get(name)
    if plugin is None:
        raise ValueError(f"its processor {name!r} is not installed")
    if plugin.instance is None:
        raise ValueError(f"its processor can't be used: {plugin.problem}")
    if isinstance(plugin.instance, Fronts):
        raise ValueError(f"its processor {name!r} takes no money itself")  # noqa: TRY004 - a setting is wrong, no type
    return plugin.instance
