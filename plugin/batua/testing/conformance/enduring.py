"""Rules about time: a provider that hangs, a caller who gives up, many calls at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from batua.contract import Captures, GatewayError, ProviderPaymentStatus, Refunds
from batua.testing.conformance.rule import at_once, expect, outcome, rule
from batua.testing.conformance.subject import Subject

__all__: list[str] = []

_TIMEOUT_S = 0.4
_CALLS_MAX = 4
"""An adapter may ask again or look something up, a few times."""
_SLACK_S = 0.6


@rule("When the provider hangs, every call ends within a few timeouts with an error.",
      timeout_s=_TIMEOUT_S)  # fmt: skip
async def hanging_provider_is_left(shop: Subject) -> None:
    await _expect_ends(shop, "timeout_after_effect")


@rule("When the answer drips byte by byte, every call ends within a few timeouts all the same.",
      timeout_s=_TIMEOUT_S)  # fmt: skip
async def dripping_answer_is_left(shop: Subject) -> None:
    await _expect_ends(shop, "slow_drip")


@rule("A caller who gives up is let go at once, no task is left behind, and the next call works.",
      timeout_s=2.0)  # fmt: skip
async def cancelled_call_leaves_nothing(shop: Subject) -> None:
    await shop.gateway.create_payment(shop.request())
    before, request = asyncio.all_tasks(), shop.request()
    shop.provider.spoil_all("timeout_after_effect")
    call = asyncio.ensure_future(shop.gateway.create_payment(request))
    await asyncio.sleep(0.1)
    given_up_at = time.monotonic()
    call.cancel()
    ended = await asyncio.gather(call, return_exceptions=True)
    expect(isinstance(ended[0], asyncio.CancelledError), f"cancelled, it ends with {ended[0]!r}")
    waited_s = time.monotonic() - given_up_at
    expect(waited_s < 1.0, f"cancelled, it goes on for {waited_s:.1f} s")
    shop.provider.heal()
    left = [task for task in asyncio.all_tasks() - before if _is_adapters(shop, task)]
    expect(not left, f"tasks are left behind: {left}")
    created = await shop.gateway.create_payment(request)
    expect(created.provider_reference, "the next call gives no payment")


@rule("Calls at the same time on one instance do not mix their answers.")
async def calls_at_once_are_apart(shop: Subject) -> None:
    async def whole(part: int) -> None:
        paid = await shop.pay("failed" if part % 3 == 0 else "captured")
        (attempt,) = (await shop.fetched(paid)).attempts
        is_captured = attempt.status is ProviderPaymentStatus.CAPTURED
        expect(is_captured == (part % 3 != 0), f"a payment got another's status: {attempt}")
        expect(attempt.provider_reference == paid.reference, "a payment got another's attempt")

    await at_once(whole(part) for part in range(1, 9))


async def _expect_ends(shop: Subject, fault: str) -> None:
    paid = await shop.pay()
    attempt = await shop.attempt(paid)
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "create_payment": lambda: shop.gateway.create_payment(shop.request()),
        "fetch_payment": lambda: shop.gateway.fetch_payment(paid.lookup),
    }
    if isinstance(shop.gateway, Refunds):
        refund = shop.gateway.refund
        calls["refund"] = lambda: refund(shop.refund_of(attempt))
    if isinstance(shop.gateway, Captures):
        waiting = await shop.pay("authorized")
        follow_up = shop.follow_up(waiting, await shop.attempt(waiting))
        capture = shop.gateway.capture
        calls["capture"] = lambda: capture(follow_up)
    shop.provider.spoil_all(fault)
    for name, call in calls.items():
        began_at = time.monotonic()
        answer = await outcome(call())
        took_s = time.monotonic() - began_at
        expect(isinstance(answer, GatewayError), f"{name} answered {answer!r}")
        most_s = _CALLS_MAX * _TIMEOUT_S + _SLACK_S
        expect(took_s < most_s, f"{name} took {took_s:.1f} s of {most_s:.1f} s")
    shop.provider.heal()


def _is_adapters(shop: Subject, task: asyncio.Task[object]) -> bool:
    # The simulator is served in this loop too: its own tasks are not the adapter's.
    module = shop.target.gateway.__module__.rpartition(".")[0].replace(".", "/")
    file = getattr(getattr(task.get_coro(), "cr_code", None), "co_filename", "")
    return bool(module) and module in file
