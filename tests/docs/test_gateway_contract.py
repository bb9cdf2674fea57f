"""The page of the gateway contract lists every protocol, error and rule, and nothing else."""

import re
from pathlib import Path

from batua.contract import Capabilities, gateway
from batua.contract.errors import GatewayError
from batua.testing.conformance import RULES

PAGE = (Path(__file__).parents[2] / "docs/reference/gateway-contract.md").read_text("utf-8")
HOLDS_FOR = {True: "every gateway", False: "every gateway but fronts", None: "fronts"}


def holds_for(rule):
    if rule.needs:
        return f"`{rule.needs}`" + (", fronts too" if rule.of_fronts else "")
    return HOLDS_FOR[rule.of_fronts]


def test_every_rule_is_listed_word_for_word():
    rules = PAGE.partition("## The rules")[2]
    listed = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|$", rules, re.MULTILINE)
    assert listed == [(rule.id, holds_for(rule), rule.sentence) for rule in RULES]


def test_every_protocol_and_its_capability_is_listed():
    listed = dict(
        re.findall(r"^\| `(\w+)` \| `?(\w+)`? \| `[^|]+ \| [^|]+ \|$", PAGE, re.MULTILINE)
    )
    declared = {protocol.__name__: name for name, protocol in gateway._DECLARED.items()}
    assert listed == declared | {"Fronts": "none"}


def test_every_capability_is_spoken_of_by_a_rule():
    data = {"currencies", "minimums", "digits"}
    capabilities = set(Capabilities.__dataclass_fields__) - data
    assert {rule.needs for rule in RULES} - {""} == capabilities


def test_every_error_is_listed():
    listed = set(re.findall(r"^\| `(\w+)` \| [^|]+ \| [^|]+ \|$", PAGE, re.MULTILINE))
    assert {error.__name__ for error in GatewayError.__subclasses__()} <= listed


def test_no_two_rules_have_one_name_and_each_is_a_sentence():
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.sentence.endswith("."), rule.id
