"""Several writes in one statement of SQLite (``batua.database.sqlite_batches``)."""

# First: it puts the fixed SQLite in the place of sqlite3.
import batua.fixed_sqlite  # noqa: F401

# isort: split

import sqlite3

import pytest

from batua.database import Write
from batua.database.sqlite_batches import KEPT_MAX, Batches
from batua.errors import StaleRow

CHANGE = "update item set amount = $2 where id = $1"
ADD = "insert into item (id, amount) select value ->> 0, value ->> 1 from json_each($1)"


@pytest.fixture
def connection():
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute(
        "create table item (id integer primary key, amount integer check (amount > 0))"
    )
    connection.execute("insert into item values (1, 10), (2, 20)")
    yield connection
    connection.close()


def items(connection):
    return dict(connection.execute("select id, amount from item").fetchall())


def change(id, amount, rows=1):
    return Write(CHANGE, (id, amount), "item", rows)


def test_all_writes_of_a_batch_happen_with_their_own_values(connection):
    batches = Batches()
    for first, new in ((11, 3), (12, 4)):
        batches.run(
            connection,
            [change(1, first), change(2, first + 10), Write(ADD, (f"[[{new}, {new * 10}]]",))],
        )
    assert items(connection) == {1: 12, 2: 22, 3: 30, 4: 40}


@pytest.mark.parametrize("bad", [change(9, 1), change(1, 1, rows=2)])
@pytest.mark.parametrize("place", [0, 1])
def test_a_write_that_changes_too_little_takes_all_of_them_back(connection, bad, place):
    batches, before = Batches(), items(connection)
    writes = [change(2, 99)]
    writes.insert(place, bad)
    with pytest.raises(StaleRow, match="item: guarded rows had changed"):
        batches.run(connection, writes)
    assert items(connection) == before


def test_what_the_database_refuses_is_not_called_stale(connection):
    batches, before = Batches(), items(connection)
    with pytest.raises(sqlite3.IntegrityError, match="CHECK constraint"):
        batches.run(connection, [change(1, 5), change(2, -5)])
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        batches.run(connection, [Write("delete from stranger where id = $1", (1,))])
    assert items(connection) == before


def test_a_batch_made_in_a_transaction_that_was_rolled_back_is_made_again(connection):
    batches = Batches()
    connection.execute("begin immediate")
    batches.run(connection, [change(1, 11)])
    connection.execute("rollback")
    assert items(connection)[1] == 10
    batches.run(connection, [change(1, 12)])
    assert items(connection)[1] == 12


def test_a_batch_whose_making_was_cut_off_is_made_again(connection):
    batches = Batches()
    batches.run(connection, [change(1, 11)])
    (trigger,) = connection.execute(
        "select name from sqlite_temp_schema where type = 'trigger'"
    ).fetchone()
    connection.execute(f"drop trigger temp.{trigger}")
    batches.run(connection, [change(1, 12)])
    assert items(connection)[1] == 12


def test_only_so_many_kinds_are_kept_and_a_forgotten_one_is_made_again(connection):
    batches = Batches()
    for number in range(KEPT_MAX + 10):
        batches.run(connection, [Write(f"{CHANGE} and {number} = {number}", (1, number + 1))])
    (kept,) = connection.execute(
        "select count(*) from sqlite_temp_schema where type = 'view'"
    ).fetchone()
    assert kept == KEPT_MAX
    batches.run(connection, [Write(f"{CHANGE} and 0 = 0", (1, 500))])
    assert items(connection)[1] == 500
