"""Every gateway that Batua ships, and the example of a package of its own, keep every rule."""

import os

import pytest

from batua.testing.conformance import RULES, NotInstalled, check, installed

CODES = ("razorpay", "paypal", "googlepay", "stripe")


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_an_installed_gateway_keeps_the_rule(rule, code, runner, sites):
    try:
        target = installed(code)
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
