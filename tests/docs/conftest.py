"""The pages that a test reads: named by its mark, and run to their last block."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests.support.typing_along import Reader
from tests.support.warm import warm_batua


@pytest.fixture(scope="session")
def batua_program():
    with warm_batua() as program:
        yield program


@pytest.fixture
def read(request, tmp_path, batua_program):
    """Opens a page that ``@pytest.mark.pages`` names, for a reader in a folder of their own.

    When the test ends, each page that the mark names was opened, and each of its blocks was run
    or says why not.
    """
    named = request.node.get_closest_marker("pages").args
    opened = []
    with ExitStack() as stack:

        def open_page(page, folder=tmp_path):
            assert page in named, page
            opened.append(page)
            return stack.enter_context(Reader(page, folder, batua_program))

        yield open_page
    assert set(opened) == set(named)


@pytest.fixture(autouse=True)
def _whoever_names_a_page_reads_it(request):
    if request.node.get_closest_marker("pages") is not None:
        request.getfixturevalue("read")
