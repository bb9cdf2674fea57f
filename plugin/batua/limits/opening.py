"""Which store counts a shop's calls."""

from __future__ import annotations

from importlib import import_module

from batua.clock import Clock
from batua.database import Database, PostgresDatabase, SQLiteDatabase
from batua.limits.counts import CallCounts
from batua.limits.postgres import PostgresCounts
from batua.limits.rates import RateLimits
from batua.limits.sqlite import SQLiteCounts
from batua.settings import Settings

__all__ = ["open_rate_limits"]


def open_rate_limits(settings: Settings, database: Database, *, now: Clock) -> RateLimits:
    """Redis where its address is set, the shop's own database otherwise.

    Connects with the first call. Raises ``ConfigurationError``.
    """
    return RateLimits(_counts(settings, database, now), now=now)


def _counts(settings: Settings, database: Database, now: Clock) -> CallCounts:
    if settings.redis_url:
        # Loaded where it is wanted alone: its client takes a fifth of a second of a processor.
        redis = import_module("batua.limits.redis")
        counts: CallCounts = redis.RedisCounts(settings.redis_url, settings.redis_prefix, now=now)
        return counts
    if isinstance(database, PostgresDatabase):
        return PostgresCounts(database)
    if isinstance(database, SQLiteDatabase):
        return SQLiteCounts(database.path)
    raise TypeError(f"nobody knows how to count in a {type(database).__name__}")
