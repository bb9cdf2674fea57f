"""The reference pages list all there is, and nothing else."""

import ast
import re
from importlib.metadata import entry_points
from pathlib import Path

import msgspec
import click
import pytest

from batua.clock import utc_now
from batua.registry import Registry
from batua.settings import Settings
from batua_api.cli import cli
from batua_api.problems import STATUSES

ROOT = Path(__file__).parents[2]
REFUSALS = {"Conflict", "Forbidden", "TryAgain", "_problem"}


def codes_in(path):
    """The literal codes that a file refuses with."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        literals = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
        if name in REFUSALS or (name == "__init__" and len(node.args) == 2):
            yield from (text for text in literals if re.fullmatch("[a-z]+(_[a-z]+)+", str(text)))
        if name in {"InvalidRequest", "NotFound"}:
            yield from (key.value.value for key in node.keywords if key.arg == "code")


def all_codes():
    sources = [*ROOT.glob("plugin/batua/**/*.py"), *ROOT.glob("api/batua_api/**/*.py")]
    return {code for path in sources for code in codes_in(path)}


def page(name):
    return (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")


def test_every_error_code_is_listed():
    listed = set(re.findall(r"^\| \d+ \| `(\w+)` ", page("errors.md"), re.MULTILINE))
    assert all_codes() - listed == set()
    assert len(all_codes()) > 20


@pytest.mark.parametrize("status", sorted(set(STATUSES.values())))
def test_every_status_of_a_refusal_is_listed(status):
    assert f"\n| {status} | " in page("errors.md")


async def test_every_setting_is_listed():
    registry = Registry({}, now=utc_now, timeout_s=1)
    await registry.close()
    own = {entry.name for group in ("batua.gateways", "batua.notifiers")
           for entry in entry_points(group=group) if entry.dist.name == "batua"}  # fmt: skip
    found = [*registry.gateways.values(), *registry.notifiers.values()]
    plugins = [plugin for plugin in found if plugin.manifest.code in own]
    wanted = {f"BATUA_{field.name.upper()}" for field in msgspec.structs.fields(Settings)} | {
        f"BATUA_{plugin.manifest.code.upper()}_{field.name.upper()}"
        for plugin in plugins
        for field in msgspec.structs.fields(plugin.manifest.settings)
    }
    listed = set(re.findall(r"^\| `(BATUA_\w+)` ", page("settings.md"), re.MULTILINE))
    assert listed == wanted


def test_every_default_of_the_core_is_the_real_one():
    rows = dict(re.findall(r"^\| `(BATUA_\w+)` \| `([^`]*)` ", page("settings.md"), re.MULTILINE))
    words = {True: "on", False: "off"}
    for field in msgspec.structs.fields(Settings):
        shown = rows.get(f"BATUA_{field.name.upper()}")
        if shown is not None:
            default = field.default
            assert shown == (words[default] if isinstance(default, bool) else str(default))


def test_every_command_is_listed():
    listed = set(re.findall(r"^\| `batua ([\w-]+)", page("cli.md"), re.MULTILINE))
    assert listed == set(cli.list_commands(click.Context(cli)))
