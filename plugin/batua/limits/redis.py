"""Counts in Redis or Valkey, for whoever has one: an atomic script a trip."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batua.clock import Clock
from batua.errors import ConfigurationError
from batua.limits.counts import Window

try:
    from redis.asyncio import Redis
    from redis.exceptions import RedisError
except ImportError:  # the extra "redis" is not installed
    Redis = None  # type: ignore[assignment, misc]  # so that it can be told apart
    RedisError = ValueError  # type: ignore[assignment, misc]  # the same

__all__ = ["RedisCounts"]

ADD = """
local totals = {}
for place, key in ipairs(KEYS) do
    totals[place] = redis.call('INCRBY', key, ARGV[2 * place - 1])
    redis.call('EXPIRE', key, ARGV[2 * place])
end
return totals
"""
KEPT_S = 60
"""How long a count outlives its window."""
SOCKET_S_MAX = 1.0


class RedisCounts:
    """Keys begin with ``prefix``, one for each shop. A cluster keeps them in one slot."""

    def __init__(self, url: str, prefix: str, *, now: Clock) -> None:
        if Redis is None:
            raise ConfigurationError(
                "BATUA_REDIS_URL is set and no client is installed: pip install 'batua[redis]'"
            )
        self._now = now
        self._prefix = f"{{{prefix}}}:calls"
        try:
            self._redis: Any = Redis.from_url(
                url, socket_timeout=SOCKET_S_MAX, socket_connect_timeout=SOCKET_S_MAX
            )
        except (ValueError, RedisError) as error:
            raise ConfigurationError(
                "BATUA_REDIS_URL must be redis://, rediss:// or unix://"
            ) from error
        self._add = self._redis.register_script(ADD)

    async def add(self, calls: Mapping[Window, int]) -> Mapping[Window, int]:
        moment = self._now().timestamp()
        keys = [f"{self._prefix}:{caller}:{ends_at}" for caller, ends_at in calls]
        args: list[int] = []
        for window, count in calls.items():
            args += (count, max(1, int(window.ends_at - moment)) + KEPT_S)
        totals = await self._add(keys=keys, args=args)
        return dict(zip(calls, totals, strict=True))

    async def sweep(self, ended_by: int) -> None:
        """Keys expire by themselves."""

    async def close(self) -> None:
        await self._redis.aclose()
