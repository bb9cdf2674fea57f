"""Razorpay: UPI, cards, net banking and wallets in India, over the official SDK."""

from batua.gateways.razorpay.gateway import RazorpayGateway

__all__ = ["RazorpayGateway"]
