"""Money is written in one place: read off the source, file by file.

Three ways lead into a table: SQL, Piccolo, and a connection of one's own.  Each is looked for in
every file, and whoever takes one stands below with a reason; one that is not taken any more must
go from here.  Migrations make the tables, and the simulators are other companies: their databases
are their own.
"""

from __future__ import annotations

import ast
import re

import pytest

from batua.bootstrap import TABLES
from tests.architecture.test_layers import FILES, ROOT, name_of

ELSEWHERE = ("plugin/batua/migrations/", "plugin/batua/testing/simulators/")

ANY = "any table"
"""Of a statement whose table is only known when it runs."""

STATEMENTS = {
    ("plugin/batua/ledger/store.py", "batua_ledger"): "the head, by which all else is serialised",
    ("plugin/batua/ledger/store.py", ANY): "what a group of operations staged",
    ("plugin/batua/inbox/receiving.py", "batua_inbox"): "an event is stored before it is answered",
    ("plugin/batua/inbox/applying.py", "batua_inbox"): "what became of an event: no money",
    ("plugin/batua/privacy/answers.py", "batua_idempotency"): "answers that are kept no longer",
    ("plugin/batua/privacy/webhooks.py", "batua_inbox"): "bytes that are kept no longer",
    ("plugin/batua/outbox/sending.py", "batua_outbox"): "what became of a message: no money",
    ("plugin/batua/identity/changing.py", "batua_identity"): "counts those changes: no money",
    ("plugin/batua/identity/revocations.py", "batua_revocation"): "who may come in: no money",
    ("plugin/batua/identity/revocations.py", "batua_disabled_customer"): "the same",
    ("plugin/batua/identity/keys.py", "batua_api_key"): "the same",
    ("plugin/batua/identity/watch.py", "batua_api_key"): "when a key was used",
    ("admin/batua_admin/staff.py", "batua_staff"): "staff: no money",
    ("admin/batua_admin/signing_in.py", "batua_staff"): "their passwords: no money",
    ("admin/batua_admin/sessions.py", "batua_staff"): "when they came in: no money",
    ("admin/batua_admin/sessions.py", "batua_session"): "that they are in: no money",
    ("admin/batua_admin/second_factor.py", "batua_second_factor"): "how they come in: no money",
    ("admin/batua_admin/second_factor.py", "batua_recovery_code"): "the same",
    ("plugin/batua/events/listeners.py", "batua_ledger"): "that anybody listens: no money",
    ("plugin/batua/events/listeners.py", "batua_listener"): "who listens: no money",
    ("plugin/batua/events/listeners.py", "batua_delivery"): "what is told again: no money",
    ("plugin/batua/events/routing.py", "batua_delivery"): "who is to be told: no money",
    ("plugin/batua/events/routing.py", "batua_event"): "that everybody is to be told: no money",
    ("plugin/batua/events/keeping.py", "batua_delivery"): "what was told goes: no money",
    ("plugin/batua/events/keeping.py", "batua_event"): "the same",
    ("plugin/batua/events/delivering.py", "batua_delivery"): "what became of it: no money",
    ("plugin/batua/events/delivering.py", "batua_listener"): "who fails to listen: no money",
    ("plugin/batua/limits/postgres.py", "batua_call_count"): "how often somebody has called",
    ("plugin/batua/limits/sqlite.py", "batua_call_count"): "the same, in a file of its own",
    ("plugin/batua/signs.py", "batua_sign"): "that a worker lives, how a proof ended: no money",
    ("plugin/batua/insight/keeping.py", "batua_insight"): "how far it is counted: no money",
    ("plugin/batua/insight/keeping.py", ANY): "the tables of what is counted: no money",
    ("plugin/batua/database/migrate.py", "batua_migration"): "which migrations were applied",
    ("plugin/batua/database/sqlite_batches.py", "temp"): "runs what store.py has written down",
}
"""File and table, and why it may be written there."""

STEPS = {"transaction", "execute", "execute_many"}
CALLS = {
    "plugin/batua/ledger/store.py": ({"write_all"}, "what a group of operations staged"),
    "plugin/batua/ledger/engine.py": ({"transaction"}, "the group's, beside other processes"),
    "plugin/batua/inbox/receiving.py": (STEPS, "an event is stored before it is answered"),
    "plugin/batua/inbox/applying.py": (STEPS, "what became of an event: no money"),
    "plugin/batua/privacy/answers.py": (STEPS - {"execute_many"}, "no key goes, and no money"),
    "plugin/batua/privacy/webhooks.py": (STEPS - {"execute"}, "no row goes, and no money"),
    "plugin/batua/outbox/sending.py": (STEPS, "what became of a message: no money"),
    "plugin/batua/identity/changing.py": ({"transaction", "execute"}, "who may come in: no money"),
    "plugin/batua/identity/revocations.py": ({"execute"}, "the same"),
    "plugin/batua/identity/keys.py": ({"execute"}, "the same"),
    "plugin/batua/identity/watch.py": ({"transaction", "execute"}, "when a key was used"),
    "plugin/batua/events/listeners.py": (STEPS, "who listens: no money"),
    "plugin/batua/events/routing.py": (
        {"transaction", "execute_many"}, "who is to be told: no money",
    ),
    "plugin/batua/events/keeping.py": ({"transaction", "execute"}, "what was told goes: no money"),
    "plugin/batua/events/delivering.py": (STEPS, "what became of a delivery: no money"),
    "plugin/batua/limits/sqlite.py": ({"connect", "execute"}, "counts of calls, in their own file"),
    "plugin/batua/insight/counter.py": ({"transaction"}, "what is counted: no money"),
    "plugin/batua/insight/keeping.py": ({"execute"}, "the same"),
    "plugin/batua/signs.py": ({"transaction", "execute"}, "signs of life: no money"),
    "plugin/batua/ledger/proof/opening/postgres.py": (
        {"connect", "transaction", "execute"}, "a copy to be proved, in a read-only transaction",
    ),
    "plugin/batua/ledger/proof/opening/sqlite.py": (
        {"connect", "execute"}, "a copy to be proved, opened read-only",
    ),
    "plugin/batua/registry.py": ({"connect"}, "a gateway to its processor: no database"),
    "plugin/batua/testing/conformance/subject.py": ({"connect"}, "the same, for a rule"),
    "api/batua_api/granting.py": (
        {"transaction", "execute"}, "who may write what, by the owner on the command line",
    ),
    "admin/batua_admin/staff.py": ({"execute"}, "staff: no money"),
    "admin/batua_admin/signing_in.py": ({"transaction", "execute"}, "their passwords: no money"),
    "admin/batua_admin/sessions.py": ({"transaction", "execute"}, "that they are in: no money"),
    "admin/batua_admin/second_factor.py": (STEPS, "how they come in: no money"),
    "admin/batua_admin/pages/security.py": ({"transaction"}, "the same"),
}  # fmt: skip
"""What each file calls that may reach a database, and why. What is called is in ``DATABASE``."""

DRIVERS = {
    "plugin/batua/limits/sqlite.py": "a connection's type: it opens the counts' own file",
    "plugin/batua/dialect.py": "which SQLite is there: it opens nothing",
    "plugin/batua/ledger/proof/opening/postgres.py": "a copy to be proved",
    "plugin/batua/ledger/proof/opening/sqlite.py": "a copy to be proved",
}

DATABASE = "plugin/batua/database/"

WRITING = re.compile(
    r"\b(?:(?:insert(?:\s+or\s+\w+)?|replace|merge)\s+into|delete\s+from|truncate(?:\s+table)?"
    r"|(?:alter|drop)\s+table|copy|update(?=\s+\S+\s+(?:as\s+\w+\s+)?set\b)"
    r"|(?:drop|disable)\s+trigger(?:\s+\w+\s+on)?)\s+(?:only\s+)?[\"`]?"
    r"(?P<table>\{\}|batua_\w+|temp(?=\.))",
    re.IGNORECASE,
)
OFF_GUARD = re.compile(
    r"\bset\s+(?:local\s+|session\s+)?session_replication_role|writable_schema"
    r"|ignore_check_constraints|foreign_keys\s*=\s*off",
    re.IGNORECASE,
)

REACHING = {"transaction", "write_all", "execute", "execute_many", "executemany", "executescript",
            "connect", "create_pool", "copy_records_to_table", "copy_to_table",
            "create_user", "update_password"}  # fmt: skip
"""Calls by which a file reaches a database other than to read it, as asyncpg, sqlite3, our own
``Database`` and Piccolo's user table have them."""

ON_A_TABLE = {"insert", "update", "delete", "raw", "alter", "objects"}
ON_A_ROW = {"save", "get_or_create"}
TABLE_NAMES = {table.__name__ for table in TABLES}


def searched():
    return [path for path in FILES if not name_of(path).startswith(ELSEWHERE)]


def texts_of(tree):
    """Every string that is no docstring, with ``{}`` for what is filled in when it runs."""
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inner = set()
    for node in ast.walk(tree):  # from the outside in: a whole comes before its parts
        if id(node) in inner or id(node) in prose:
            continue
        text = text_of(node)
        if text is not None:
            inner.update(id(part) for part in ast.walk(node))
            yield text


def text_of(node):
    """A string, an f-string or a sum of them as one text, or None for anything else."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) if isinstance(part, ast.Constant) else "{}"
                       for part in node.values)  # fmt: skip
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        sides = text_of(node.left), text_of(node.right)
        return None if sides == (None, None) else "".join("{}" if each is None else each
                                                          for each in sides)  # fmt: skip
    return None


def tables_written(source):
    """The tables that SQL in this source writes, or takes their guards from."""
    for text in texts_of(ast.parse(source)):
        for found in WRITING.finditer(text):
            yield ANY if found["table"] == "{}" else found["table"].lower()
        if OFF_GUARD.search(text):
            yield ANY


def calls_of(source):
    """The calls in this source that may write, by name."""
    for node in ast.walk(ast.parse(source)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        called, on = node.func.attr, node.func.value
        is_table = isinstance(on, ast.Name) and on.id in TABLE_NAMES
        if called in REACHING | ON_A_ROW or (is_table and called in ON_A_TABLE):
            yield called


def everywhere(found_in):
    return {(name_of(path), each) for path in searched() for each in found_in(path.read_text())}


def test_only_the_store_writes_money():
    assert everywhere(tables_written) == set(STATEMENTS)


def test_nobody_else_reaches_the_database_but_to_read():
    calls = {(file, call) for file, call in everywhere(calls_of) if not file.startswith(DATABASE)}
    assert calls == {(file, call) for file, (allowed, _) in CALLS.items() for call in allowed}


def test_nobody_imports_a_driver_to_write_with():
    drivers = {
        name_of(path)
        for path in searched()
        if re.search(r"^\s*(?:import|from) (?:asyncpg|sqlite3|aiosqlite|psycopg)\b",
                     path.read_text(), re.MULTILINE)
    }  # fmt: skip
    assert {file for file in drivers if not file.startswith(DATABASE)} == set(DRIVERS)


def test_every_money_table_is_one_that_somebody_would_be_seen_to_write():
    for table in TABLES:
        (found,) = tables_written(f'SQL = "update {table._meta.tablename} set version = 1"')
        assert found == table._meta.tablename


def test_what_is_left_out_is_there():
    for folder in ELSEWHERE:
        assert any(name_of(path).startswith(folder) for path in FILES)
    assert (ROOT / DATABASE).is_dir()


# --- the search itself --------------------------------------------------------------------------

SEEN = {
    'run("insert into batua_entry values (1)")': "batua_entry",
    'run("INSERT OR REPLACE INTO batua_entry values (1)")': "batua_entry",
    'run("replace into batua_entry values (1)")': "batua_entry",
    'run("with w as (delete from only batua_hold returning 1) select 1")': "batua_hold",
    'run("update batua_lot " "set remaining = 0")': "batua_lot",
    'run("update batua_lot as l set remaining = 0")': "batua_lot",
    'run("""update\n    "batua_lot"\n    set remaining = 0""")': "batua_lot",
    'run("update batua_account" + " set posted = 0")': "batua_account",
    'run("update " + name + " set posted = 0")': ANY,
    'run(f"update {name} set posted = 0")': ANY,
    'run(f"insert into {table._meta.tablename} ({columns}) values (1)")': ANY,
    'run("truncate batua_entry")': "batua_entry",
    'run("alter table batua_entry disable trigger all")': "batua_entry",
    'run("drop trigger batua_entry_no_change on batua_entry")': "batua_entry",
    'run("copy batua_entry from stdin")': "batua_entry",
    'run("set local session_replication_role = replica")': ANY,
    'SQL = {"x": ["merge into batua_order using x on true"]}': "batua_order",
}


@pytest.mark.parametrize("source", SEEN)
def test_a_statement_that_writes_is_seen(source):
    assert SEEN[source] in set(tables_written(source))


UNSEEN = (
    "run(\"select current_setting('session_replication_role')\")",
    '"""A module that says: insert into batua_entry."""',
    'def f():\n    """update batua_entry set amount = 1"""',
    'run("select * from batua_entry for update")',
    'say(f"to update {name} is set aside")',
    'run("create table batua_x (id int)")',
)


@pytest.mark.parametrize("source", UNSEEN)
def test_what_does_not_write_is_not(source):
    assert list(tables_written(source)) == []


@pytest.mark.parametrize(
    ("source", "call"),
    [
        ("await database.transaction()", "transaction"),
        ("async with self._database.transaction() as t: await t.execute(sql)", "execute"),
        ("await Account.update({Account.posted: 1})", "update"),
        ("await Transfer.insert(Transfer())", "insert"),
        ("await Entry.delete(force=True)", "delete"),
        ("await account.save()", "save"),
        ("await Account.raw(sql)", "raw"),
        ("await asyncpg.connect(url)", "connect"),
    ],
)
def test_a_call_that_writes_is_seen(source, call):
    lines = f"async def f():\n    {source}"
    assert call in set(calls_of(lines))


def test_to_stage_a_row_is_no_write():
    assert list(calls_of("book.update(row, posted=1)\nbook.insert(Account, id=1)")) == []
