"""``pytest --pyargs batua.testing --batua-gateway=CODE``: every rule on an installed gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from batua.testing.conformance import RULES, Rule, Sites, check


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    codes = metafunc.config.getoption("batua_gateway", default=[])
    cases = [pytest.param(code, rule, id=f"{code}-{rule.id}") for code in codes for rule in RULES]
    nothing = pytest.mark.skip("name a gateway: --batua-gateway=CODE")
    metafunc.parametrize(
        ("code", "rule"), cases or [pytest.param("", RULES[0], id="none", marks=nothing)]
    )


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def sites(runner: asyncio.Runner) -> Iterator[Sites]:
    sites = Sites()
    yield sites
    runner.run(sites.__aexit__())


def test_gateway(code: str, rule: Rule, runner: asyncio.Runner, sites: Sites) -> None:
    reason = runner.run(check(rule, code, sites))
    if reason:
        pytest.skip(f"{rule.sentence} Says nothing here: {reason}")
