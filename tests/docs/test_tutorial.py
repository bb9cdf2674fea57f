"""The tutorial, run word for word against a demo of its own."""

import re

import pytest

from tests.support.pages import ROOT, pages
from tests.support.ports import free_port
from tests.support.processes import running_demo


@pytest.mark.pages("docs/tutorial/index.md")
def test_the_tutorial_does_what_it_says(database_url, tmp_path, read):
    port = free_port()
    page = read("docs/tutorial/index.md")
    page.words["127.0.0.1:8000"] = f"127.0.0.1:{port}"
    page.environ["BATUA_DATABASE_URL"] = database_url
    with running_demo(database_url, port=port, cwd=tmp_path):
        for block, said in page.rest():
            assert said == (block.output or ""), block


@pytest.mark.parametrize("page", pages())
def test_every_link_between_pages_leads_somewhere(page):
    path = ROOT / page
    for target in re.findall(
        r"\]\((?!https?:|#|mailto:)([^)#]+)", path.read_text(encoding="utf-8")
    ):
        assert (path.parent / target).exists(), f"{page}: {target}"
