"""The README's example of embedding, run as the module that it is."""

import importlib.util
import re
import sys
from pathlib import Path

import httpx

from batua.testing.serving import serving

ROOT = Path(__file__).parents[2]


def test_the_figures_are_those_of_the_whole_run():
    def rows(path):
        lines = (ROOT / path).read_text().splitlines()
        return [line for line in lines if line.startswith("| ") and " | " in line]

    quoted = rows("README.md")
    assert len(quoted) > 10
    assert quoted == rows("benchmarks/results/latest.md")


async def test_the_embedding_example_serves_both_the_host_and_the_shop(
    database_url, monkeypatch, tmp_path
):
    monkeypatch.setenv("BATUA_DATABASE_URL", database_url)
    monkeypatch.setenv("BATUA_JWT_SECRET", "a secret of at least thirty-two bytes")
    example = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert example is not None
    path = tmp_path / "host_app.py"
    path.write_text(example[1])
    spec = importlib.util.spec_from_file_location("host_app", path)
    host = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "host_app", host)
    spec.loader.exec_module(host)
    async with serving(host.app) as base, httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(f"{base}/")).text == "my shop"
        assert (await http.get(f"{base}/api/v1/health/ready")).json() == {"status": "ok"}
        assert (await http.get(f"{base}/api/v1/wallet")).status_code == 401
