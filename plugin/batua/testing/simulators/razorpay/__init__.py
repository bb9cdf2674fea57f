"""A simulator of Razorpay: orders, payments, refunds, checkout page and webhooks on loopback."""

from batua.testing.simulators.razorpay.simulator import RazorpaySimulator

__all__ = ["RazorpaySimulator"]
