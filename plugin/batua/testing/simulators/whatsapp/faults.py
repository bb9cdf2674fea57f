"""What shall go wrong next, set through ``POST /_control/faults``."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

__all__ = ["FaultBox", "Faults", "PlannedStatus"]

PlannedStatus = tuple[str, int | None]
"""A status to report, with the error code if it is ``failed``."""


class Faults(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``{}`` is the healthy provider.

    The next ``times`` valid sends get ``next_error``, or are taken and never answered
    (``timeout_after_accept``). ``statuses`` are reported of each message from now on, then
    ``failed`` with the code ``fail_status`` if that is set.
    """

    next_error: int | None = None
    times: Annotated[int, msgspec.Meta(ge=1)] = 1
    timeout_after_accept: bool = False
    statuses: tuple[Literal["sent", "delivered", "read", "played"], ...] | None = None
    fail_status: int | None = None

    def planned(self) -> list[PlannedStatus]:
        """The statuses to report of a message, in order."""
        usual = ("sent",) if self.fail_status is not None else ("sent", "delivered", "read")
        names = usual if self.statuses is None else self.statuses
        failed = [] if self.fail_status is None else [("failed", self.fail_status)]
        return [*((name, None) for name in names), *failed]


class FaultBox:
    """Holds the faults and counts how often they still apply."""

    def __init__(self) -> None:
        self.faults = Faults()
        self._left = 0

    def put(self, faults: Faults) -> None:
        """Replace all faults; what was left of the earlier ones is dropped."""
        self.faults = faults
        self._left = faults.times

    def take(self) -> Faults:
        """The faults of this send. The counted ones are used up by one."""
        faults = self.faults
        if faults.next_error is None and not faults.timeout_after_accept:
            return faults
        if self._left == 0:
            return msgspec.structs.replace(faults, next_error=None, timeout_after_accept=False)
        self._left -= 1
        return faults
