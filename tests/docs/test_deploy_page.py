"""The page about deploying, typed word for word on a PostgreSQL that nobody has touched."""

from __future__ import annotations

import os

import pytest

from tests.docs.test_operations_run import SUDO
from tests.support.own_postgres import own_postgres
from tests.support.processes import running_serve

PASSWORD = "a-password-of-the-tests"


@pytest.mark.pages("docs/how-to/deploy.md")
def test_a_shop_is_deployed(read, tmp_path):
    with own_postgres(fsync="off") as server:
        page = read("docs/how-to/deploy.md")
        page.environ |= {
            "PGHOST": "127.0.0.1", "PGPORT": str(server.port), "PGUSER": "postgres",
            "PATH": f"{tmp_path / '.venv/bin'}:{server.binaries}:{os.environ['PATH']}",
        }  # fmt: skip
        page.program("sudo", SUDO)
        page.words["127.0.0.1:5432"] = f"127.0.0.1:{server.port}"
        page.words["/etc/batua"] = str(tmp_path / "etc")
        database, settings, well = page.blocks
        page.run(database, answers=f"{PASSWORD}\n" * 3)
        page.run(settings)
        file = tmp_path / "etc" / "batua.env"
        assert file.stat().st_mode & 0o777 == 0o600
        name, _, secret = file.read_text().strip().partition("=")
        assert (name, len(secret)) == ("BATUA_JWT_SECRET", 64)
        url = server.url("batua").replace("postgres@", f"batua_app:{PASSWORD}@")
        with running_serve(url, cwd=tmp_path, **{name: secret}) as serving:
            page.words["127.0.0.1:8000"] = f"127.0.0.1:{serving.port}"
            assert page.run(well) == '{"status":"ok"}'
