"""The commands about who may come in, as an operator types them."""

import asyncio
import re

import pytest
from click.testing import CliRunner

from batua.database import open_database
from batua.identity import split_key
from batua.identity.snapshot import EMPTY, read_snapshot
from batua_api.cli import cli

KEY = re.compile(r"batua_sk_[0-9a-f]{16}_[\w-]{43}\n")


@pytest.fixture
def run(sqlite_url, monkeypatch):
    monkeypatch.setenv("BATUA_DATABASE_URL", sqlite_url)

    def one(*arguments, status=0):
        result = CliRunner().invoke(cli, arguments)
        assert result.exit_code == status, (arguments, result.output, result.exception)
        return result.output

    return one


def known(url):
    async def read():
        database = open_database(url)
        await database.open()
        try:
            return await read_snapshot(database, EMPTY)
        finally:
            await database.close()

    return asyncio.run(read())


def test_customers_are_disabled_and_enabled(run, sqlite_url):
    assert run("customers", "disable", "asha") == "asha is disabled\n"
    assert run("customers", "disable", "asha") == "asha was disabled already\n"
    assert known(sqlite_url).disabled_customers == {"asha"}
    assert run("customers", "enable", "asha") == "asha is enabled\n"
    assert run("customers", "enable", "asha") == "asha was not disabled\n"
    assert known(sqlite_url).disabled_customers == frozenset()
    assert "without a slash" in run("customers", "disable", "a/b", status=2)


def test_tokens_are_revoked(run, sqlite_url):
    run("tokens", "revoke", "--jti", "t1")
    for scope in ("customer", "staff", "service"):
        run("tokens", "revoke", f"--{scope}", "asha")
    found = known(sqlite_url)
    assert found.revoked_tokens == {"t1"}
    assert set(found.revoked_before) == {(scope, "asha")
                                         for scope in ("customer", "staff", "service")}  # fmt: skip
    for wrong in ((), ("--jti", "t1", "--staff", "olga"), ("--customer", "a", "--staff", "b")):
        assert "say one of" in run("tokens", "revoke", *wrong, status=2)


def test_keys_are_made_shown_rotated_and_revoked(run, sqlite_url):
    first = run("keys", "create", "till", "--may", "orders:read", "--may", "orders:write",
                "--expires-days", "7")  # fmt: skip
    second = run("keys", "rotate", "till", "--overlap-hours", "1")
    for made in (first, second):
        assert KEY.fullmatch(made), "the key is printed, and nothing else"
        key_id, sha256 = split_key(made.strip())
        assert known(sqlite_url).keys[key_id].secret_sha256 == sha256
    listed = run("keys", "list")
    assert listed.count("till  may orders:read orders:write") == 2
    assert listed.count("last used never") == 2
    for made in (first, second):
        assert made.strip().rpartition("_")[2] not in listed
    assert run("keys", "revoke", "till") == "revoked 2 of till\n"
    assert run("keys", "list").count("revoked 20") == 2
    assert "say what it --may" in run("keys", "create", "till", status=2)
    run("keys", "create", "till", "--may", "everything", status=2)
