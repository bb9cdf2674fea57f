"""The rules that every gateway keeps, each a sentence and a check against its simulator.

``pytest --pyargs batua.testing --batua-gateway=CODE`` checks an installed gateway.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from batua.testing.conformance import (
    capturing,
    charging,
    confirming,
    creating,
    declaring,
    enduring,
    fetching,
    fronting,
    listing,
    refunding,
    webhooks,
)
from batua.testing.conformance.installed import NotInstalled, Target, installed
from batua.testing.conformance.rule import NotApplicable, Rule, RuleBroken
from batua.testing.conformance.sites import Sites
from batua.testing.conformance.subject import opened

__all__ = ["RULES", "NotInstalled", "Rule", "RuleBroken", "Sites", "Target", "check", "installed"]

_RULE_S = 60.0
"""Most checks end within a second: whoever takes this long has hung."""

RULES: tuple[Rule, ...] = tuple(
    value
    for module in (
        declaring,
        creating,
        fetching,
        confirming,
        capturing,
        refunding,
        webhooks,
        listing,
        charging,
        enduring,
        fronting,
    )
    for value in vars(module).values()
    if isinstance(value, Rule)
)
"""All of them, in the order of a payment's life."""


async def check(rule: Rule, gateway: Target | str, sites: Sites | None = None) -> str:
    """Check one rule on a gateway, or on the installed one of a code.

    Returns why the rule says nothing about this gateway, or an empty string when it is kept.
    Raises ``RuleBroken`` with the rule's sentence and what was seen. ``sites`` are those of the
    running event loop; without them the check starts a server of its own.
    """
    target = installed(gateway) if isinstance(gateway, str) else gateway
    reason = rule.why_not(target)
    if reason:
        return reason
    async with AsyncExitStack() as stack:
        places = sites if sites is not None else await stack.enter_async_context(Sites())
        try:
            async with asyncio.timeout(_RULE_S), opened(target, rule.timeout_s, places) as subject:
                await rule.check(subject)
        except NotApplicable as none:
            return str(none)
        # Whatever an adapter raises beyond the four errors breaks the rule as well.
        except Exception as error:
            seen = str(error) if type(error) is AssertionError else repr(error)
            raise RuleBroken(f"{rule.id}: {rule.sentence}\nseen: {seen}") from error
    return ""
