"""The README's example of embedding, run as the module that it is."""

from pathlib import Path

import httpx
import pytest

from batua.testing.serving import serving

ROOT = Path(__file__).parents[2]
RUNS = ("benchmarks/results/latest.md", "benchmarks/results/panel_and_streams.md")


def test_the_figures_are_those_of_the_runs():
    def rows(path):
        lines = (ROOT / path).read_text().splitlines()
        return [line for line in lines if line.startswith("| ") and " | " in line]

    quoted = rows("README.md")
    whole, (head, *later) = map(rows, RUNS)
    assert len(quoted) > 10
    assert head == whole[0]
    assert quoted == [*whole, *later]


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
