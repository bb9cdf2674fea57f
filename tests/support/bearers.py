"""Tokens of a running demo, made without another process."""

from __future__ import annotations

import time
from typing import Any

import jwt

from tests.support.processes import Program

__all__ = ["bearer_of", "token_of"]


def token_of(demo: Program, who: str, **claims: Any) -> str:
    """A token as ``batua token`` prints one, good for an hour."""
    wanted = {"sub": who, "iss": "batua", "aud": "batua", "exp": int(time.time()) + 3600, **claims}
    return jwt.encode(wanted, demo.secrets()["BATUA_JWT_SECRET"], algorithm="HS256")


def bearer_of(demo: Program, who: str, **claims: Any) -> dict[str, str]:
    """The header that brings such a token."""
    return {"Authorization": f"Bearer {token_of(demo, who, **claims)}"}
