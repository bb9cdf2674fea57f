"""The pages for operators: what they tell people to type is there, and so is what they link to."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from batua.clock import utc_now
from batua.registry import Registry
from batua.settings import unknown_variables
from batua_api.cli import cli

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "docs" / page
    for page in (
        "how-to/deploy.md", "how-to/back-up-and-restore.md", "how-to/upgrade-and-roll-back.md",
        "how-to/rotate-secrets.md", "how-to/load-test.md", "how-to/troubleshoot.md",
        "reference/deployment-checklist.md", "reference/quick-reference.md",
    )
]  # fmt: skip
SECURITY = ROOT / "SECURITY.md"
ATTACKS = 65


def commands_in(text):
    """Every ``batua`` command of a page: in its blocks of shell, and between backticks."""
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    lines = [*blocks.splitlines(), *re.findall(r"`([^`\n]+)`", text)]
    for line in lines:
        found = re.match(r"(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?batua (.*?)(?: &| \||$)", line)
        if found and not found[1].startswith("…"):
            yield shlex.split(found[1])


def understand(group, words):
    """Parse ``words`` as the real command would, down to its last option."""
    command = group.get_command(click.Context(group), words[0])
    assert command is not None, words
    if hasattr(command, "commands") and len(words) > 1:
        understand(command, words[1:])
    elif not hasattr(command, "commands"):
        command.make_context(words[0], list(words[1:]))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_command_that_is_told_is_one_that_there_is(page):
    for words in commands_in(page.read_text()):
        understand(cli, words)


def test_commands_are_found_at_all():
    found = [words[0] for page in PAGES for words in commands_in(page.read_text())]
    assert {"migrate", "grants", "backup", "verify", "reconcile", "keys", "staff"} <= set(found)
    assert len(found) > 40


async def test_a_setting_that_is_told_is_one_that_is_read():
    registry = Registry({}, now=utc_now, timeout_s=1)
    await registry.close()
    plugins = [*registry.gateways.values(), *registry.notifiers.values()]
    codes = {each.manifest.code: each.manifest.settings for each in plugins}
    named = {name for page in PAGES for name in re.findall(r"BATUA_[A-Z_]+[A-Z]", page.read_text())}
    # Those of deploy/.env, which compose.yaml makes the others of.
    named -= {"BATUA_OWNER_PASSWORD", "BATUA_APP_PASSWORD"}
    assert len(named) > 8
    assert unknown_variables(dict.fromkeys(named, ""), codes) == []


def test_what_is_not_run_is_said():
    for name in ("Dockerfile", "compose.yaml", "Caddyfile"):
        assert "ot run by our tests" in (ROOT / "deploy" / name).read_text().partition("\n")[0]


def test_every_attack_has_what_stops_it_and_a_test_that_shows_it():
    text = SECURITY.read_text()
    rows = re.findall(r"^\| S(\d+) \| (.+?) \| (.+?) \| (.+?) \|$", text, re.MULTILINE)
    assert [int(number) for number, *_ in rows] == list(range(1, ATTACKS + 1))
    for number, _, stops, shown in rows:
        if shown == "nothing":
            assert "**Not stopped**" in stops
            continue
        name, path = re.fullmatch(r"\[`(\w+)`\]\((.+)\)", shown).groups()
        source = (ROOT / path).read_text()
        assert f"def {name}(" in source or Path(path).stem == name, (
            f"S{number}: {name} is not there"
        )


def test_every_link_of_the_security_page_leads_somewhere():
    for target in re.findall(r"\]\(([^)#]+)", SECURITY.read_text()):
        assert (ROOT / target).exists(), target
