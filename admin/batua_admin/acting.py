"""Who of the shop makes a request, as the services want to know it."""

from __future__ import annotations

from typing import Any

from batua.audit import Actor
from batua.identity import Role
from batua.limits import ClientAddresses

__all__ = ["actor_in"]


def actor_in(request: Any, addresses: ClientAddresses) -> Actor:
    """The member of staff whose session this is, with the role that they have at this moment."""
    user = request.user.user
    client = request.client
    address = addresses.find(client.host if client else None, request.scope["headers"])
    return Actor(name=f"staff:{user.username}", role=Role(user.role), address=address)
