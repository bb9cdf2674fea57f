"""The README's example of embedding, run as the module that it is."""

from pathlib import Path

import httpx
import pytest

from batua.testing.serving import serving

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "results"
BIG = "one-tap payments with 10,000,000 entries"
"""Of the last whole run the README shows what begins here: the rest of it was measured anew."""


def rows(path):
    lines = path.read_text().splitlines()
    return [line for line in lines if line.startswith("| ") and " | " in line]


def test_the_figures_are_those_of_the_runs():
    quoted = rows(ROOT / "README.md")
    payments, whole, (head, *panel) = (
        rows(RESULTS / f"{name}.md")
        for name in ("payments_and_webhooks", "latest", "panel_and_streams")
    )
    assert payments[0] == whole[0] == head
    (begin,) = (number for number, row in enumerate(whole) if row.startswith(f"| {BIG}"))
    assert len(payments) > 10
    assert quoted == [*payments, *whole[begin:], *panel]


@pytest.mark.pages("README.md")
async def test_the_embedding_example_serves_both_the_host_and_the_shop(
    database_url, monkeypatch, read
):
    monkeypatch.setenv("BATUA_DATABASE_URL", database_url)
    monkeypatch.setenv("BATUA_JWT_SECRET", "a secret of at least thirty-two bytes")
    page = read("README.md")
    page.run_rest()
    async with serving(page.names["app"]) as base, httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(f"{base}/")).text == "my shop"
        assert (await http.get(f"{base}/api/v1/health/ready")).json() == {"status": "ok"}
        assert (await http.get(f"{base}/api/v1/wallet")).status_code == 401
