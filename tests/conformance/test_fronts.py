"""A gateway that takes no money itself: its own rules, and its processor's where they matter."""

import pytest

from batua.testing.conformance import RULES, RuleBroken, check
from tests.conformance.broken.fronting import BROKEN, HEALTHY

FRONT_RULES = {rule.id: rule for rule in RULES if rule.of_fronts is not False}


@pytest.mark.parametrize("rule_id", FRONT_RULES)
def test_a_front_keeps_the_rule(rule_id, runner, sites):
    rule = FRONT_RULES[rule_id]
    assert runner.run(check(rule, HEALTHY, sites)) == ""


@pytest.mark.parametrize("rule", [r for r in RULES if r.of_fronts is False], ids=lambda r: r.id)
def test_its_processor_keeps_the_rest(rule, runner, sites):
    assert "its processor" in runner.run(check(rule, HEALTHY, sites))


@pytest.mark.parametrize("rule_id", BROKEN)
def test_the_rule_is_broken_by(rule_id, runner, sites):
    with pytest.raises(RuleBroken, match=rule_id):
        runner.run(check(FRONT_RULES[rule_id], BROKEN[rule_id], sites))


def test_every_rule_of_fronts_alone_has_a_broken_one():
    assert set(BROKEN) == {rule.id for rule in RULES if rule.of_fronts is None}
