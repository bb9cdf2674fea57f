"""The API's reference: all of it is the OpenAPI document's, and its examples do what they say."""

import pytest

from batua.settings import read_settings
from batua_api import BatuaPlugin, create_app
from tests.support.ports import free_port
from tests.support.processes import running_demo
from tools.api_reference import EXAMPLE, NONE_YET, PAGE, operations, rewritten

REFUSED = {"receive_webhook": {"401"}, "answer_challenge": {"403"}}
"""What only a provider can send."""

CURL = r"""set -o pipefail
curl() { command curl -w '%{stderr}%{http_code}\n' "$@" 2>>answered; }
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


@pytest.mark.pages("docs/reference/api.md")
def test_the_examples_do_what_they_say(page, routes, sqlite_url, tmp_path, read):
    port = free_port()
    reader = read("docs/reference/api.md")
    reader.words["127.0.0.1:8000"] = f"127.0.0.1:{port}"
    reader.environ["BATUA_DATABASE_URL"] = sqlite_url
    first, *examples = reader.blocks
    names = [name for name, _ in EXAMPLE.findall(page)]
    assert len(names) == len(examples)
    with running_demo(sqlite_url, port=port, cwd=tmp_path):
        reader.type(CURL)
        reader.run(first)
        for name, block in zip(names, examples, strict=True):
            reader.run(block)
            answered = set(reader.type("cat answered; rm -f answered").split())
            assert answered, f"{name}: nothing was sent"
            assert answered <= REFUSED.get(name, {"200", "201"}), (name, answered)
            _, _, operation = routes[name]
            assert answered & set(operation["responses"]), name
