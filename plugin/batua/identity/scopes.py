"""What kinds of caller there are, and what staff and services may be allowed."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Permission", "Role", "Scope"]


class Scope(StrEnum):
    """What kind of caller a token is for."""

    CUSTOMER = "customer"
    STAFF = "staff"
    SERVICE = "service"


class Role(StrEnum):
    """How much a member of staff may do, from the least to the most."""

    VIEWER = "viewer"
    SUPPORT = "support"
    FINANCE = "finance"
    OWNER = "owner"

    def reaches(self, role: Role) -> bool:
        """Whether this role may do what ``role`` may."""
        return _RANKS[self] >= _RANKS[role]

    def capped(self, most: Role) -> Role:
        """This role, or ``most`` where that may do less."""
        return most if self.reaches(most) else self


_RANKS = {role: rank for rank, role in enumerate(Role)}


class Permission(StrEnum):
    """What a service's API key may be allowed. A service's JWT has them all."""

    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    CUSTOMERS_WRITE = "customers:write"
    CUSTOMERS_DISABLE = "customers:disable"
