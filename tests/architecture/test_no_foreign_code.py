"""Nothing runs what somebody sent: no file of ours can, but for those that say why."""

import ast

from tests.architecture.test_layers import FILES, name_of

RUNNING = {
    "eval", "exec", "compile", "__import__", "import_module", "run_module", "run_path",
    "load", "system", "popen", "Popen", "spawn", "create_subprocess_exec", "from_string",
    "create_subprocess_shell", "check_output", "check_call", "attrgetter", "methodcaller",
}  # fmt: skip
"""Calls that run, import, unpickle or look up what a text names; ``re.compile`` is another."""
MODULES = {"pickle", "marshal", "shelve", "subprocess", "runpy", "code", "yaml", "jinja2", "dill"}

ALLOWED = {
    ("plugin/batua/fixed_sqlite.py", "import_module"): "the fixed SQLite, by two fixed names",
    ("plugin/batua/ledger/__init__.py", "import_module"): "names of a fixed table",
    ("plugin/batua/limits/opening.py", "import_module"): "one name, written there",
    ("plugin/batua/installed.py", "load"): "entry points of what is installed, by the operator",
    ("plugin/batua/ledger/engine.py", "load"): "the rows of a group: a method of ours",
    ("plugin/batua/testing/conformance/installed.py", "load"): "the same entry points",
    ("admin/batua_admin/pages/shell.py", "jinja2"): "our own templates; what is sent is escaped",
    ("admin/batua_admin/__init__.py", "import_module"): "one name, written there",
    ("api/batua_api/simulators.py", "load"): "the same",
    ("api/batua_api/__init__.py", "import_module"): "names of a fixed table",
    ("api/batua_api/cli.py", "import_module"): "commands of a fixed table, by the operator",
    ("api/batua_api/tracing.py", "import_module"): "an extra that may not be installed",
}


def found():
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            elif isinstance(node, ast.Call) and (name := called(node.func)) in RUNNING:
                yield name_of(path), name
                continue
            else:
                continue
            for name in names:
                if name.partition(".")[0] in MODULES:
                    yield name_of(path), name


def called(function):
    """The name of what is called; ``re.compile`` compiles a pattern, and json's loads no code."""
    if isinstance(function, ast.Attribute):
        owner = function.value.id if isinstance(function.value, ast.Name) else ""
        return "" if owner in {"re", "json"} else function.attr
    return function.id if isinstance(function, ast.Name) else ""


def test_nothing_runs_what_a_payload_names():
    assert set(found()) == set(ALLOWED)
