"""A process that shows no panel and counts in no Redis starts without loading either."""

import subprocess
import sys

import pytest

HEAVY = {"fastapi", "piccolo_admin", "redis"}


def loaded_by(module):
    command = [sys.executable, "-c", f"import sys, {module}; print(*sys.modules)"]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    return HEAVY & set(said.stdout.split())


@pytest.mark.parametrize("module", ["batua_api.app", "batua_api.cli"])
def test_heavy_modules_wait_until_somebody_asks_for_them(module):
    assert loaded_by(module) == set()


def test_with_the_panel_they_come():
    assert loaded_by("batua_admin.panel") == {"fastapi", "piccolo_admin"}
