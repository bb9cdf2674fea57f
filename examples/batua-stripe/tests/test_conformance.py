"""Every rule that Batua has for a gateway, on this one and its simulator."""

import pytest
from batua.testing.conformance import RULES, Target, check
from batua.testing.simulators.stripe import StripeSimulator

from batua_stripe import StripeGateway

STRIPE = Target(StripeGateway, StripeSimulator)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
async def test_rule_is_kept(rule):
    reason = await check(rule, STRIPE)
    if reason:
        pytest.skip(reason)
