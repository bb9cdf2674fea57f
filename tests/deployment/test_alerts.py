"""The alert rules that are shipped: each names what there is, and says what to do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.support.api import open_api

ROOT = Path(__file__).parents[2]
RULES = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"][0]["rules"]
SUFFIXES = ("_total", "_bucket", "_count", "_sum", "_created", "")


@pytest.fixture
async def shown(sqlite_url, clock):
    """Every metric that a shop shows, with the labels that it has."""
    async with open_api(sqlite_url, clock) as api:
        await api.shop.give(50_000)
        await api.shop.topped_up()
        await api.shop.batua.signs.record_proof(is_sound=True)
        await api.get("/wallet")
        api.shop.batua.engine._watcher.message_sent("sent")  # it has no worker
        text = (await api.get("/metrics", None)).text
    labels: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        labels.setdefault(family.name, set())
        for sample in family.samples:
            labels.setdefault(sample.name, set()).update(sample.labels)
    return labels


async def test_every_rule_names_metrics_and_labels_that_there_are(shown):
    for rule in RULES:
        names = re.findall(r"batua_\w+", rule["expr"])
        assert names, rule["alert"]
        for name in names:
            assert name in shown, (rule["alert"], name)
        for name, matchers in re.findall(r"(batua_\w+)\{([^}]*)\}", rule["expr"]):
            for label in re.findall(r"(\w+)\s*=", matchers):
                assert label in shown[name], (rule["alert"], name, label)
        for grouped in re.findall(r"by \(([^)]*)\)", rule["expr"]):
            known = set().union(*(shown[name] for name in names))
            assert {label.strip() for label in grouped.split(",")} <= known, rule["alert"]


def test_every_rule_has_a_severity_and_a_runbook_and_no_runbook_is_left_over():
    linked = set()
    for rule in RULES:
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"]
        path = ROOT / rule["annotations"]["runbook"]
        text = path.read_text()
        assert text.startswith(f"# {rule['alert']}\n")
        assert "```sh" in text
        assert path.name in (path.parent / "README.md").read_text()
        linked.add(path.name)
    there = {path.name for path in (ROOT / "docs/runbooks").glob("*.md")} - {"README.md"}
    assert there == linked


async def test_the_page_of_metrics_lists_all_and_nothing_else(shown):
    page = (ROOT / "docs/reference/metrics.md").read_text()
    rows = re.findall(r"^\| `(batua_\w+)` \| ([^|]*)\|", page, re.MULTILINE)
    listed = {name: set(re.findall(r"\w+", labels)) for name, labels in rows}
    families = {
        name for name in shown
        if not any(name == other + suffix for other in shown for suffix in SUFFIXES[:-1])
    }  # fmt: skip
    assert {name.removesuffix("_total") for name in listed} == families
    for name, labels in listed.items():
        assert shown[name] | shown.get(f"{name}_bucket", set()) - {"le"} == labels, name
