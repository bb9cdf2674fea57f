"""Every gateway that Batua ships, and the example of a package of its own, keep every rule."""

import os
from dataclasses import replace
from functools import cache, partial

import pytest

from batua.testing.conformance import RULES, NotInstalled, check, installed
from batua.testing.conformance.provider import HANG_S

CODES = ("razorpay", "paypal", "googlepay", "stripe")


@cache
def emptied_each_time(code):
    """A target of ours whose simulator is built once: that takes longer than most checks."""
    target = installed(code)
    simulator = cache(partial(target.simulator, hang_s=HANG_S))

    def empty():
        simulator().forget()
        return simulator()

    return replace(target, simulator=empty)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_an_installed_gateway_keeps_the_rule(rule, code, runner, sites):
    try:
        target = emptied_each_time(code)
    except NotInstalled as missing:
        if os.environ.get("BATUA_TEST_REQUIRE_ALL") == "1":
            raise
        pytest.skip(str(missing))
    reason = runner.run(check(rule, target, sites))
    if reason:
        pytest.skip(f"{rule.sentence} Says nothing here: {reason}")


def test_a_gateway_that_is_not_installed_is_named():
    with pytest.raises(NotInstalled, match=r"'nobody' in the entry-point group batua\.gateways"):
        installed("nobody")
