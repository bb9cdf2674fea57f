"""A rule that no broken adapter breaks proves nothing: for each of them there is one that does."""

import pytest

from batua.testing.conformance import RULES, RuleBroken, check
from tests.conformance.bank import broken
from tests.conformance.broken import (
    capturing,
    charging,
    confirming,
    creating,
    declaring,
    enduring,
    fetching,
    listing,
    refunding,
    webhooks,
)

MODULES = (
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
)
BROKEN = {rule_id: adapter for module in MODULES for rule_id, adapter in module.BROKEN.items()}
RULES_BY_ID = {rule.id: rule for rule in RULES}


@pytest.mark.parametrize("rule_id", BROKEN)
def test_the_rule_is_broken_by(rule_id, runner, sites):
    with pytest.raises(RuleBroken) as caught:
        runner.run(check(RULES_BY_ID[rule_id], broken(BROKEN[rule_id]), sites))
    assert str(caught.value).startswith(f"{rule_id}: {RULES_BY_ID[rule_id].sentence}")


def test_every_rule_has_a_broken_adapter():
    own = {rule.id for rule in RULES if rule.of_fronts is not None}
    assert own == set(BROKEN)
