"""What kinds of caller there are, and what a service may be allowed."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Permission", "Scope"]


class Scope(StrEnum):
    """What kind of caller a token is for."""

    CUSTOMER = "customer"
    STAFF = "staff"
    SERVICE = "service"


class Permission(StrEnum):
    """What a service's API key may be allowed. A service's JWT has them all."""

    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    CUSTOMERS_WRITE = "customers:write"
    CUSTOMERS_DISABLE = "customers:disable"
