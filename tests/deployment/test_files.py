"""The files in deploy/: each command, setting and path that they name is there.

Neither a container engine nor Caddy is run: what is said of them here is read off their files.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from configparser import RawConfigParser
from pathlib import Path

import click
import pytest
import yaml

from batua.clock import utc_now
from batua.registry import Registry
from batua.settings import unknown_variables
from batua_api.cli import cli

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted(DEPLOY.glob("systemd/*"))
SERVICES = [path for path in UNITS if path.suffix == ".service"]
OURS = "/opt/batua/.venv/bin/batua "


def assert_understood(words):
    """``words`` are a ``batua`` command that the real one takes, with all of its options."""
    assert words[0] == "batua"
    command = cli.get_command(click.Context(cli), words[1])
    assert command is not None, words
    command.make_context(words[1], list(words[2:]))


async def assert_read(names):
    """Each of these variables is one that something reads."""
    registry = Registry({}, now=utc_now, timeout_s=1)
    await registry.close()
    plugins = [*registry.gateways.values(), *registry.notifiers.values()]
    codes = {each.manifest.code: each.manifest.settings for each in plugins}
    assert unknown_variables(dict.fromkeys(names, ""), codes) == []


def program(name):
    """A program of the machine, or the test is skipped: it needs more than Python."""
    found = shutil.which(name, path="/usr/bin:/usr/sbin:/bin")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


# --- containers ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def steps():
    """The Dockerfile's instructions, each with what it is told."""
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [tuple(line.split(maxsplit=1)) for line in lines]


def test_an_image_is_made_of_what_is_there_and_pinned(steps):
    copied = [
        words.split()[:-1] for name, words in steps if name == "COPY" and "--from" not in words
    ]
    sources = [source for sources in copied for source in sources]
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    assert sources
    for source in sources:
        assert (ROOT / source).exists()
        assert f"!{source}" in allowed, "it would not reach the build"
    installed = [words for name, words in steps if name == "RUN" and "pip install" in words]
    assert "--require-hashes --no-deps -r requirements.lock" in installed[0]
    assert all("--no-deps" in words for words in installed)


def test_an_image_runs_as_nobody_and_says_whether_it_lives(steps):
    final = steps[max(place for place, (name, _) in enumerate(steps) if name == "FROM") :]
    said = dict(final)
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", said["USER"])
    assert_understood(json.loads(said["CMD"]))
    assert "/health/live" in said["HEALTHCHECK"]
    compile(json.loads(said["HEALTHCHECK"].partition("CMD ")[2])[2], "healthcheck", "exec")


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


async def test_compose_names_commands_settings_and_services_that_exist(compose):
    services = compose["services"]
    settings = set()
    for name, service in services.items():
        assert set(service.get("depends_on", ())) <= set(services), name
        for volume in service.get("volumes", ()):
            assert volume.partition(":")[0] in compose["volumes"]
        if "build" not in service:
            continue
        assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
        settings |= set(service["environment"])
        command = service["command"]
        scripts = command[2].split(" && ") if command[0] == "sh" else [shlex.join(command)]
        for script in scripts:
            assert_understood(shlex.split(script))
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    assert {"migrate", "api", "worker", "db"} <= set(services)
    await assert_read(settings)


def test_compose_holds_no_secret_and_shows_the_api_to_this_machine_alone(compose):
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|URL|KEY", name):
                assert "${" in value, f"{name} stands in the file"
    assert compose["services"]["api"]["ports"] == ["127.0.0.1:8000:8000"]
    assert not any("ports" in each for name, each in compose["services"].items() if name != "api")


def test_only_the_migration_signs_in_as_the_owner(compose):
    for name in ("api", "worker"):
        url = compose["services"][name]["environment"]["BATUA_DATABASE_URL"]
        assert url.startswith("postgresql://batua_app:")
    owner = compose["services"]["migrate"]["environment"]["BATUA_DATABASE_URL"]
    assert owner.startswith("postgresql://batua_owner:")


# --- systemd ------------------------------------------------------------------------------------


def test_every_command_of_a_unit_is_understood():
    commands = [
        line.removeprefix("ExecStart=").replace(OURS, "batua ")
        for path in SERVICES
        for line in path.read_text().splitlines()
        if line.startswith(f"ExecStart={OURS}")
    ]
    assert len(commands) == 4
    for command in commands:
        assert_understood(shlex.split(command))


def test_a_timer_starts_a_service_that_is_there():
    timers = [path for path in UNITS if path.suffix == ".timer"]
    assert len(timers) == 2
    for path in timers:
        assert path.with_suffix(".service") in SERVICES


@pytest.fixture(scope="module")
def units(tmp_path_factory):
    """The units as on a machine where Batua is installed."""
    folder = tmp_path_factory.mktemp("units")
    installed = folder / "batua"
    installed.write_text("#!/bin/sh\n")
    installed.chmod(0o755)
    for path in UNITS:
        text = path.read_text().replace(OURS, f"{installed} ")
        (folder / path.name).write_text(text.replace("/usr/bin/pg_basebackup", str(installed)))
    return [folder / path.name for path in UNITS]


def test_systemd_takes_the_units(units):
    checked = subprocess.run(
        [program("systemd-analyze"), "verify", "--man=no", *units],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_systemd_leaves_little_to_whoever_breaks_in(path):
    # Exposure from 0 to 100; a unit without any of these lines has more than 90.
    checked = subprocess.run(
        [program("systemd-analyze"), "security", "--offline=true", "--threshold=25", path],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout[-300:] + checked.stderr


# --- before it, and behind it -------------------------------------------------------------------


def test_nginx_takes_its_site(tmp_path):
    nginx, openssl = program("nginx"), program("openssl")
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-subj", "/CN=shop.example", "-days", "1", "-keyout", tmp_path / "privkey.pem",
         "-out", tmp_path / "fullchain.pem"],
        capture_output=True, check=True, timeout=30,
    )  # fmt: skip
    site = (DEPLOY / "nginx.conf").read_text().replace("/etc/ssl/batua/", f"{tmp_path}/")
    (tmp_path / "site").write_text(site)
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid; error_log {tmp_path}/log; events {{}} http {{\n"
        f"access_log off; include {tmp_path}/site; }}\n"
    )
    checked = subprocess.run(
        [nginx, "-t", "-c", tmp_path / "nginx.conf", "-e", tmp_path / "log"],
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr
    assert "[warn]" not in checked.stderr


@pytest.mark.parametrize("name", ["nginx.conf", "Caddyfile"])
def test_a_proxy_closes_what_is_not_the_customers(name):
    text = (DEPLOY / name).read_text()
    assert "/admin" in text
    # Each of them is written as a pattern: what stands open is what no pattern takes.
    closed = [re.compile(found) for found in re.findall(r"(?:~|path_regexp) (\^\S+)", text)]
    for path in (
        "/metrics", "/metrics/", "/api/v1/metrics", "/api/v1/metrics/",
        "/simulators", "/simulators/razorpay/_control/pay", "/demo", "/demo/",
    ):  # fmt: skip
        assert any(each.search(path) for each in closed), path
    for path in ("/api/v1/wallet", "/api/v1/topups", "/health", "/metricsx", "/demonstration"):
        assert not any(each.search(path) for each in closed), path
    assert "127.0.0.1:8000" in text
    # Neither believes what a client says of its own address.
    assert "$proxy_add_x_forwarded_for" not in text
    assert "trusted_proxies" not in text


def test_the_pooler_is_set_to_what_the_url_says():
    file = RawConfigParser(comment_prefixes=(";",))
    file.read(DEPLOY / "pgbouncer.ini")
    pooler = file["pgbouncer"]
    assert pooler["pool_mode"] == "transaction"
    assert pooler["ignore_startup_parameters"] == ""
    assert pooler["auth_type"] == "scram-sha-256"
