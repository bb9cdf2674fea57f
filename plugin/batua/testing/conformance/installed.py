"""Which gateway and simulator a code names: found by entry point, as the registry does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from batua.contract import Gateway
from batua.testing.simulators.kit.simulator import Simulator

__all__ = ["GATEWAYS", "SIMULATORS", "NotInstalled", "Target", "installed"]

GATEWAYS = "batua.gateways"
SIMULATORS = "batua.simulators"


class NotInstalled(LookupError):
    """No installed package offers it; the text says what is missing and how it is declared."""


@dataclass(frozen=True, slots=True)
class Target:
    """A gateway's class, and what makes its simulator: a subclass, or a factory of none."""

    gateway: type[Gateway]
    simulator: Callable[..., Simulator]

    @property
    def is_front(self) -> bool:
        """Whether another gateway takes the money: it has what ``Fronts`` has."""
        return hasattr(self.gateway, "processor") and hasattr(self.gateway, "connect")


def installed(code: str) -> Target:
    """The gateway and the simulator of this code. Raises ``NotInstalled``."""
    gateway, simulator = _load(GATEWAYS, code), _load(SIMULATORS, code)
    if not (isinstance(gateway, type) and issubclass(gateway, Gateway)):
        raise NotInstalled(f"the entry point {code!r} of {GATEWAYS} is not a gateway's class")
    return Target(gateway, simulator)


def _load(group: str, code: str) -> Any:
    found: dict[str, EntryPoint] = {entry.name: entry for entry in entry_points(group=group)}
    if code not in found:
        known = ", ".join(sorted(found)) or "none"
        raise NotInstalled(
            f"no installed package declares {code!r} in the entry-point group {group} "
            f"(there: {known})"
        )
    return found[code].load()
