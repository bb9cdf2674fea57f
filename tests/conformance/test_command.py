"""``pytest --pyargs batua.testing --batua-gateway=CODE``, as a stranger calls it."""

import os
import subprocess
import sys


def run(folder, *options):
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rs", *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_an_installed_gateway_is_checked_by_its_code(tmp_path):
    ran = run(
        tmp_path, "--pyargs", "batua.testing", "--batua-gateway=razorpay", "-k", "manifest or front"
    )
    assert ran.returncode == 0, ran.stdout
    assert "1 passed, 2 skipped" in ran.stdout
    assert "a rule for gateways that let another one take the money" in ran.stdout


def test_one_that_is_not_installed_fails_and_says_why(tmp_path):
    ran = run(
        tmp_path,
        "--pyargs",
        "batua.testing",
        "--batua-gateway=nobody",
        "-k",
        "manifest_is_complete",
    )
    assert ran.returncode == 1
    assert "no installed package declares 'nobody'" in ran.stdout


def test_without_a_code_nothing_is_checked(tmp_path):
    ran = run(tmp_path, "--pyargs", "batua.testing")
    assert "1 skipped" in ran.stdout
    assert "name a gateway" in ran.stdout
