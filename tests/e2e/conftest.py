"""Whole shops, once on each engine."""

from tests.support.databases import pytest_runtest_makereport, shop_url

__all__ = ["pytest_runtest_makereport", "shop_url"]
