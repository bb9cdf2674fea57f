"""Google Pay: a button in front of a gateway that takes the money."""

from batua.gateways.googlepay.gateway import GooglePayGateway

__all__ = ["GooglePayGateway"]
