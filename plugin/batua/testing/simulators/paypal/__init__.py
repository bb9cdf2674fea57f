"""A simulator of PayPal: orders, payments, disputes, vault and signed webhooks on loopback."""

from batua.testing.simulators.paypal.simulator import PayPalSimulator

__all__ = ["PayPalSimulator"]
