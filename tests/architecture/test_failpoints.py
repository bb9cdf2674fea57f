"""Every await on the database has a failpoint before it and after it, with no other await between.

Calls of our own coroutines are looked at where they are defined. What is left out stands here.
"""

import ast
from pathlib import Path

import pytest

import batua.database

FOLDER = Path(batua.database.__file__).parent
FILES = {path.name: ast.parse(path.read_text()) for path in sorted(FOLDER.glob("*.py"))}

LEFT_OUT = {
    "migrate.py": "it changes the schema, and through transactions that reach failpoints",
    "piccolo.py": "the panel reads through it, and no money is written",
    "postgres.py:PostgresDatabase.open": "no money moves before it is open",
    "postgres.py:PostgresDatabase.close": "no money moves any more",
    "postgres.py:_acquired:pool.release(connection)": "whoever had the connection has passed"
    " answered, committed or rolled_back, and an error here is suppressed",
    "postgres_ends.py:_settle": "it waits after a cancellation, for what was sent before",
    "sqlite_backup.py": "it copies what is committed, and writes nothing to the shop",
    "sqlite.py:SQLiteDatabase.open": "no money moves before it is open",
    "sqlite.py:SQLiteDatabase.close": "no money moves any more",
    "sqlite.py:SQLiteDatabase.transaction:_settled(self._writer.submit(_commit))": "the block"
    " before it ends with committing, for what is raised there must roll back",
}
"""Files, functions and awaits without failpoints, and why."""

PASSED_ON = {
    "postgres_ends.py:run_to_its_end",
    "sqlite.py:SQLiteDatabase._begin",
    "sqlite.py:_settled",
    "sqlite_connection.py:Connection.run",
    "sqlite_connection.py:Connection.close",
}
"""These reach none: whoever awaits one of them must, as if it were the database's own."""


class Function:
    """A coroutine function: its name with its class and file, and what happens in it in order."""

    def __init__(self, file, owner, node):
        self.file, self.owner, self.node = file, owner, node
        self.name = f"{file}:{owner + '.' if owner else ''}{node.name}"

    def events(self, ours):
        """Kind and node of each reach, yield and await: of ``ours``, or ``foreign``."""
        found = []
        for node in ast.walk(self.node):
            if isinstance(node, ast.Await):
                kind = "ours" if self.calls(node.value) in ours else "foreign"
                found.append((kind, node.value))
            elif isinstance(node, ast.AsyncWith):
                for item in node.items:
                    called = self.calls(item.context_expr)
                    found.append(("ours" if called in ours else "foreign", item.context_expr))
            elif isinstance(node, ast.Yield):
                found.append(("yield", node))
            elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "reach":
                found.append(("reach", node))
        return sorted(found, key=lambda event: (event[1].lineno, event[1].col_offset))

    def calls(self, called):
        """Which function a call is of, as a class and a name; None if nobody can tell."""
        function = called.func if isinstance(called, ast.Call) else None
        if isinstance(function, ast.Name):
            return "", function.id
        if not isinstance(function, ast.Attribute):
            return None
        if isinstance(function.value, ast.Name) and function.value.id == "self":
            return self.owner, function.attr
        if isinstance(function.value, ast.Call) and isinstance(function.value.func, ast.Name):
            return function.value.func.id, function.attr
        return None


def functions():
    """Every coroutine function of the folder."""
    for file, tree in FILES.items():
        for owner in (tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))):
            for node in owner.body:
                if isinstance(node, ast.AsyncFunctionDef):
                    yield Function(file, getattr(owner, "name", ""), node)


def bare_awaits(function, ours):
    """Awaits of ``function`` that lack a failpoint before or after them."""
    kinds = [(kind, ast.unparse(node)) for kind, node in function.events(ours)]
    for place, (kind, text) in enumerate(kinds):
        before = kinds[place - 1][0] if place else ""
        after = kinds[place + 1][0] if place + 1 < len(kinds) else ""
        # What is ours, and whoever a connection is yielded to, reaches one before it waits.
        if kind == "foreign" and (before != "reach" or after not in {"reach", "ours", "yield"}):
            yield text


ALL = list(functions())
OURS = {(function.owner, function.node.name) for function in ALL if function.name not in PASSED_ON}
BARE = {
    (function.file, function.name, f"{function.name}:{text}")
    for function in ALL
    if function.name not in PASSED_ON
    for text in bare_awaits(function, OURS)
}


def test_every_await_on_the_database_stands_between_failpoints():
    assert [names[-1] for names in sorted(BARE) if not LEFT_OUT.keys() & set(names)] == []


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_is_left_out_has_no_failpoint(name):
    assert any(name in names for names in BARE)


@pytest.mark.parametrize("name", sorted(PASSED_ON))
def test_what_is_passed_on_exists(name):
    assert name in {function.name for function in ALL}


def test_an_await_without_a_failpoint_is_found():
    lines = ("reach('a')", "await first()", "await second()", "await ours()", "reach('b')")
    tree = ast.parse("\n ".join(["async def read():", *lines]))
    function = Function("some.py", "", tree.body[0])
    assert list(bare_awaits(function, {("", "ours")})) == ["first()", "second()"]
