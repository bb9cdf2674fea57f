"""The example of the ledger's reference, run word for word."""

import pytest


@pytest.mark.pages("docs/reference/ledger.md")
def test_the_example_prints_what_the_page_says(read, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    page = read("docs/reference/ledger.md")
    page.run_rest()
    assert [block.output is None for block in page.ran] == [False]
