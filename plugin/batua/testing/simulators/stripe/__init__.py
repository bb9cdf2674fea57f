"""A simulator of Stripe: payment intents, refunds, disputes, lists, page and webhooks."""

from batua.testing.simulators.stripe.simulator import StripeSimulator

__all__ = ["StripeSimulator"]
