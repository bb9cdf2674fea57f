"""Where a payer's browser may be sent back to."""

from __future__ import annotations

from urllib.parse import urlsplit

from batua.errors import InvalidRequest

__all__ = ["check_return_url"]


def check_return_url(url: str | None, default: str) -> str:
    """An absolute http or https URL with a host and no password in it; ``default`` for None.

    Raises ``InvalidRequest``: ``//evil``, ``\\\\evil`` and ``javascript:`` lead nowhere good.
    """
    if url is None:
        return default
    try:
        parts = urlsplit(url)
        is_fine = (
            parts.scheme in {"http", "https"}
            and bool(parts.hostname)
            and parts.username is None
            and url.isprintable()
            and not set(url) & set(' \\"<>')
        )
    except ValueError:
        is_fine = False
    if not is_fine:
        raise InvalidRequest(
            "The return_url must be an absolute http:// or https:// address.",
            pointer="/return_url",
        )
    return url
