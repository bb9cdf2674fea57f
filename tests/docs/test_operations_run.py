"""The operators' pages, typed word for word against a PostgreSQL of their own and a shop on it."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import httpx
import pytest

from tests.support.own_postgres import own_postgres
from tests.support.pages import ROOT
from tests.support.ports import free_port
from tests.support.processes import clean_environ, running_serve
from tests.support.typing_along import Shell

RUNBOOKS = [
    path.relative_to(ROOT).as_posix()
    for path in sorted((ROOT / "docs/runbooks").glob("*.md"))
    if path.stem not in {"README", "rate-limits-apart"}
]
OF_REDIS = "docs/runbooks/rate-limits-apart.md"
PASSWORD = "a-password-of-the-tests"
VARIABLES = {
    "BATUA_JWT_SECRET": "5e" * 32,
    "BATUA_ENCRYPTION_KEY": "Zm9yIHRlc3RzIGFuZCBmb3Igbm90aGluZyBlbHNlISE=",
    "BATUA_LOG_FORMAT": "json",
}
SUDO = f"""#!/bin/sh
[ "$1" = -u ] && shift 2
case "$*" in
  *password* | *pwprompt*) printf '{PASSWORD}\\n{PASSWORD}\\n' | "$@" ;;
  *) exec "$@" ;;
esac
"""
"""Whoever runs the tests is everybody already. It answers what asks for a new password."""


INSTALL = f"""
./batua migrate
./batua grants --apply
./batua staff create ravi --role owner --password {PASSWORD}
./batua staff create meera --role support --password {PASSWORD}
./batua keys create checkout --may orders:write
"""


@pytest.fixture(scope="module")
def server():
    with own_postgres(wal_level="replica", max_wal_senders="4", fsync="off") as server:
        yield server


@pytest.fixture(scope="module")
def installed(server, batua_program, tmp_path_factory):
    """A shop as the page about deploying leaves it: an owner, its database, a role that serves."""
    folder = tmp_path_factory.mktemp("installed")
    server.run("createuser", "batua_owner")
    server.run("createuser", "batua_app")
    server.run("createdb", "--owner", "batua_owner", "batua")
    owner = server.url("batua").replace("postgres@", "batua_owner@")
    reader = Shell(folder, clean_environ(owner, **VARIABLES))
    program = folder / "batua"
    program.write_text(batua_program)
    program.chmod(0o755)
    try:
        reader.run(INSTALL)
    finally:
        reader.close()
    return owner


@pytest.fixture(scope="module")
def serving(installed, tmp_path_factory):
    """A server of that shop, as the role that serves."""
    url = installed.replace("batua_owner@", "batua_app@")
    folder = tmp_path_factory.mktemp("serving")
    with running_serve(url, cwd=folder, **VARIABLES) as program:
        yield program


@pytest.fixture
def type_along(read, server, tmp_path):
    """Opens a page for an operator of that server."""

    def open_page(page, url, folder=tmp_path, **words):
        reader = read(page, folder)
        reader.environ |= VARIABLES | {
            "BATUA_DATABASE_URL": url, "OWNER_URL": url, "PGHOST": "127.0.0.1",
            "PGPORT": str(server.port), "PGUSER": "postgres",
            "PATH": f"{folder / '.venv/bin'}:{server.binaries}:{os.environ['PATH']}",
        }  # fmt: skip
        reader.program("sudo", SUDO)
        reader.words |= {"/opt/batua": str(folder), **words}
        return reader

    return open_page


def at(program):
    """What a reader writes in the place of the page's address."""
    return {"127.0.0.1:8000": f"127.0.0.1:{program.port}"}


# --- runbooks -----------------------------------------------------------------------------------


@pytest.mark.pages(*RUNBOOKS)
def test_every_runbook_looks_where_there_is_something(type_along, serving, installed, tmp_path):
    metrics = (ROOT / "docs/reference/metrics.md").read_text()
    for page in RUNBOOKS:
        runbook = type_along(page, installed, tmp_path / Path(page).stem, **at(serving))
        # Of what it looks for there may be nothing: no call was refused yet.
        runbook.type('grep() { command grep "$@" || test $? = 1; }')
        for block, said in runbook.rest():
            for name in re.findall(r"\bbatua_(?:gateway|engine|database|requests|inbox)\w*",
                                   "".join(re.findall(r"grep .*", block.text))):  # fmt: skip
                assert f"`{name.removesuffix('_count')}" in metrics, (block, name)
            if "psql" in block.text or ("curl" in block.text and "grep" not in block.text):
                assert said.strip(), block


@pytest.mark.pages(OF_REDIS)
def test_the_store_that_counts_calls_is_asked(type_along, installed, redis_url):
    runbook = type_along(OF_REDIS, installed)
    runbook.environ["BATUA_REDIS_URL"] = redis_url
    assert [said for _, said in runbook.rest()] == ["PONG\n"]


# --- how-tos ------------------------------------------------------------------------------------


@pytest.mark.pages("docs/how-to/troubleshoot.md")
def test_the_first_questions_are_answered(type_along, serving, installed):
    page = type_along("docs/how-to/troubleshoot.md", installed, **at(serving))
    (_, said), = page.rest()  # fmt: skip
    assert '"status":"ok"' in said
    assert "sound" in said


@pytest.mark.pages("docs/how-to/rotate-secrets.md")
def test_secrets_are_rotated(type_along, installed):
    page = type_along("docs/how-to/rotate-secrets.md", installed, NAME="checkout")
    added = page.type("batua webhooks add https://shop.example/hooks")
    page.words["ENDPOINT"] = re.search(r"lst_\w+", added)[0]
    said = {block.text: text for block, text in page.rest()}
    assert re.search(r"^whsec_", said["batua webhooks rotate ENDPOINT --overlap-hours 24\n"])
    assert "batua_sk_" in said["batua keys rotate NAME --overlap-hours 24\n"]
    rolls = "select rolname, rolcanlogin from pg_roles where rolname like 'batua_app%' order by 1"
    try:
        assert page.type(f'psql -At -c "{rolls}" batua') == "batua_app|f\nbatua_app_b|t\n"
    finally:
        page.type("psql -c 'alter role batua_app login' batua")
    assert "meera" in page.type("batua staff list")
    refused = page.type("! batua grants --role batua_other --apply 2>&1")
    assert "have a superuser run createuser --pwprompt batua_other" in refused


@pytest.mark.pages("docs/how-to/upgrade-and-roll-back.md")
def test_a_schema_goes_forwards_and_back(type_along, serving, installed, tmp_path):
    page = type_along(
        "docs/how-to/upgrade-and-roll-back.md", installed, **at(serving),
        **{"/var/backups": str(tmp_path)},
    )  # fmt: skip
    *_, back = page.blocks
    for block in page.blocks[:-1]:
        said = page.run(block)
    assert "sound" in said
    assert (tmp_path / "before.dump").stat().st_size > 10_000
    assert httpx.get(f"{serving.base}/health/ready", trust_env=False).status_code == 200
    page.run(back)
    page.type("batua migrate && batua grants --apply")
    assert page.type("batua verify --quiet").startswith("sound")


@pytest.mark.pages("docs/how-to/load-test.md")
def test_a_shop_of_its_own_is_loaded(type_along, server):
    server.run("createdb", "batua_load")
    port, simulator = free_port(), free_port()
    page = type_along("docs/how-to/load-test.md", "", **{
        "postgresql://batua_app:…@127.0.0.1/batua_load": server.url("batua_load"),
        "127.0.0.1:8000": f"127.0.0.1:{port}", "--port 9001": f"--port {simulator}",
        "serve --workers": f"serve --port {port} --workers",
    })  # fmt: skip
    (_, token), = page.rest()  # fmt: skip
    for where, path in ((port, "/health/ready"), (simulator, "/_control/payments")):
        page.type(f"curl -s --fail --retry 40 --retry-delay 1 --retry-all-errors "
                  f"--retry-max-time 40 http://127.0.0.1:{where}{path}")  # fmt: skip
    headers = {"Authorization": f"Bearer {token.strip().splitlines()[-1]}"}
    wallet = httpx.get(f"http://127.0.0.1:{port}/api/v1/wallet", headers=headers, trust_env=False)
    assert wallet.json()["balance"] == 0


@pytest.mark.pages("docs/how-to/back-up-and-restore.md")
def test_a_backup_is_restored(type_along, server, installed, tmp_path):
    """The last: the server goes on with what was restored."""
    kept = server.folder / "backups"
    kept.mkdir()
    page = type_along("docs/how-to/back-up-and-restore.md", server.url("batua"), **{
        "/var/backups": str(kept), "/var/lib/postgresql/15": str(server.folder),
    })  # fmt: skip
    base, restore, prove, dump, sqlite = page.blocks
    page.run(base)
    page.run(restore)
    here = server.folder.stat()
    for path in (server.folder / "restored", *(server.folder / "restored").rglob("*")):
        shutil.chown(path, here.st_uid, here.st_gid)
    server.stop()
    server.start("restored")
    page.type("until psql -At -c 'select pg_is_in_recovery()' | grep -q f; do sleep 0.1; done")
    assert "sound" in page.run(prove)
    page.run(dump)
    assert page.type(f"batua verify --quiet --database-url {server.url('copy')}").startswith(
        "sound"
    )
    page.type("export BATUA_DATABASE_URL=sqlite:///shop.sqlite; batua migrate")
    assert "sound" in page.run(sqlite)
