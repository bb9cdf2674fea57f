"""What a PostgreSQL URL says of a pooler that stands between (PgBouncer in transaction mode).

Behind one, a connection is another session in each transaction: what is prepared or set in one is
not there in the next.  Nobody can ask a pooler whether it is one, so the URL says it.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

from batua.errors import ConfigurationError

__all__ = ["split_pooler"]

SESSION_ONLY = frozenset({"search_path", "options"})


def split_pooler(url: str) -> tuple[str, bool]:
    """``url`` without ``pooler=transaction``, and whether that was there.

    Raises ``ConfigurationError`` for another kind of pooler, and for a setting of the session
    beside it: the pooler would drop it, and another shop's tables might be found.
    """
    parts = urlsplit(url)
    asked = parse_qsl(parts.query, keep_blank_values=True)
    kinds = [value for name, value in asked if name == "pooler"]
    if not kinds:
        return url, False
    if set(kinds) != {"transaction"}:
        raise ConfigurationError(
            "BATUA_DATABASE_URL: pooler is transaction, or is left out where a session is kept"
        )
    if lost := sorted(SESSION_ONLY & {name for name, _ in asked}):
        raise ConfigurationError(
            f"BATUA_DATABASE_URL: {', '.join(lost)} is lost behind a pooler. Set it on the role "
            "instead: ALTER ROLE batua_app SET search_path = shop"
        )
    kept = urlencode([(name, value) for name, value in asked if name != "pooler"])
    return parts._replace(query=kept).geturl(), True
