"""The role that serves: all of the shop works as it, and history is beyond its reach."""

from __future__ import annotations

import ast
import re
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest
from click.testing import CliRunner

import batua
from batua.bootstrap import TABLES
from batua.errors import ConfigurationError
from batua.grants import FIXED, GRANTS, ROLE, grant_statements
from batua.ledger.tables import columns_of
from batua.wallets import AdjustmentKind
from batua_admin.tables import STAFF_TABLES, Staff
from batua_api.cli import cli
from batua_api.granting import apply_grants
from tests.support.api import open_api
from tests.support.databases import opened
from tests.support.disputes import dispute, provider_payment
from tests.support.shop import open_shop

# These tests serve plain http on loopback, and Piccolo says what that means in production.
pytestmark = pytest.mark.filterwarnings("ignore:If running sessions in production")

HISTORY = ("batua_transfer", "batua_entry", "batua_lot_entry", "batua_hold_lot")
DELETED = {
    "batua_session", "batua_second_factor", "batua_recovery_code", "batua_call_count",
    "batua_sign", "batua_event", "batua_delivery",
}  # fmt: skip
PASSWORD = "a-long-password"


def as_role(url):
    """The same database, seen by the role that serves."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{ROLE}:{PASSWORD}@{parts.hostname}:{parts.port}").geturl()


async def run(url, statement):
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
async def app_url(postgres_url):
    async with opened(postgres_url) as database:
        await apply_grants(database, ROLE)
        await apply_grants(database, ROLE)  # as after every migration
    await run(postgres_url, f"alter role {ROLE} password '{PASSWORD}'")
    return as_role(postgres_url)


# --- the list -----------------------------------------------------------------------------------


def test_every_table_has_a_line_and_no_line_is_left_over():
    tables = {table._meta.tablename for table in (*TABLES, *STAFF_TABLES)}
    assert set(GRANTS) == tables | {"batua_migration", "batua_call_count"}


def test_rows_of_money_are_never_deleted_and_history_is_not_changed():
    deleted = {table for table, granted in GRANTS.items() if "delete" in granted}
    assert deleted == DELETED
    assert {GRANTS[table] for table in HISTORY} == {"select, insert"}
    for table in (*FIXED, *TABLES):
        granted = GRANTS[table._meta.tablename]
        whole = re.sub(r" ?\([^)]*\)", "", granted)
        assert set(whole.split(", ")) <= {"select", "insert", "update", "delete"}, granted
    for table, fixed in FIXED.items():
        changing = set(re.findall(r"\w+", GRANTS[table._meta.tablename].partition("(")[2]))
        assert changing | set(fixed.split()) == set(columns_of(table))
        assert not changing & set(fixed.split())


def test_no_operation_changes_what_is_fixed():
    """On SQLite nobody would notice: there are no grants."""
    fixed = set(" ".join(FIXED.values()).split())
    changed = set()
    for path in Path(batua.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("book.update"):
                changed |= {each.arg for each in node.keywords if each.arg}
    assert {"status", "refunded", "held"} <= changed
    assert changed & fixed == set()


def test_the_command_prints_what_it_would_run():
    shown = CliRunner().invoke(cli, ["grants", "--role", "shop_a"])
    assert shown.exit_code == 0
    assert shown.output == "".join(f"{each};\n" for each in grant_statements("shop_a"))
    assert "grant select, insert on table batua_entry to shop_a;\n" in shown.output


@pytest.mark.parametrize("name", ["", "a b", 'x"; drop', "Upper", "1st", "x" * 64])
def test_a_name_that_would_have_to_be_quoted_is_refused(name):
    with pytest.raises(ConfigurationError, match="no name for a role"):
        grant_statements(name)


# --- what it can do -----------------------------------------------------------------------------


async def test_a_shop_is_run_as_it(app_url, clock):
    async with open_shop(app_url, clock) as shop:
        top_up = await shop.topped_up(50_000)
        order = await shop.paid_order(30_000)
        await shop.refund(order, "wallet", 10_000)
        gateway_order = await shop.paid_order(20_000, by="gateway")
        await shop.refund(gateway_order, "source", 5_000)
        bonus = shop.adjustment(
            700, kind=AdjustmentKind.BONUS, expires_at=shop.clock.now() + timedelta(hours=1)
        )
        await shop.batua.engine.submit(bonus)
        split = await shop.create_order(90_000)
        paying = await shop.pay_split(split["id"])
        await shop.provider.pay(paying["payment"]["provider_reference"])
        await shop.hear()
        waiting = await shop.create_order(100)
        await shop.cancel(waiting["id"])
        await shop.give(1_000)
        await shop.refund_top_up(top_up, 500)
        payment = await provider_payment(shop, top_up_id=top_up)
        await dispute(shop, payment, "open", 40_000)
        await dispute(shop, payment, "won", 40_000)
        await shop.work(after_s=7_200)
        assert (await shop.row("order", split["id"]))["status"] == "paid"
        for table in ("hold", "hold_lot", "lot_entry", "inbox", "outbox", "refund", "dispute"):
            assert await shop.rows(table), table


async def test_staff_sign_in_and_out_as_it(postgres_url, app_url, clock):
    # Hashed a few times only: at the sign-in Piccolo sees that and hashes it anew.
    hashed = Staff.hash_password(PASSWORD, iterations=10)
    await run(
        postgres_url,
        "insert into batua_staff (username, password, email, active, admin, superuser, role)"
        f" values ('meera', '{hashed}', 'meera@staff.invalid', true, true, true, 'owner')",
    )
    async with (
        open_api(app_url, clock) as api,
        httpx.AsyncClient(
            base_url=str(api.http.base_url).replace("/api/v1", "/admin"),
            trust_env=False,
            timeout=30,
        ) as http,
    ):
        assert (await api.get("/health/ready")).status_code == 200
        await http.get("/")
        http.headers["X-CSRFToken"] = http.cookies["csrftoken"]
        who = {"username": "meera", "password": PASSWORD}
        assert (await http.post("/public/login/", json=who)).status_code == 200
        assert (await http.get("/api/tables/batua_entry/")).status_code == 200
        assert await api.shop.rows("session")
        (staff,) = await api.shop.rows("staff")
        assert staff["password"] != hashed
        assert staff["last_login"] is not None
        await http.post("/public/logout/")
        assert await api.shop.rows("session") == []


# --- what it can not ----------------------------------------------------------------------------

FORBIDDEN = (
    *(f"{change}" for table in HISTORY for change in (
        f"update {table} set amount = 1",
        f"delete from {table}",
        f"truncate {table} cascade",
        f"alter table {table} disable trigger all",
        f"drop table {table} cascade",
    )),
    *(f"delete from {table}" for table in GRANTS
      if table not in {*HISTORY, *DELETED}),
    *(f"drop trigger {table}_no_change on {table}" for table in HISTORY[:3]),
    *(f"update {table._meta.tablename} set {column} = {column}"
      for table, fixed in FIXED.items() for column in fixed.split()),
    *(f"truncate {table} cascade" for table in GRANTS if table not in HISTORY),
    "update batua_audit set reason = 'another'",
    "update batua_erasure set id = 'another'",
    "set session_replication_role = replica",
    "insert into batua_ledger select * from batua_ledger",
    "insert into batua_migration values ('9999', now())",
    "update batua_session set staff_id = 1",
    "create table batua_shadow (id int)",
    "create or replace function batua_refuse_change() returns trigger language plpgsql as"
    " $$ begin return new; end $$",
    "create trigger pass before update on batua_entry for each row"
    " execute function batua_refuse_change()",
    "alter role current_user superuser",
)  # fmt: skip


async def test_history_guards_and_roles_are_beyond_its_reach(postgres_url, app_url, clock):
    async with open_shop(app_url, clock) as shop:
        await shop.paid_order(30_000)
    before = await history(postgres_url)
    connection = await asyncpg.connect(app_url)
    try:
        # PostgreSQL only warns of this one; that it gave nothing, the first of the others tells.
        await connection.execute(f"grant all on batua_transfer to {ROLE}")
        for statement in FORBIDDEN:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()
    assert await history(postgres_url) == before
    # The owner, whom grants do not bind, still meets the triggers.
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await run(postgres_url, "update batua_entry set amount = 1")


async def history(url):
    async with opened(url) as database:
        return [await database.fetch(f"select * from {table} order by 1") for table in HISTORY]


async def test_grants_that_would_bind_nobody_are_refused(postgres_server, postgres_url, sqlite_url):
    empty_url = postgres_server.create(migrated=False)
    for url, role, why in (
        (sqlite_url, ROLE, "SQLite has no roles"),
        (empty_url, ROLE, "migrate first"),
        (postgres_url, "postgres", "superuser or owns"),
    ):
        async with opened(url) as database:
            with pytest.raises(ConfigurationError, match=why):
                await apply_grants(database, role)
    postgres_server.drop(empty_url)


async def test_an_owner_that_is_no_superuser_is_told_apart_too(postgres_server):
    url = postgres_server.create()
    await run(
        url,
        "do $$ begin if not exists (select from pg_roles where rolname = 'batua_plain_owner')"
        " then create role batua_plain_owner; end if; end $$;"
        " alter table batua_order owner to batua_plain_owner",
    )
    async with opened(url) as database:
        with pytest.raises(ConfigurationError, match="owns the tables"):
            await apply_grants(database, "batua_plain_owner")
    postgres_server.drop(url)
