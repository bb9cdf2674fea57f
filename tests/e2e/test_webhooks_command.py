"""``batua webhooks`` and ``batua reseal``, as an operator types them."""

from __future__ import annotations

import asyncio
import base64
import os

import pytest
from click.testing import CliRunner

from batua.bootstrap import open_batua
from batua.settings import read_settings
from batua_api.cli import cli
from batua_api.local import beside_database, demo_secrets, local_settings
from tests.support.receiver import receiving

OLD, NEW = (base64.urlsafe_b64encode(os.urandom(32)).decode() for _ in range(2))


@pytest.fixture
def batua(sqlite_url):
    """Runs a command; returns its exit status and what it said."""

    def run(*arguments, key=OLD):
        environ = {
            **{name: None for name in os.environ if name.startswith("BATUA_")},
            "BATUA_DATABASE_URL": sqlite_url,
            "BATUA_JWT_SECRET": "x" * 32,
            "BATUA_ENCRYPTION_KEY": key,
            "BATUA_WEBHOOK_LOOPBACK_HTTP": "on",
        }
        ran = CliRunner().invoke(cli, arguments, env=environ)
        return ran.exit_code, ran.output or str(ran.exception)

    return run


def test_an_endpoint_is_added_shown_rotated_and_switched(batua, sqlite_url):
    status, said = batua("webhooks", "add", "https://shop.example/", "--event", "order.paid")
    assert status == 0
    words = said.split()
    endpoint, secret = words[1], words[3]
    assert secret.startswith("whsec_")
    status, listed = batua("webhooks", "list")
    assert (status, secret in listed) == (0, False)
    assert f"{endpoint}  enabled  order.paid  https://shop.example/  0 waiting, 0 dead" in listed
    status, rotated = batua("webhooks", "rotate", endpoint)
    assert status == 0
    assert rotated.startswith("whsec_")
    assert rotated.strip() != secret
    assert batua("webhooks", "disable", endpoint) == (0, f"{endpoint} is disabled\n")
    assert "disabled  (by an operator)" in batua("webhooks", "list")[1]
    assert batua("webhooks", "enable", endpoint)[0] == 0

    async def trying(path):
        async with receiving() as receiver:
            settings = read_settings(
                {}, database_url=sqlite_url, encryption_key=OLD, webhook_loopback_http=True
            )
            url = f"http://127.0.0.1:{receiver.port}{path}"
            async with open_batua(settings, {}) as shop:
                added, _ = await shop.listeners.add(url, ["*"])
            return await asyncio.to_thread(batua, "webhooks", "test", added)

    assert asyncio.run(trying("/ok"))[0] == 0
    status, said = asyncio.run(trying("/500"))
    assert (status, "did not take it: HTTP 500" in said) == (1, True)

    # A new key seals all; after that the old one opens nothing, and is not needed.
    status, said = batua("reseal", key=f"{NEW},{OLD}")
    assert (status, said.splitlines()[-1]) == (0, "resealed 4 secrets")
    assert batua("reseal", key=NEW)[0] == 0
    status, said = batua("reseal", key=OLD)
    assert (status, "none of the keys in BATUA_ENCRYPTION_KEY" in said) == (1, True)


def test_what_can_not_be_done_says_why(batua):
    for arguments, why in (
        (("webhooks", "add", "http://shop.example/"), ""),
        (("webhooks", "add", "https://user@shop.example/"), "no user name"),
        (("webhooks", "add", "https://shop.example/", "--event", "x"), "no event type 'x'"),
        (("webhooks", "rotate", "lst_none"), "There is no listener 'lst_none'"),
        (("webhooks", "replay", "lst_none", "--since", "2026-11-21"), "There is no listener"),
        (("webhooks", "replay", "--delivery", "dlv_none"), "There is no delivery"),
        (("webhooks", "replay", "lst_none"), "say ENDPOINT and --since"),
        (("webhooks", "replay", "lst_none", "--delivery", "dlv_1"), "say ENDPOINT and --since"),
    ):
        status, said = batua(*arguments)
        assert (status != 0, why in said) == (bool(why), True), (arguments, said)
    status, said = batua("webhooks", "add", "https://shop.example/", key="")
    assert (status, "BATUA_ENCRYPTION_KEY is not set" in said) == (1, True)


def test_what_a_demo_made_up_is_found_and_what_is_set_comes_first(batua, sqlite_url):
    earlier = beside_database(sqlite_url, "secret")
    earlier.write_text("BATUA_JWT_SECRET=" + "y" * 64 + "\n")  # by a demo that had no key yet
    made = demo_secrets(sqlite_url, {})
    assert made["BATUA_JWT_SECRET"] == "y" * 64
    assert demo_secrets(sqlite_url, {}) == made
    found = local_settings({"BATUA_DATABASE_URL": sqlite_url})
    assert (found.jwt_secret, found.encryption_key) == ("y" * 64, made["BATUA_ENCRYPTION_KEY"])
    status, said = batua("webhooks", "add", "https://shop.example/", key="")
    assert status == 0, said
    status, said = batua("reseal", key=NEW)
    assert (status, "none of the keys in BATUA_ENCRYPTION_KEY" in said) == (1, True)
