"""The JavaScript client: what it knows of the API is so, and Node runs its own tests."""

import filecmp
import json
import os
import re
import shutil
import subprocess

import pytest

from tests.support.bearers import token_of
from tests.support.pages import ROOT
from tests.support.processes import running_demo
from tools.client_api import API_FILE, OPERATIONS, openapi_document, written
from tools.client_types import CLIENT, DIGESTS, TYPES, declare, digests, find_tsc

SOURCES = sorted(
    path for path in (ROOT / "frontend").rglob("*.js") if "node_modules" not in path.parts
)
LINES_MAX, TEST_LINES_MAX = 210, 300
NODE_TESTS = sorted((ROOT / "frontend" / "tests").glob("*.test.js"))
ENTRY = re.compile(r"^    (\w+):(?: |\n +)'", re.MULTILINE)
LISTED = re.compile(r"^\| \d+ \| `(\w+)` ", re.MULTILINE)

NO_CUSTOMERS = {
    # What staff and services do.
    "adjustment_open", "balance_remains", "dispute_open", "key_exists", "last_owner",
    "not_awaiting_approval", "payment_disputed", "payment_open", "refund_amount_differs",
    "refund_differs", "refund_exceeds_refundable", "refund_not_open", "refund_open",
    "refund_under_way", "refund_unsupported", "self_approval", "wrong_mode", "bonus_expired",
    # What the shop's webhooks and listeners meet.
    "dispute_differs", "dispute_unsupported", "dispute_was_won", "listener_changed",
    "too_many_endpoints", "too_much_to_replay", "unknown_event_type", "webhook_rejected",
    "webhook_url_refused",
    # What only code that calls the ledger itself can do.
    "accounts_must_differ", "already_reversed", "currency_mismatch", "exceeds_held_amount",
    "exists_with_different_accounts", "exists_with_different_amount",
    "exists_with_different_details", "exists_with_different_kind", "hold_already_captured",
    "hold_already_voided", "hold_expired", "hold_not_due", "hold_not_found",
    "linked_operation_refused", "lot_expired", "lots_need_a_wallet", "transfer_not_found",
}  # fmt: skip
"""Codes that no route of a customer's answers with."""


def entries(language, part):
    text = (CLIENT / "messages" / f"{language}.js").read_text(encoding="utf-8")
    inside = text.partition(f"\n  {part}: {{")[2].partition("\n  },")[0]
    return ENTRY.findall(inside)


def test_the_client_knows_the_api_as_it_is():
    wrong = "run python -m tools.client_api"
    assert API_FILE.read_text(encoding="utf-8") == written(openapi_document()), wrong


def test_the_client_calls_each_route_that_it_knows():
    source = "".join(path.read_text(encoding="utf-8") for path in CLIENT.glob("*.js"))
    assert [each for each in OPERATIONS if f"'{each}'" not in source] == []


def test_there_is_a_sentence_for_every_error_that_a_customer_can_meet():
    page = (ROOT / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
    listed = set(LISTED.findall(page))
    known = entries("en", "errors")
    own = re.findall(r"^  '(\w+)',$", (CLIENT / "errors.js").read_text(), re.MULTILINE)
    assert len(own) == 5
    assert len(known) == len(set(known))
    assert set(known) == listed - NO_CUSTOMERS | {*own, "unknown"}
    assert listed > NO_CUSTOMERS


@pytest.mark.parametrize("part", ["errors", "outcomes"])
def test_every_language_says_everything(part):
    languages = sorted(path.stem for path in (CLIENT / "messages").glob("*.js"))
    assert languages == ["en", "hi"]
    assert len(entries("en", part)) > 5
    for language in languages:
        assert entries(language, part) == entries("en", part)


def test_every_module_is_read_at_once():
    modules = [path for path in SOURCES if path.parent.name != "messages"]
    assert len(modules) > 10
    for path in modules:
        lines = path.read_text(encoding="utf-8").splitlines()
        most = TEST_LINES_MAX if path in NODE_TESTS else LINES_MAX
        assert path == API_FILE or len(lines) <= most, path
        assert [line for line in lines if len(line) > 100] == [], path


def test_the_declarations_are_of_these_sources():
    assert json.loads(DIGESTS.read_text()) == digests(), "run python -m tools.client_types"


def test_typescript_finds_nothing_wrong_and_declares_the_same(tmp_path):
    tsc = find_tsc()
    if tsc is None:
        pytest.skip("TypeScript is not here: run npm install in frontend/client")
    assert declare(tsc, tmp_path) == ""
    names = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.d.ts")]
    assert len(names) > 10
    assert filecmp.cmpfiles(TYPES, tmp_path, names, shallow=False)[1:] == ([], [])


def test_node_runs_the_clients_own_tests(tmp_path, sqlite_url):
    node = shutil.which("node")
    if node is None:
        if os.environ.get("BATUA_TEST_REQUIRE_ALL") == "1":
            pytest.fail("there is no Node: install Debian's nodejs")
        pytest.skip("there is no Node: install Debian's nodejs")
    with running_demo(sqlite_url, cwd=tmp_path) as demo:
        tokens = {who: token_of(demo, who) for who in ("asha", "ravi")}
        tokens["staff"] = token_of(demo, "sam", scope="staff", role="finance")
        said = subprocess.run(
            [node, "--test", *NODE_TESTS],
            env=os.environ | {"BATUA_SHOP": demo.base, "BATUA_TOKENS": json.dumps(tokens)},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert said.returncode == 0, said.stdout + said.stderr
    summary = dict(re.findall(r"^\W+ (pass|fail|skipped) (\d+)$", said.stdout, re.MULTILINE))
    assert int(summary["pass"]) > 50
    assert summary["skipped"] == "0"
