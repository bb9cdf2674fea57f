"""Whatever an operation asks for by a column has an index that begins with it.

Without one, a lookup walks the whole of a table or of an index: right, and slower every day.
"""

from __future__ import annotations

import ast
import re
import sqlite3

import pytest

from batua.bootstrap import TABLES
from tests.architecture.test_layers import FILES

NAMES = {table.__name__: table._meta.tablename for table in TABLES}


def needs():
    """Every ``Need(Table, "column", ...)`` in the source: the table, the column, how many args."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Need":
                table, column = node.args[:2]
                if isinstance(table, ast.Name) and isinstance(column, ast.Constant):
                    yield NAMES[table.id], column.value, len(node.args) == 4


NEEDS = sorted(set(needs()))


@pytest.fixture
def indexes(sqlite_url):
    """Table and first column of each index, with its condition; both engines have the same."""
    connection = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
    found = {}
    for (table,) in connection.execute("select name from sqlite_master where type = 'table'"):
        for key in connection.execute(f"select name from pragma_table_info('{table}') where pk"):
            found.setdefault((table, key[0]), []).append("")
        for (name,) in connection.execute(f"select name from pragma_index_list('{table}')"):
            sql = "select sql from sqlite_master where name = ?"
            made = connection.execute(sql, (name,)).fetchone()[0] or ""
            first = connection.execute(f"select name from pragma_index_info('{name}')").fetchone()
            condition = re.split(r"\bwhere\b", made)[1].strip() if " where " in made else ""
            found.setdefault((table, first[0]), []).append(condition)
    connection.close()
    return found


@pytest.mark.parametrize(("table", "column", "has_condition"), NEEDS)
def test_what_is_asked_for_has_an_index_that_begins_with_it(indexes, table, column, has_condition):
    conditions = indexes.get((table, column), [])
    serving = {"", f"{column} is not null"}
    assert conditions if has_condition else serving & set(conditions), (
        f"no index of {table} begins with {column}"
    )


def test_there_are_needs_to_look_at():
    assert len(NEEDS) > 20
