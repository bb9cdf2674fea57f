"""The README's example of embedding, run."""

import re
from pathlib import Path

import httpx

from batua.testing.serving import serving

ROOT = Path(__file__).parents[2]


async def test_the_embedding_example_serves_both_the_host_and_the_shop(
    database_url, monkeypatch
):
    monkeypatch.setenv("BATUA_DATABASE_URL", database_url)
    monkeypatch.setenv("BATUA_JWT_SECRET", "a secret of at least thirty-two bytes")
    example = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert example is not None
    namespace: dict = {}
    exec(compile(example[1], "README.md", "exec"), namespace)  # noqa: S102 - it is our own page
    async with serving(namespace["app"]) as base, httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(f"{base}/")).text == "my shop"
        assert (await http.get(f"{base}/api/v1/health/ready")).json() == {"status": "ok"}
        assert (await http.get(f"{base}/api/v1/wallet")).status_code == 401
