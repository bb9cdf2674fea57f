"""The sandbox bank keeps every rule: a rule that it breaks is a wrong rule."""

import pytest

from batua.testing.conformance import RULES, check
from tests.conformance.bank import HEALTHY


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_bank_keeps_the_rule(rule, runner, sites):
    reason = runner.run(check(rule, HEALTHY, sites))
    assert reason == "" or rule.of_fronts is None
