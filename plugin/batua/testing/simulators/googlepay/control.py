"""Google Pay's side of the control routes. There is little: it takes no money.

Payments, refunds, disputes and the ledger are the processor's, at whose simulator a script finds
the same routes. ``payment_data`` is what only Google Pay has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import msgspec
from litestar.handlers import HTTPRouteHandler

from batua.testing.simulators.googlepay.sealing import TokenFault
from batua.testing.simulators.googlepay.sheet import Refused
from batua.testing.simulators.kit.control import Wrong, acting, control_routes
from batua.testing.simulators.kit.faults import FaultChange
from batua.testing.simulators.kit.simulator import Simulator

__all__ = ["GooglePayFaults", "googlepay_control_routes"]

Document = dict[str, Any]


class GooglePayFaults(FaultChange, frozen=True, forbid_unknown_fields=True):
    """``token`` is what is wrong with the next tokens that are sealed for the shop, or None."""

    token: TokenFault | msgspec.UnsetType | None = msgspec.UNSET


class _Approve(msgspec.Struct, forbid_unknown_fields=True):
    """A payer approves. ``google_pay`` is the request, as the shop's checkout has it."""

    google_pay: str


def googlepay_control_routes(
    simulator: Simulator, pay: Callable[[str], str]
) -> list[HTTPRouteHandler]:
    """The kit's routes, and ``payment_data``: what Google's client hands to the browser."""

    def approve(asked: _Approve) -> Document:
        try:
            return {"payment_data": pay(asked.google_pay)}
        except Refused as refused:
            raise Wrong(str(refused)) from refused

    return [
        *control_routes(
            simulator,
            pay=_at_processor,
            refund=_at_processor,
            settle=_at_processor,
            dispute=_at_processor,
            payments=list,
            # Empty for ever: what was taken was taken by the processor.
            ledger=list,
        ),
        acting("payment_data", _Approve, approve),
    ]


def _at_processor(_asked: object) -> NoReturn:
    raise Wrong("Google Pay takes no money: ask the simulator of its processor")
