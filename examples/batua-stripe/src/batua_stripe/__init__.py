"""Stripe for Batua, as a package of its own: found by its entry point, known to nobody."""

from batua_stripe.gateway import StripeGateway

__all__ = ["StripeGateway"]
