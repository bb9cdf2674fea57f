"""The option of ``pytest --pyargs batua.testing --batua-gateway=CODE``. Imports nothing of ours."""

from __future__ import annotations

import pytest

__all__ = ["pytest_addoption"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("batua").addoption(
        "--batua-gateway",
        action="append",
        default=[],
        metavar="CODE",
        help="an installed Batua gateway to check with --pyargs batua.testing (may be repeated)",
    )
