"""A rule: a sentence about every gateway, and the check that proves or breaks it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from batua.contract import GatewayError, Support
from batua.testing.conformance.installed import Target
from batua.testing.conformance.subject import Subject

__all__ = ["NotApplicable", "Rule", "RuleBroken", "at_once", "expect", "outcome", "rule"]

T = TypeVar("T")

Check = Callable[[Subject], Awaitable[None]]

_CALL_S = 5.0


class RuleBroken(AssertionError):
    """The gateway does not keep the rule; the text says which, and what was seen."""


class NotApplicable(Exception):
    """The provider has no such thing, which its simulator said."""


@dataclass(frozen=True, slots=True)
class Rule:
    """``needs`` is the capability without which the rule says nothing; empty for none.

    ``of_fronts`` says whether it holds for a gateway that takes no money itself: True, False, or
    None for one that holds for fronts alone. ``timeout_s`` is how long the provider may take to
    answer one call.
    """

    id: str
    sentence: str
    check: Check
    needs: str
    of_fronts: bool | None
    timeout_s: float

    def why_not(self, target: Target) -> str:
        """Why the rule says nothing about this gateway, or empty."""
        if target.is_front and self.of_fronts is False:
            return "its processor keeps this rule: the payment is the processor's"
        if not target.is_front and self.of_fronts is None:
            return "a rule for gateways that let another one take the money"
        capabilities = target.gateway.manifest.capabilities
        declared = getattr(capabilities, self.needs) if self.needs else True
        if declared in {Support.NONE, False}:
            return f"it does not declare {self.needs}"
        return ""


def rule(
    sentence: str, *, needs: str = "", of_fronts: bool | None = False, timeout_s: float = _CALL_S
) -> Callable[[Check], Rule]:
    """Make a check into a rule of its name."""

    def named(check: Check) -> Rule:
        name: str = getattr(check, "__name__", "")
        return Rule(name, sentence, check, needs, of_fronts, timeout_s)

    return named


def expect(holds: object, otherwise: str) -> None:
    """Raise ``AssertionError`` with what was seen. No ``assert``: ``-O`` would remove it."""
    if not holds:
        raise AssertionError(otherwise)


async def at_once(calls: Iterable[Awaitable[T]]) -> list[T]:
    """What the calls answer. All have ended before the first error is raised: none is left."""
    answers = await asyncio.gather(*calls, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return [answer for answer in answers if not isinstance(answer, BaseException)]


async def outcome(call: Awaitable[T]) -> T | GatewayError:
    """What the call answered, or which of the four errors it raised. Others go on."""
    try:
        return await call
    except GatewayError as error:
        return error
