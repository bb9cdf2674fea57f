"""What staff may do with a gateway's settings: look, write once and clear. No role is asked here.

The environment comes first, field by field: whoever runs the machines has the last word, and a
panel that somebody has broken into can't take it. What it says is shown as not to be changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from batua.audit import asked
from batua.contract import Gateway, Mode, PluginSettings
from batua.contract.manifest import secret_fields
from batua.database import Row
from batua.errors import ConfigurationError, Conflict, InvalidRequest, NotFound
from batua.gateway_settings.describing import Setting, described, is_operators
from batua.gateway_settings.following import Follower, setting_place
from batua.gateway_settings.writing import WriteSettings
from batua.ledger import Engine
from batua.redaction import learn, redact
from batua.registry import Given, Plugin, Registry
from batua.sealing import Sealer
from batua.settings import variable

__all__ = ["GatewaySettings", "Written"]

VALUE_MAX = 20_000
"""Characters of one value: a list of keys fits."""


@dataclass(frozen=True, slots=True)
class Written:
    """What became of the gateways. ``shut`` are those that wait for staff, and their new mode."""

    shut: Mapping[str, Mode]

    @property
    def told(self) -> str:
        """In words for people; empty where nothing is left to do."""
        return " ".join(
            f"{code} has {mode} credentials now and takes no new payments: "
            f"set its state to {'test' if mode is Mode.TEST else 'enabled'} when you are ready."
            for code, mode in self.shut.items()
        )


class GatewaySettings:
    """``follower`` has this process know at once what it has written itself."""

    def __init__(
        self, engine: Engine, registry: Registry, sealer: Sealer, follower: Follower
    ) -> None:
        self._engine = engine
        self._registry = registry
        self._sealer = sealer
        self.follower = follower

    async def describe(self, code: str) -> tuple[Setting, ...]:
        """Every setting of a gateway, as it is now. Raises ``NotFound``."""
        settings = self._settings(code)
        await self.follower.look()
        rows = {row["name"]: row for row in self.follower.rows if row["gateway"] == code}
        given = self.follower.given.get(code, Given())
        return described(settings, code, self._registry.from_environment(code), given, rows)

    async def write(self, code: str, values: Mapping[str, str], actor: str) -> Written:
        """Store these settings, once they work together with those that are there.

        Raises ``NotFound``, ``InvalidRequest`` (``gateway_setting_refused``) naming the setting,
        and ``Conflict`` (``encryption_key_missing``, ``gateway_settings_changed``). Then nothing
        is stored. Moves no money.
        """
        clean = self._checked(code, values)
        sealed = self._sealed(code, clean)
        asked({"gateway": code, "settings": sorted(clean)})
        await self.follower.look()
        known = self.follower.given.get(code, Given())
        new = Given(
            {**known.values, **clean},
            {name: why for name, why in known.unreadable.items() if name not in clean},
        )
        return await self._put(code, sealed, new, actor, must_work=True)

    async def clear(self, code: str, name: str, actor: str) -> Written:
        """Forget a setting. Without one that it needs the gateway is off. Moves no money.

        Raises ``NotFound``, and ``Conflict`` (``gateway_settings_changed``).
        """
        self._settings(code)
        asked({"gateway": code, "settings": [name]})
        await self.follower.look()
        known = self.follower.given.get(code, Given())
        if name not in known.values and name not in known.unreadable:
            raise NotFound("stored setting", f"{code}.{name}")
        new = Given(_without(known.values, name), _without(known.unreadable, name))
        return await self._put(code, {name: None}, new, actor, must_work=False)

    async def reseal(self) -> int:
        """Seal every stored value with the newest key; returns how many there were.

        Raises ``ConfigurationError`` for one that none of the keys opens.
        """
        await self.follower.look()
        rows = [row for row in self.follower.rows if row["sealed"] is not None]
        for code in dict.fromkeys(row["gateway"] for row in rows):
            mine = {row["name"]: self._resealed(row) for row in rows if row["gateway"] == code}
            await self._submit(code, mine, shut=(), actor="")
            await self.follower.look()
        return len(rows)

    # --- inside -----------------------------------------------------------------------------

    async def _put(
        self,
        code: str,
        sealed: Mapping[str, str | None],
        new: Given,
        actor: str,
        *,
        must_work: bool,
    ) -> Written:
        before = self._registry.gateways
        versions = self._versions()
        after = await self._registry.tried({**self.follower.given, code: new})
        if must_work and after[code].instance is None:
            raise _refused(redact(after[code].problem))
        shut = dict(_opened_unasked(before, after))
        await self._submit(code, sealed, shut=shut, actor=actor, versions=versions)
        await self.follower.look()
        return Written(shut)

    async def _submit(
        self,
        code: str,
        sealed: Mapping[str, str | None],
        *,
        shut: Iterable[str],
        actor: str,
        versions: Mapping[str, int] | None = None,
    ) -> None:
        operation = WriteSettings(
            gateway=code,
            sealed=sealed,
            versions=self._versions() if versions is None else versions,
            gateways={*self._registry.gateways, *(row["gateway"] for row in self.follower.rows)},
            shut=tuple(shut),
            actor=actor,
        )
        await self._engine.submit(operation)

    def _versions(self) -> dict[str, int]:
        return {row["id"]: row["version"] for row in self.follower.rows}

    def _settings(self, code: str) -> type[PluginSettings]:
        plugin = self._registry.gateways.get(code)
        if plugin is None:
            raise NotFound("gateway", code)
        return plugin.manifest.settings

    def _checked(self, code: str, values: Mapping[str, str]) -> dict[str, str]:
        settings = self._settings(code)
        told = self._registry.from_environment(code)
        if not values:
            raise _refused("Say which settings.")
        # First: what is wrong with one of them is told with the others known.
        learn(value.strip() for name, value in values.items() if name in secret_fields(settings))
        for name in values:
            called = variable(code, name)
            if name not in settings.__struct_fields__:
                raise _refused(f"The gateway {code!r} has no setting {name!r}.", name)
            if is_operators(name):
                raise _refused(f"{name} is the operator's: set {called} in the environment.", name)
            if name in told:
                raise _refused(
                    f"{name} is set in the environment, which comes first: change {called}.", name
                )
        return {name: _clean(name, value) for name, value in values.items()}

    def _sealed(self, code: str, values: Mapping[str, str]) -> dict[str, str | None]:
        try:
            return {
                name: self._sealer.seal(value, setting_place(code, name))
                for name, value in values.items()
            }
        except ConfigurationError as error:
            raise Conflict("encryption_key_missing", str(error)) from error

    def _resealed(self, row: Row) -> str:
        place = setting_place(row["gateway"], row["name"])
        return self._sealer.reseal(row["sealed"], place)


def _refused(message: str, name: str = "") -> InvalidRequest:
    pointer = f"/settings/{name}" if name else "/settings"
    return InvalidRequest(message, pointer=pointer, code="gateway_setting_refused")


def _clean(name: str, value: str) -> str:
    """A value without what is pasted along around it."""
    clean = value.strip()
    if not clean:
        raise _refused(f"{name} is empty: to take it away, clear it.", name)
    if len(clean) > VALUE_MAX:
        raise _refused(f"{name} is longer than {VALUE_MAX} characters.", name)
    if any(not letter.isprintable() and letter not in "\r\n\t" for letter in clean):
        raise _refused(f"{name} has a character in it that nobody can see: type it anew.", name)
    return clean


def _without(values: Mapping[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in values.items() if key != name}


def _opened_unasked(
    before: Mapping[str, Plugin[Gateway]], after: Mapping[str, Plugin[Gateway]]
) -> Iterable[tuple[str, Mode]]:
    """The gateways that begin to work, or would move another kind of money than before."""
    for code, plugin in after.items():
        if plugin.instance is None or plugin.instance is before[code].instance:
            continue
        was = before[code].instance
        if was is None or was.mode is not plugin.instance.mode:
            yield code, plugin.instance.mode
