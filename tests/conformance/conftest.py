"""One event loop and its servers for all rules of a module: starting them takes the longest."""

import asyncio

import pytest

from batua.testing.conformance import Sites


@pytest.fixture(scope="module")
def runner():
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def sites(runner):
    sites = Sites()
    yield sites
    runner.run(sites.__aexit__())
