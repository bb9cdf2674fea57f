"""``batua verify`` on a copy: read-only, compared with the anchor, and clear where it can't."""

import shutil
import sqlite3
import subprocess

import pytest

from batua.database import migrate
from batua.migrations import MIGRATIONS
from benchmarks.big_ledger import build
from tests.support.databases import opened
from tests.support.processes import BATUA, clean_environ, run_batua

LAST = "(select max(seq) from batua_transfer)"
CUT = (
    f"delete from batua_entry where transfer_seq = {LAST}",
    f"delete from batua_transfer where seq = {LAST}",
    "update batua_account set posted = posted + 100 where id = 6",
    "update batua_account set posted = posted - 100 where id = 2",
    "delete from batua_order where id like 'ord_%40'",
    f"update batua_ledger set transfer_seq = {LAST},"
    f" head_hash = (select hash from batua_transfer where seq = {LAST})",
)


@pytest.fixture
async def shop(sqlite_url):
    """Forty transfers of four customers in a file."""
    async with opened(sqlite_url) as database:
        await build(database, transfers=40, customers=4)
        return database.path


def copy_of(shop, folder):
    folder.mkdir(exist_ok=True)
    copy = folder / "copy.sqlite"
    source, target = sqlite3.connect(shop), sqlite3.connect(copy)
    source.backup(target)
    source.close()
    target.close()
    return copy


def verify(path, *options, **variables):
    ran = run_batua(
        "verify", "--database-url", f"sqlite:///{path}", *options,
        environ=clean_environ("sqlite:////nowhere/at/all.sqlite", **variables), cwd=path.parent,
    )  # fmt: skip
    return ran.returncode, ran.stdout, ran.stderr


def edit(path, *statements):
    connection = sqlite3.connect(path)
    triggers = connection.execute(
        "select name, sql from sqlite_master where type = 'trigger'"
    ).fetchall()
    for name, _ in triggers:
        connection.execute(f"drop trigger {name}")
    for statement in statements:
        connection.execute(statement)
    for _, sql in triggers:  # a ledger without them would not be sound
        connection.execute(sql)
    connection.commit()
    connection.close()


def test_a_copy_is_proved_and_nothing_beside_it_is_made(shop, tmp_path):
    copy = copy_of(shop, tmp_path / "backups")
    before = copy.read_bytes(), copy.stat().st_mtime_ns
    copy.parent.chmod(0o555)
    assert verify(copy) == (0, "sound: 40 transfers, 80 entries\n", "")
    copy.parent.chmod(0o755)
    assert (copy.read_bytes(), copy.stat().st_mtime_ns) == before
    assert [each.name for each in copy.parent.iterdir()] == ["copy.sqlite"]


def test_a_copy_that_is_not_there_is_not_made(tmp_path):
    status, said, problem = verify(tmp_path / "gone.sqlite")
    assert (status, said) == (1, "")
    assert problem == f"batua: there is no database at {tmp_path / 'gone.sqlite'}\n"


async def test_a_copy_that_lacks_a_migration_is_said_to_lack_it(shop, tmp_path):
    async with opened(f"sqlite:///{tmp_path / 'old.sqlite'}") as database:
        await migrate(database)
        await migrate(database, back=True)
    before = (tmp_path / "old.sqlite").read_bytes()
    status, said, problem = verify(tmp_path / "old.sqlite")
    assert (status, said) == (1, "")
    assert f"the database lacks {MIGRATIONS[-1].name}" in problem
    assert (tmp_path / "old.sqlite").read_bytes() == before


def test_a_copy_of_a_newer_version_is_said_to_be_newer(shop, tmp_path):
    copy = copy_of(shop, tmp_path / "backups")
    edit(copy, "insert into batua_migration values ('9999_next', '2030-01-01 00:00:00+00:00')")
    status, said, problem = verify(copy)
    assert (status, said) == (1, "")
    assert "migrations that this version does not know: 9999_next" in problem


async def test_an_old_copy_is_told_from_the_anchor_that_is_ahead(shop, tmp_path):
    anchors = str(tmp_path / "anchors.jsonl")
    old = copy_of(shop, tmp_path / "backups")
    edit(old, *CUT)
    assert verify(old)[0] == 0, "it is sound by itself"
    assert verify(shop, BATUA_ANCHOR_PATH=anchors)[0] == 0
    status, said, _ = verify(old, BATUA_ANCHOR_PATH=anchors)
    assert status == 1
    assert (
        "BROKEN I17 batua_transfer 40: The ledger ends at transfer 39, but was anchored at 40: "
        "the anchor is 1 ahead. This is a copy from before the anchor" in said
    )
    assert verify(shop, BATUA_ANCHOR_PATH=anchors)[0] == 0, "the old copy moved no anchor"


def test_another_ledger_is_told_by_the_anchor(shop, tmp_path):
    anchors = str(tmp_path / "anchors.jsonl")
    other = copy_of(shop, tmp_path / "backups")
    edit(other, "update batua_ledger set ledger_id = 'ldg_other'")
    assert verify(shop, BATUA_ANCHOR_PATH=anchors)[0] == 0
    status, said, _ = verify(other, BATUA_ANCHOR_PATH=anchors)
    assert status == 1
    assert "This is ledger ldg_other, but the anchor is of ldg_" in said


def test_a_file_that_was_torn_is_no_sound_ledger(shop, tmp_path):
    copy = copy_of(shop, tmp_path / "backups")
    content = bytearray(copy.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 8192] = b"\xff" * 8192
    copy.write_bytes(content)
    status, said, problem = verify(copy)
    assert status == 1
    assert "sound" not in said
    assert "BROKEN" in said or problem.startswith("batua: ")


def test_a_terminal_sees_a_bar_and_quiet_sees_none(shop):
    """``script`` lends the command a terminal."""
    if shutil.which("script") is None:
        pytest.skip("no script(1)")
    for options, is_drawn in (((), True), (("--quiet",), False)):
        command = [*BATUA, "verify", "--database-url", f"sqlite:///{shop}", *options]
        ran = subprocess.run(
            ["script", "-qec", " ".join(command), "/dev/null"],
            env=clean_environ(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=60, check=True,
        )  # fmt: skip
        assert ("verifying [" in ran.stdout) == is_drawn
        assert ran.stdout.rstrip().endswith("sound: 40 transfers, 80 entries")
