"""The certificates that whoever we connect to is checked by."""

from __future__ import annotations

import ssl
from functools import cache

import httpx

__all__ = ["trusted_certificates"]


@cache
def trusted_certificates() -> ssl.SSLContext:
    """The TLS context of every connection that this process opens.

    Loading the certificates takes longer than all the rest of opening a shop: it is done once.
    The environment names no others.
    """
    return httpx.create_ssl_context(trust_env=False)
