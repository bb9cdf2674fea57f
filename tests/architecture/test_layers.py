"""House rules that no linter of ours checks. Layers of imports are ``make lint``'s."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

from batua import errors

ROOT = Path(__file__).parents[2]
FILES = sorted(
    path for source in ("plugin", "api", "admin") for path in (ROOT / source).rglob("*.py")
)
BANNED = {"base", "common", "data", "handle", "handler", "helper", "helpers", "info", "manager",
          "managers", "misc", "process", "util", "utils"}  # fmt: skip
LINES_MAX = 350


def name_of(path):
    return str(path.relative_to(ROOT))


def each_file(test):
    return pytest.mark.parametrize("path", FILES, ids=name_of)(test)


def test_there_is_something_to_look_at():
    assert len(FILES) > 50


@each_file
def test_no_import_hides_in_a_function(path):
    tree = ast.parse(path.read_text())
    hidden = [
        f"line {inner.lineno}"
        for function in ast.walk(tree)
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef))
        for inner in ast.walk(function)
        if isinstance(inner, (ast.Import, ast.ImportFrom))
    ]
    assert not hidden, f"{name_of(path)}: {hidden}"


@each_file
def test_no_file_is_too_long_to_read_at_once(path):
    if path.parent.name == "migrations":
        return  # one migration is one list of statements, and is never edited again
    assert len(path.read_text().splitlines()) <= LINES_MAX


@each_file
def test_no_module_has_a_name_that_says_nothing(path):
    assert path.stem not in BANNED
    assert not BANNED & set(path.relative_to(ROOT).parts)


@each_file
def test_a_module_says_what_it_is_for(path):
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree) or not tree.body, f"{name_of(path)} has no docstring"


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_names_no_registry_and_hashes_everything(lock):
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert "--index-url" not in text
    pinned = [line for line in text.splitlines() if "==" in line and not line.startswith("#")]
    assert pinned
    assert all(line.rstrip().endswith("\\") for line in pinned), "each is followed by its hashes"


ERRORS = [value for _, value in inspect.getmembers(errors, inspect.isclass)]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_an_error_says_in_one_line_what_it_means(error):
    first = (error.__dict__.get("__doc__") or "").splitlines()[0]
    assert first.endswith((".", ":")) or "``" in first, first
    assert error.__name__ in errors.__all__
    assert error.__name__ in (errors.__doc__ or ""), "it has no place in the tree"


def test_every_exported_error_exists():
    assert {error.__name__ for error in ERRORS} == set(errors.__all__)
    assert errors.__all__ == sorted(errors.__all__)


def test_the_core_does_not_know_the_gateway_that_lives_outside_of_it():
    texts = (
        path for path in (ROOT / "plugin" / "batua").rglob("*")
        if path.is_file() and "testing" not in path.parts and path.suffix != ".pyc"
    )  # fmt: skip
    assert [name_of(path) for path in texts if "stripe" in path.read_text().lower()] == []
