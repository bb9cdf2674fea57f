"""The host's own login: a name, a password and a session in a signed cookie."""

from __future__ import annotations

import hashlib
import os
import secrets
from typing import Any

from litestar.connection import ASGIConnection
from litestar.middleware.session.client_side import CookieBackendConfig
from litestar.security.session_auth import SessionAuth

from host_shop.tables import User

__all__ = ["check_password", "create_user", "customer_of", "session_auth"]


def hashed(password: str, salt: str) -> str:
    return hashlib.scrypt(password.encode(), salt=salt.encode(), n=2**14, r=8, p=1).hex()


async def create_user(name: str, password: str) -> None:
    """Somebody new. Whoever is known already is left as they are."""
    salt = secrets.token_hex(16)
    if not await User.exists().where(User.name == name):
        await User.insert(User(name=name, salt=salt, password=hashed(password, salt)))


async def check_password(name: str, password: str) -> bool:
    user = await User.objects().get(User.name == name)
    return user is not None and secrets.compare_digest(user.password, hashed(password, user.salt))


async def _user_of(session: dict[str, Any], _: ASGIConnection[Any, Any, Any, Any]) -> User | None:
    name = session.get("user")
    return await User.objects().get(User.name == name) if isinstance(name, str) else None


def session_auth() -> SessionAuth[User, Any]:
    """Every route of the host's asks for a session, but for the way in."""
    secret = bytes.fromhex(os.environ["HOST_SHOP_SECRET"])
    return SessionAuth(
        retrieve_user_handler=_user_of,
        session_backend_config=CookieBackendConfig(secret=secret),
        exclude=["^/login$", "^/schema"],
    )


async def customer_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str | None:
    """For Batua: whoever is signed in here is the customer of the same name."""
    user = await _user_of(connection.session, connection)
    return None if user is None else user.name
