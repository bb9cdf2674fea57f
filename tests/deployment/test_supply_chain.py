"""What Batua is made of: pinned, listed, and looked at for what is known of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools import audit
from tools.sbom import bill_of

ROOT = Path(__file__).parents[2]


def pinned(lock):
    """Names and versions of what a lock pins."""
    return set(re.findall(r"^([\w.-]+)==([\w.!+-]+)", (ROOT / lock).read_text(), re.MULTILINE))


@pytest.fixture(scope="module")
def bill():
    return bill_of(ROOT / "requirements.lock", ROOT / "pyproject.toml")


def test_the_bill_lists_every_pinned_package_with_its_hashes(bill):
    listed = json.loads(bill)["components"]
    assert {(each["name"], each["version"]) for each in listed} == pinned("requirements.lock")
    assert len(listed) > 50
    lock = (ROOT / "requirements.lock").read_text()
    in_bill = {each["content"] for component in listed for each in component["hashes"]}
    assert in_bill == set(re.findall(r"--hash=sha256:([0-9a-f]{64})", lock))


def test_the_bill_names_no_address_but_its_schema(bill):
    found = json.loads(bill)
    assert bill.count("://") == 1
    assert found["$schema"].endswith("bom-1.6.schema.json")
    assert found["metadata"]["component"]["name"] == "batua"


def test_what_developers_install_is_what_is_served():
    assert pinned("requirements.lock") <= pinned("requirements-dev.lock")


# --- known weaknesses ---------------------------------------------------------------------------

SOUND = {"name": "fine", "version": "1.0", "vulns": []}
WEAK = {"name": "old", "version": "2.0", "vulns": [{"id": "CVE-1", "fix_versions": ["2.1"]}]}
UNKNOWN = {"name": "ours", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("packages", "status", "says"),
    [
        ([SOUND], 0, "1 packages asked for, 0 weaknesses known"),
        ([SOUND, WEAK], 1, "old 2.0: CVE-1, fixed in 2.1"),
        ([WEAK, UNKNOWN], 1, "nothing is known of ours"),
        ([SOUND, UNKNOWN], 0, "audit LEFT OUT: nothing is known of ours"),
        ([UNKNOWN], 0, "audit LEFT OUT: the advisory service answered nothing"),
        ([], 0, "audit LEFT OUT: the advisory service answered nothing"),
    ],
)
def test_a_known_weakness_fails_and_what_was_not_asked_is_said(packages, status, says, capsys):
    prints = f"print({json.dumps({'dependencies': packages})!r})"
    assert audit.main(["requirements.lock"], [sys.executable, "-c", prints]) == status
    assert says in capsys.readouterr().out


def test_a_service_that_is_away_is_said_to_be_left_out(capsys):
    away = "raise SystemExit('ConnectionError: could not connect to the feed')"
    assert audit.main(["requirements.lock"], [sys.executable, "-c", away]) == 0
    assert "LEFT OUT: ConnectionError: could not connect" in capsys.readouterr().out


@pytest.mark.parametrize("program", ["raise SystemExit(1)", "print('no report')", "import gone"])
def test_an_audit_that_is_broken_fails(program, capsys):
    assert audit.main(["requirements.lock"], [sys.executable, "-c", program]) == 1
    assert "audit: pip-audit made no report" in capsys.readouterr().out


def test_a_lock_that_is_not_there_is_named(capsys):
    assert audit.main(["gone.lock"]) == 1
    assert "gone.lock" in capsys.readouterr().out


def test_lint_audits_both_locks_and_looks_for_weak_spots():
    lint = (ROOT / "Makefile").read_text().partition("\nlint:")[2].partition("\n\n")[0]
    assert "tools.audit requirements.lock requirements-dev.lock" in lint
    assert "bandit" in lint
    assert all(folder in lint for folder in ("plugin", "api", "admin"))


def test_a_weak_spot_fails_as_configured(tmp_path):
    weak = tmp_path / "weak.py"
    weak.write_text("import subprocess\nsubprocess.call(input(), shell=True)\n")
    looked = subprocess.run(
        [sys.executable, "-m", "bandit", "-q", "-c", ROOT / "pyproject.toml", weak],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert looked.returncode == 1
    assert "B602" in looked.stdout
