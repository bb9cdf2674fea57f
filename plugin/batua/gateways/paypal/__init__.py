"""PayPal: PayPal wallets worldwide, over the Orders v2 and Payments v2 APIs."""

from batua.gateways.paypal.gateway import PayPalGateway

__all__ = ["PayPalGateway"]
