"""Google Pay on loopback: its root keys, its sheet and its tokens. It sends no webhooks."""

from batua.testing.simulators.googlepay.sealing import CardDetails, Sealer, TokenFault
from batua.testing.simulators.googlepay.simulator import GooglePaySimulator

__all__ = ["CardDetails", "GooglePaySimulator", "Sealer", "TokenFault"]
