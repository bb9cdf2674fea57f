"""The proof runs where none of the code that writes can be imported."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import batua.ledger
from batua.ledger import proof
from tests.integration.proof import test_lots, test_planted

ALONE = """
import asyncio, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        allowed = ("batua.ledger.proof", "batua.dialect", "batua.errors", "batua.ledger",
                   "batua.pooler")
        is_ours = name.startswith(("batua.", "batua_", "piccolo"))
        if is_ours and name not in allowed and not name.startswith("batua.ledger.proof."):
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocked())
from batua.ledger.proof import open_books, prove

async def main(url):
    async with open_books(url) as books:
        print(await prove(books))

for module in ("engine", "book", "store", "rules", "chain", "tables"):
    try:
        __import__(f"batua.ledger.{module}")
    except ImportError:
        continue
    sys.exit(f"{module} is not blocked")
asyncio.run(main(sys.argv[1]))
"""


async def test_it_runs_without_any_code_that_writes(lot_shop, database_url):
    ran = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", ALONE, database_url],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert ran.stderr == ""
    assert ran.stdout.startswith("Proof(findings=(), transfers=26, entries=52,")


def test_the_ledger_still_has_its_names():
    assert all(getattr(batua.ledger, name) is not None for name in batua.ledger.__all__)
    homes = [name for names in batua.ledger._HOMES.values() for name in names]
    assert sorted(homes) == sorted(batua.ledger.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Leger'"):
        batua.ledger.Leger  # noqa: B018


def claimed():
    """Each invariant of the docstring's table that some check is named for."""
    where = r"((?:walk|checks)\.\w+|\(none\))"
    rows = re.findall(rf"^(I\d+) +.*?{where}", proof.__doc__, re.MULTILINE | re.DOTALL)
    return [invariant for invariant, place in rows if place != "(none)"]


@pytest.mark.parametrize("invariant", claimed())
def test_each_claim_has_a_planted_corruption(invariant):
    planted = {case[0] for table in (test_planted, test_lots) for case in table.PLANTED.values()}
    assert invariant in planted


def test_the_table_is_whole():
    stated = set(re.findall(r"^(I\d+) ", proof.__doc__, re.MULTILINE))
    assert stated == {f"I{number}" for number in range(1, 23)} - {"I15"}
    assert set(claimed()) == stated - {"I21"}


def test_each_check_has_its_place_in_the_table():
    folder = Path(proof.__path__[0])
    checks = {f"checks.{path.stem}" for path in (folder / "checks").glob("[a-z]*.py")}
    assert len(checks) > 5
    assert checks <= set(re.findall(r"checks\.\w+", proof.__doc__))
