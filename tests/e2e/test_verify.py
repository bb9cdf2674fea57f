"""``batua verify`` believes a busy shop, and finds a single number that was edited in it."""

import asyncio
import contextlib

import pytest

from batua.database import Dialect
from tests.support.clients import JWT_SECRET, ShopClient
from tests.support.databases import opened, read_rows
from tests.support.processes import clean_environ, run_batua, running_demo


@pytest.fixture(scope="module")
def environ(shop_url, tmp_path_factory):
    """The environment of a shop that was busy and is closed now."""
    cwd = tmp_path_factory.mktemp("demo")
    with running_demo(shop_url, cwd=cwd, BATUA_JWT_SECRET=JWT_SECRET) as demo:
        asyncio.run(be_busy(demo))
        assert demo.stop() == 0
    return clean_environ(shop_url)


async def be_busy(demo):
    async with ShopClient(demo) as shop:
        await asyncio.gather(*(customer(shop, who) for who in ("asha", "ravi", "meera")))


async def customer(shop, who):
    """Tops up, buys both ways, is refunded both ways, cancels, and pays something odd."""
    top_up = await shop.top_up(who, 90_000)
    await shop.pay(top_up)
    await shop.until_status(who, f"/topups/{top_up['id']}", "succeeded")
    bought = [await shop.buy(who, 1_000 + i) for i in range(5)]
    await shop.refund(bought[0]["id"], to="wallet")
    await shop.refund(bought[1]["id"], amount=1)
    order = await shop.order(who, 30_000)
    await shop.pay(await shop.pay_by_gateway(who, order["id"]))
    await shop.until_status(who, f"/orders/{order['id']}", "paid")
    await shop.refund(order["id"], amount=10_000)
    order = await shop.order(who, 30_000)
    await shop.call(who, "POST", f"/orders/{order['id']}/cancel", {})
    odd = await shop.top_up(who, 50_000)
    await shop.pay(odd, amount=40_000)
    await shop.until_status(who, f"/topups/{odd['id']}", "suspense")
    path = f"/topups/{top_up['id']}/refunds"
    assert (await shop.call("staff", "POST", path, {"amount": 20_000})).status_code == 201


def verify(environ, cwd):
    proof = run_batua("verify", environ=environ, cwd=cwd)
    return proof.returncode, proof.stdout


@contextlib.asynccontextmanager
async def edited(url, statement, *args):
    """What a statement writes behind the ledger's back, its triggers out of the way; undone after.

    The statement must change exactly one row, and ``{sign}`` in it is + and then -.
    """
    async with opened(url) as database:
        async with unguarded(database) as transaction:
            assert await transaction.execute(statement.format(sign="+"), *args) == 1
        yield
        async with unguarded(database) as transaction:
            assert await transaction.execute(statement.format(sign="-"), *args) == 1


@contextlib.asynccontextmanager
async def unguarded(database):
    """A transaction in which no trigger fires; all of them stand again when it ends."""
    async with database.transaction() as transaction:
        if database.dialect is Dialect.POSTGRES:
            await transaction.execute("set local session_replication_role = replica")
            yield transaction
            return
        triggers = "select name, sql from sqlite_master where type = 'trigger'"
        found = await transaction.fetch(triggers)
        for trigger in found:
            await transaction.execute(f"drop trigger {trigger['name']}")
        yield transaction
        for trigger in found:
            await transaction.execute(trigger["sql"])


TABLES = ("batua_entry", "batua_transfer")


def test_a_busy_shop_is_sound(environ, tmp_path):
    status, said = verify(environ, tmp_path)
    assert (status, said.startswith("sound: ")) == (0, True), said


async def test_the_books_refuse_to_be_edited_while_their_triggers_stand(environ):
    url = environ["BATUA_DATABASE_URL"]
    for table in TABLES:
        for change in (f"update {table} set amount = amount + 1", f"delete from {table}"):
            with pytest.raises(Exception, match="append-only"):
                async with opened(url) as database, database.transaction() as transaction:
                    await transaction.execute(change)


async def test_an_edited_balance_is_found_and_named(environ, tmp_path):
    url = environ["BATUA_DATABASE_URL"]
    (wallet,) = await read_rows(url, "select id from batua_account where key = 'wallet:ravi:INR'")
    edit = "update batua_account set posted = posted {sign} 1 where id = $1"
    async with edited(url, edit, wallet["id"]):
        status, said = verify(environ, tmp_path)
    assert status == 1
    assert f"BROKEN I3 batua_account {wallet['id']}: " in said
    assert "sound" not in said
    assert verify(environ, tmp_path)[0] == 0


async def test_an_edited_entry_is_found_and_named(environ, tmp_path):
    url = environ["BATUA_DATABASE_URL"]
    rows = await read_rows(
        url,
        "select e.id from batua_entry e join batua_account a on a.id = e.account_id"
        " where a.key = 'wallet:meera:INR' order by e.id",
    )
    entry = rows[len(rows) // 2]["id"]
    edit = "update batua_entry set amount = amount {sign} 100 where id = $1"
    async with edited(url, edit, entry):
        status, said = verify(environ, tmp_path)
    assert status == 1
    assert f" batua_entry {entry}: " in said


async def test_an_edited_transfer_breaks_the_chain_at_its_row(environ, tmp_path):
    url = environ["BATUA_DATABASE_URL"]
    (last,) = await read_rows(url, "select max(seq) as seq from batua_transfer")
    seq = last["seq"] // 2
    edit = "update batua_transfer set amount = amount {sign} 1 where seq = $1"
    async with edited(url, edit, seq):
        status, said = verify(environ, tmp_path)
    assert status == 1
    assert f"BROKEN I17 batua_transfer {seq}: " in said
