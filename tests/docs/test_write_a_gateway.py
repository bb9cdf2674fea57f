"""The how-to for a new gateway, run word for word in an environment of its own.

The environment sees the packages of the one that runs this, and pip changes it alone.
"""

import os
import re
import sys
import venv
from importlib.metadata import entry_points

import pytest

PROGRAMS = {
    "batua": "-m batua_api.cli",
    "pip": "-m pip",
    "pytest": "-m pytest -p no:cacheprovider",
}


@pytest.fixture
def environment(tmp_path):
    """A virtual environment without pip's copies: made in a moment."""
    home = tmp_path / "venv"
    venv.EnvBuilder(with_pip=False, symlinks=True).create(home)
    (packages,) = home.glob("lib/python*/site-packages")
    ours = next(path for path in sys.path if path.endswith("site-packages"))
    # addsitedir also reads the .pth files there, by which an editable Batua is found.
    (packages / "ours.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
    for name, call in PROGRAMS.items():
        program = home / "bin" / name
        program.write_text(f'#!/bin/sh\nexec "{home}/bin/python" {call} "$@"\n')
        program.chmod(0o755)
    return home


def said(text):
    """What a program said, without what differs from run to run."""
    lines = [re.sub(r" in [0-9.]+s.*$", "", line) for line in text.splitlines()]
    return [line for line in lines if line and not re.fullmatch(r"[.s]+ +\[ *\d+%\]", line)]


@pytest.mark.pages("docs/how-to/write-a-gateway.md")
def test_a_stranger_writes_a_gateway(environment, read):
    page = read("docs/how-to/write-a-gateway.md")
    page.environ |= {
        "PATH": f"{environment / 'bin'}:{os.environ['PATH']}",
        # No network, no builds apart: everything that it needs is here.
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }
    for block, printed in page.rest():
        assert said(printed) == said(block.output), block


def test_the_running_environment_was_left_alone():
    assert "acme" not in {entry.name for entry in entry_points(group="batua.gateways")}
