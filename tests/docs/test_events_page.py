"""The page of events lists every type, what each says, and when it is told again."""

import json
import re
from pathlib import Path

import msgspec

from batua.events import Event, EventType, hooks, webhooks
from batua.events.facts import FACTS

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "events.md").read_text(encoding="utf-8")


def test_every_type_is_listed_with_its_data():
    listed = dict(re.findall(r"^\| `([a-z]+\.[a-z]+)` \| `(\w+)` \|", PAGE, re.MULTILINE))
    assert listed == {str(told): fact.__name__ for told, fact in FACTS.items()}


def test_every_field_is_listed():
    rows = dict(re.findall(r"^\| `(\w+Fact)` \| (.+) \|$", PAGE, re.MULTILINE))
    facts = {fact.__name__: fact for fact in FACTS.values()}
    assert rows.keys() == facts.keys()
    for name, fact in facts.items():
        listed = re.findall(r"`(\w+)`", re.sub(r" \(.*?\)", "", rows[name]))
        assert listed == list(fact.__struct_fields__), name


def test_the_example_is_an_event():
    (example,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    event = msgspec.json.decode(example, type=Event[FACTS[EventType.ORDER_PAID]], strict=True)
    assert json.loads(msgspec.json.encode(event)) == json.loads(example)


def test_the_waits_are_those_of_the_code():
    (row,) = re.findall(r"^\| told again after \| (.+) \| (.+) \|$", PAGE, re.MULTILINE)
    assert [seconds(cell) for cell in row] == [list(hooks.RETRY_S), list(webhooks.RETRY_S)]


def seconds(cell):
    """The waits of ``1, 5 s, 30 min, 2 h`` in seconds: a unit holds for what stands before it."""
    found, waiting = [], []
    for amount, unit in re.findall(r"(\d+)(?: (s|min|h))?", cell):
        waiting.append(int(amount))
        if unit:
            found += [each * {"s": 1, "min": 60, "h": 3600}[unit] for each in waiting]
            waiting.clear()
    assert not waiting
    return found
