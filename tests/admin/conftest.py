"""The panel's tests share one shop an engine."""

import pytest

from tests.support.databases import shop_url

__all__ = ["pytest_collection_modifyitems", "shop_url"]

ON_POSTGRES_IN_SOAK = {"test_doors.py", "test_matrix.py", "test_dashboard.py"}
"""Their SQL is the same on both, and what is not is asked by the pages and lists on both."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have the dearer half of them wait for ``make soak``."""
    for item in items:
        if item.path.name in ON_POSTGRES_IN_SOAK and "[postgres" in item.nodeid:
            item.add_marker(pytest.mark.soak)
