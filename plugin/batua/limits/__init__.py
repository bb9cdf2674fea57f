"""What callers may do in a minute: counted exactly, by all processes of a shop together."""

from batua.limits.addresses import ClientAddresses
from batua.limits.bodies import BODY_BYTES_MAX, BodyTooLarge, read_body, require_shallow
from batua.limits.counts import CallCounts, Window
from batua.limits.opening import open_rate_limits
from batua.limits.rates import Rate, RateLimits

__all__ = [
    "BODY_BYTES_MAX",
    "BodyTooLarge",
    "CallCounts",
    "ClientAddresses",
    "Rate",
    "RateLimits",
    "Window",
    "open_rate_limits",
    "read_body",
    "require_shallow",
]
