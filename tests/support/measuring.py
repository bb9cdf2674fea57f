"""Coverage only where it is needed: a test that is measured takes half as long again."""

from __future__ import annotations

import sys
from collections.abc import Generator

import pytest
from coverage import Coverage

__all__ = ["Measuring", "forget_cached"]


class Measuring:
    """A plugin that measures the tests whose ids begin with one of ``begins``, if any are."""

    def __init__(self, begins: tuple[str, ...]) -> None:
        self._begins = begins
        self._is_on = True
        self._coverage: Coverage | None = None

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Begin or end before the test's fixtures are made."""
        # One that has ended is nobody's current one any more.
        self._coverage = self._coverage or Coverage.current()
        wanted = item.nodeid.startswith(self._begins)
        if self._coverage is not None and wanted is not self._is_on:
            if wanted:
                # What was worked out once, while nobody measured, is worked out again.
                forget_cached(tuple(self._coverage.get_option("run:source")))
                self._coverage.start()
            else:
                self._coverage.stop()
            self._is_on = wanted
        return (yield)


def forget_cached(packages: tuple[str, ...]) -> None:
    """Empty the caches of all functions in the modules of these packages."""
    for name, module in list(sys.modules.items()):
        if name.startswith(packages):
            for value in list(vars(module).values()):
                if hasattr(value, "cache_clear"):
                    value.cache_clear()
