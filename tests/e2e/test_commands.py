"""The commands as processes of their own."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.clients import JWT_SECRET
from tests.support.processes import clean_environ, run_batua, running_demo, running_serve

VARIABLES = {"BATUA_JWT_SECRET": JWT_SECRET}
WHO_OPENS = """
import aiosqlite.core, piccolo.engine.sqlite, batua.database.sqlite as ours
print(*(each.sqlite3.__name__ for each in (ours, piccolo.engine.sqlite, aiosqlite.core)))
"""

with_wheel = pytest.mark.skipif(sys.platform != "linux", reason="the wheel is for Linux")


@with_wheel
@pytest.mark.parametrize("entry", ["batua_api.cli", "batua_api.asgi"])
def test_every_way_in_opens_the_shop_with_the_fixed_sqlite(entry, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", f"import {entry}{WHO_OPENS}"],
        env=clean_environ(),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.split() == ["pysqlite3"] * 3


@with_wheel
@pytest.mark.parametrize("running", [running_demo, running_serve], ids=["demo", "serve"])
def test_a_shop_in_a_file_is_in_wal_mode_and_stays_so_while_commands_come_and_go(
    running, sqlite_url, tmp_path
):
    log = Path(f"{sqlite_url.removeprefix('sqlite:///')}-wal")
    with running(sqlite_url, cwd=tmp_path, **VARIABLES) as program:
        for command in ("verify",):
            # A process with another SQLite would take the file out of WAL mode, or be locked out.
            done = run_batua(command, environ=program.environ, cwd=tmp_path)
            assert done.returncode == 0, done.stderr
            assert log.exists(), f"after {command}"
        assert program.stop() == 0


def test_a_command_that_can_not_work_says_so_in_one_line_and_exits_1(tmp_path):
    for arguments, variables in (
        (("serve",), {}),
        (("verify",), {"BATUA_DATABASE_URL": "mysql://nowhere"}),
    ):
        environ = clean_environ(f"sqlite:///{tmp_path}/none.sqlite") | variables
        done = run_batua(*arguments, environ=environ, cwd=tmp_path)
        assert done.returncode == 1, arguments
        assert done.stderr.startswith("batua: ")
        assert len(done.stderr.splitlines()) == 1, done.stderr
