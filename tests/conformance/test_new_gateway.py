"""``batua new-gateway``: what it writes is clean, and nothing is ever overwritten."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from batua.errors import ConfigurationError
from batua_api.new_gateway import new_gateway, write_gateway

ROOT = Path(__file__).parents[2]


def test_the_package_has_all_its_files_and_no_blank_to_fill(tmp_path):
    package = write_gateway("acme", tmp_path)
    assert package == tmp_path / "batua-acme"
    names = {str(path.relative_to(package)) for path in package.rglob("*") if path.is_file()}
    modules = ("__init__", "books", "client", "codes", "gateway", "settings", "simulator", "wire")
    assert names == {
        "README.md",
        "pyproject.toml",
        "src/batua_acme/py.typed",
        "tests/test_conformance.py",
        *(f"src/batua_acme/{module}.py" for module in modules),
    }
    for path in package.rglob("*.*"):
        assert "{{" not in path.read_text("utf-8") if path.is_file() else True
    declared = tomllib.loads((package / "pyproject.toml").read_text("utf-8"))["project"]
    assert declared["entry-points"] == {
        "batua.gateways": {"acme": "batua_acme:AcmeGateway"},
        "batua.simulators": {"acme": "batua_acme.simulator:AcmeSimulator"},
    }


@pytest.mark.parametrize(
    "name", ["", "a", "Acme", "acme-pay", "acme_pay", "1acme", "../x", "é", "a" * 32]
)
def test_a_name_that_can_be_no_code_is_refused(tmp_path, name):
    with pytest.raises(ConfigurationError, match="lower-case letters and digits"):
        write_gateway(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_there_is_left_alone(tmp_path):
    (tmp_path / "batua-acme").mkdir()
    (tmp_path / "batua-acme" / "mine.txt").write_text("mine")
    with pytest.raises(ConfigurationError, match="is there already: nothing was written"):
        write_gateway("acme", tmp_path)
    assert [path.name for path in (tmp_path / "batua-acme").iterdir()] == ["mine.txt"]


def test_the_command_says_what_to_do_next(tmp_path):
    ran = CliRunner().invoke(new_gateway, ["acme", "--into", str(tmp_path)])
    assert ran.exit_code == 0
    assert f"wrote {tmp_path / 'batua-acme'}" in ran.output
    again = CliRunner().invoke(new_gateway, ["acme", "--into", str(tmp_path)])
    assert again.exit_code == 1
    assert "is there already" in again.output


def test_what_it_writes_is_formatted_and_clean(tmp_path):
    package = write_gateway("acme", tmp_path)
    config = ["--no-cache", "--line-length=100", "--target-version=py311", "--isolated"]
    for call in (["format", "--check"], ["check", "--select=E,F,I,B,UP"]):
        ruff = [sys.executable, "-m", "ruff", call[0], *config, *call[1:]]
        ran = subprocess.run(
            ruff, cwd=package, capture_output=True, text=True, timeout=60, check=False
        )
        assert ran.returncode == 0, ran.stdout
