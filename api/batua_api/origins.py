"""Whose pages may call the API from a browser: those of its own host, and who is named."""

from __future__ import annotations

import re

from litestar.config.cors import CORSConfig

from batua.errors import ConfigurationError
from batua_api.bodies import KEY_HEADER

__all__ = ["cors_config"]

ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")


def cors_config(allowed_origins: str) -> CORSConfig | None:
    """What browsers are told, or None where no other origin is named.

    A page sends its customer's token itself, so no cookie is let through. Raises
    ``ConfigurationError`` for what is no origin as browsers write them: a path, a star.
    """
    origins = [each.strip() for each in allowed_origins.split(",") if each.strip()]
    for origin in origins:
        if not ORIGIN.fullmatch(origin):
            raise ConfigurationError(
                f"BATUA_ALLOWED_ORIGINS: {origin!r} is no origin: write it in small letters, "
                "with its scheme and without a path, such as https://shop.example"
            )
    if not origins:
        return None
    return CORSConfig(
        allow_origins=origins,
        allow_methods=["GET", "POST"],
        allow_headers=["Authorization", "Content-Type", KEY_HEADER, "Last-Event-ID"],
        expose_headers=["Idempotency-Replayed", "Retry-After", "X-Request-Id"],
    )
