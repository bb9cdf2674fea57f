"""Staff accounts as an operator changes them: ``batua staff``. Signing in is the panel's test."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from click.testing import CliRunner

from batua.bootstrap import open_batua
from batua.errors import Conflict, NotFound
from batua.identity import Role
from batua.settings import read_settings
from batua_admin import disable_staff, enable_staff, set_staff_role
from batua_api.cli import cli
from tests.support.databases import read_rows

LAST = "is the last active owner"


@asynccontextmanager
async def opened_shop(url):
    settings = read_settings({}, database_url=url, jwt_secret="x" * 32)
    async with open_batua(settings, {}) as batua:
        yield batua


async def add(batua, *accounts):
    """Accounts that nobody can sign in to: a real password takes long to hash."""
    async with batua.database.transaction() as transaction:
        for name, role, active in accounts:
            await transaction.execute(
                "insert into batua_staff (username, password, email, active, admin, superuser,"
                " role) values ($1, 'x', $2, $3, true, $4, $5)",
                name, f"{name}@x", active, role == "owner", role,
            )  # fmt: skip


async def accounts(url):
    rows = await read_rows(url, "select username, role, active, superuser from batua_staff")
    return {
        row["username"]: (row["role"], bool(row["active"]), bool(row["superuser"])) for row in rows
    }


async def test_the_last_active_owner_stays(database_url):
    async with opened_shop(database_url) as batua:
        await add(
            batua, ("olga", "owner", True), ("otto", "owner", False), ("fay", "finance", True)
        )
        for change in (
            disable_staff(batua, "olga"),
            set_staff_role(batua, "olga", Role.FINANCE),
        ):
            with pytest.raises(Conflict, match=LAST) as refused:
                await change
            assert refused.value.code == "last_owner"
        assert await set_staff_role(batua, "olga", Role.OWNER) is Role.OWNER
        for change in (disable_staff(batua, "nobody"), enable_staff(batua, "nobody")):
            with pytest.raises(NotFound, match="staff account 'nobody'"):
                await change
        before = {
            "olga": ("owner", True, True),
            "otto": ("owner", False, True),
            "fay": ("finance", True, False),
        }
        assert await accounts(database_url) == before

        assert await enable_staff(batua, "otto")
        assert not await enable_staff(batua, "otto")
        assert await disable_staff(batua, "olga")
        assert not await disable_staff(batua, "olga")
        assert await set_staff_role(batua, "fay", Role.OWNER) is Role.FINANCE
        assert await set_staff_role(batua, "otto", Role.SUPPORT) is Role.OWNER
        known = (await batua.identity.watch.current()).staff
        assert {name: (each.role, each.is_active) for name, each in known.items()} == {
            "olga": ("owner", False), "otto": ("support", True), "fay": ("owner", True),
        }, "this process knows at once"  # fmt: skip
        assert await accounts(database_url) == {
            "olga": ("owner", False, True),
            "otto": ("support", True, False),
            "fay": ("owner", True, True),
        }


async def test_two_owners_who_shut_each_other_out_do_not_both_go(database_url):
    async with opened_shop(database_url) as one, opened_shop(database_url) as other:
        await add(one, ("olga", "owner", True), ("otto", "owner", True))
        done = await asyncio.gather(
            disable_staff(one, "otto"), disable_staff(other, "olga"), return_exceptions=True
        )
        assert {type(each) for each in done} == {bool, Conflict}, done
        assert sorted(active for _, active, _ in (await accounts(database_url)).values()) == [
            False, True,
        ]  # fmt: skip


def test_an_operator_types_it(sqlite_url, monkeypatch):
    monkeypatch.setenv("BATUA_DATABASE_URL", sqlite_url)

    def run(*arguments, status=0):
        result = CliRunner().invoke(cli, ("staff", *arguments))
        assert result.exit_code == status, (arguments, result.output, result.exception)
        return result.output or str(result.exception)

    run("create", "olga", "--role", "owner", "--password", "a long password")
    assert "is the last active owner" in run("disable", "olga", status=1)
    run("create", "fay", "--role", "finance", "--password", "a long password")
    assert run("role", "fay", "support") == "fay was finance and is support\n"
    assert run("disable", "fay") == "fay is disabled\n"
    assert run("disable", "fay") == "fay was disabled already\n"
    assert run("list") == (
        "fay  support  disabled  password alone  never signed in\n"
        "olga  owner  active  password alone  never signed in\n"
    )
    assert run("enable", "fay") == "fay is enabled\n"
    assert run("enable", "fay") == "fay was not disabled\n"
    assert run("reset-mfa", "fay") == "fay had no second factor\n"
    assert run("password", "fay", "--password", "another long one") == "fay has another password\n"
    assert "at least 10 characters" in run("password", "fay", "--password", "short", status=1)
    assert "There is no staff account 'nobody'" in run("role", "nobody", "owner", status=1)
    assert "'boss' is not one of" in run("role", "fay", "boss", status=2)
