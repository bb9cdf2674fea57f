"""The API's reference: all of it is the OpenAPI document's, and its examples do what they say."""

import re
import subprocess
import sys

import pytest

from batua.settings import read_settings
from batua_api import BatuaPlugin, create_app
from tests.support.processes import free_port, running_demo
from tools.api_reference import EXAMPLE, NONE_YET, PAGE, operations, rewritten

REFUSED = {"receive_webhook": {"401"}, "answer_challenge": {"403"}}
"""What only a provider can send."""

CURL = r"""curl() { command curl -w '%{stderr}answered %{http_code}\n' "$@"; }
"""


@pytest.fixture(scope="module")
def page():
    return PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def routes():
    app = create_app(BatuaPlugin(read_settings({}, jwt_secret="x" * 32), {}))
    return operations(app.openapi_schema.to_schema())


def test_the_page_says_what_the_document_says(page):
    assert rewritten(page) == page, "run python -m tools.api_reference"


def test_an_example_of_a_route_that_is_gone_is_not_lost_in_silence(page):
    with pytest.raises(ValueError, match="get_refnd"):
        rewritten(page.replace("<!-- get_refund -->", "<!-- get_refnd -->"))


def test_every_route_has_an_example(page, routes):
    examples = EXAMPLE.findall(page)
    assert [name for name, _ in examples] == list(routes)
    assert NONE_YET not in {text for _, text in examples}


def test_the_examples_do_what_they_say(page, routes, sqlite_url, tmp_path):
    program = tmp_path / ".venv" / "bin" / "batua"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m batua_api.cli "$@"\n')
    program.chmod(0o755)
    (first,) = re.findall(r"^```sh\n(API=.*?)^```$", page, re.MULTILINE | re.DOTALL)
    port = free_port()
    steps = [
        f"echo '=== {name}' >&2\n{text.removeprefix('```sh').removesuffix('```')}"
        for name, text in EXAMPLE.findall(page)
    ]
    script = "".join([CURL, first, *steps]).replace("127.0.0.1:8000", f"127.0.0.1:{port}")
    with running_demo(sqlite_url, port=port, cwd=tmp_path) as demo:
        ran = subprocess.run(
            ["bash", "-eu", "-o", "pipefail"], input=script, cwd=tmp_path, env=demo.environ,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    assert ran.returncode == 0, ran.stderr
    said = dict(part.split("\n", 1) for part in ran.stderr.split("=== ")[1:])
    for name, (_, _, operation) in routes.items():
        answered = set(re.findall(r"^answered (\d+)$", said[name], re.MULTILINE))
        assert answered, f"{name}: nothing was sent"
        assert answered <= REFUSED.get(name, {"200", "201"}), (name, said[name], ran.stdout)
        assert answered & set(operation["responses"]), name
