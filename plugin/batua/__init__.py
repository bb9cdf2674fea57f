"""Batua (बटुआ, purse): a customer wallet with real payment gateways, for any Python shop."""

__version__ = "0.1.0"

__all__ = ["__version__"]
