"""The tutorial, run word for word against a demo of its own."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import free_port, running_demo

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(sh|output)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: str) -> list[tuple[str, str]]:
    """Each shell block of a page with the output that stands below it."""
    found: list[tuple[str, str]] = []
    for kind, text in BLOCK.findall((ROOT / "docs" / page).read_text(encoding="utf-8")):
        if kind == "sh":
            found.append((text, ""))
        else:
            found[-1] = (found[-1][0], text)
    return found


def test_the_tutorial_does_what_it_says(database_url, tmp_path):
    port = free_port()
    venv = tmp_path / ".venv" / "bin"
    venv.mkdir(parents=True)
    program = venv / "batua"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m batua_api.cli "$@"\n')
    program.chmod(0o755)
    steps = blocks("tutorial/index.md")
    script = "".join(f"{text}\necho '=== done'\n" for text, _ in steps)
    with running_demo(database_url, port=port, cwd=tmp_path) as demo:
        ran = subprocess.run(
            ["bash", "-u"],
            input=script.replace("127.0.0.1:8000", f"127.0.0.1:{port}"),
            cwd=tmp_path,
            env=demo.environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    said = ran.stdout.split("=== done\n")
    assert ran.returncode == 0, ran.stderr
    for (text, expected), actual in zip(steps, said, strict=False):
        assert actual == expected, f"{text}\n{ran.stderr}"
    assert len(steps) > 8


@pytest.mark.parametrize("page", [*sorted(ROOT.glob("docs/**/*.md")), ROOT / "README.md"], ids=str)
def test_every_link_between_pages_leads_somewhere(page):
    for target in re.findall(
        r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text(encoding="utf-8")
    ):
        assert (page.parent / target).exists(), f"{page}: {target}"
