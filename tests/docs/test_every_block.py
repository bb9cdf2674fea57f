"""Every block of every page is run by a test or says why not; the index reaches each page."""

from __future__ import annotations

import importlib
import inspect
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.support.pages import PROGRAMS, ROOT, RUN, SHOWN, blocks_of, pages


def owners():
    """The pages that tests run, by the mark for which the fixture ``read`` checks them."""
    found = Counter()
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        module = importlib.import_module(f"tests.docs.{path.stem}")
        for name, test in inspect.getmembers(module, inspect.isfunction):
            for mark in getattr(test, "pytestmark", ()):
                if mark.name == "pages":
                    assert name.startswith("test_"), name
                    found.update(mark.args)
    return found


def test_every_block_is_of_a_known_kind():
    for page in pages():
        for block in blocks_of(page):
            assert block.kind in {*RUN, *SHOWN}, f"{block}: what is ```{block.kind}?"


def test_no_command_hides_in_a_block_that_is_only_shown():
    for page in pages():
        for block in blocks_of(page):
            if block.kind not in {*RUN, "output"}:
                hidden = re.findall(rf"^(?:{'|'.join(PROGRAMS)}) .*", block.text, re.MULTILINE)
                assert not hidden, f"{block}: {hidden}"


def test_every_block_is_run_by_a_test_or_says_why_it_is_not():
    run = owners()
    assert not [page for page, count in run.items() if count > 1], "two tests run one page"
    typed = {page: [block for block in blocks_of(page) if block.kind in RUN] for page in pages()}
    for page, blocks in typed.items():
        waiting = [str(block) for block in blocks if not block.why]
        if page in run:
            assert waiting, f"{page} is named by a test and has nothing to run"
        else:
            assert not waiting, f"nobody runs {waiting}"
    assert set(run) <= set(typed)
    assert sum(len(blocks) for blocks in typed.values()) > 80


def test_a_reason_is_one_of_those_that_a_test_can_not_mend():
    """Docker, systemd, the internet, an account, another machine; or it is the tests themselves."""
    known = (
        "it needs Docker", "it needs systemd", "it needs the internet", "it needs an account",
        "it needs a second machine", "it needs root", "it is what runs them", "it takes an hour",
    )  # fmt: skip
    reasons = [(block, block.why) for page in pages() for block in blocks_of(page) if block.why]
    assert len(reasons) > 10
    for block, why in reasons:
        assert why.startswith(known), f"{block}: {why}"


@pytest.mark.parametrize("folder", ["how-to", "reference", "explanation", "tutorial", "runbooks",
                                    "decisions"])  # fmt: skip
def test_the_index_reaches_every_page(folder):
    """By itself or, for a folder with a list of its own, by that list."""
    docs = ROOT / "docs"
    linked = links(docs / "index.md")
    for inner in ("runbooks/README.md", "decisions/README.md"):
        assert docs / inner in linked
        linked |= links(docs / inner)
    there = set((docs / folder).glob("**/*.md"))
    assert there
    assert sorted(str(path) for path in there - linked) == []


def links(page):
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
    return {(page.parent / target).resolve() for target in targets}


def test_no_folder_of_pages_is_left_out():
    there = {path.parent.name for path in (ROOT / "docs").glob("*/*.md")}
    assert there == {"how-to", "reference", "explanation", "tutorial", "runbooks", "decisions"}
