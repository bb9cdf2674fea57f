"""Gateways' settings that staff write: sealed, told to every process, and never read back."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from batua.audit import Act, Actor, acting
from batua.bootstrap import open_batua
from batua.contract import Mode
from batua.database import Dialect
from batua.errors import ConfigurationError, Conflict, InvalidRequest, NotFound
from batua.gateway_settings import Source
from batua.identity import Role
from batua.payments import GatewayState
from batua.settings import read_settings
from tests.support.canary import tables_of
from tests.support.shop import JWT_SECRET

KEY, NEW_KEY, WRONG_KEY = (
    base64.urlsafe_b64encode(os.urandom(32)).decode() for _ in range(3)
)  # fmt: skip
OLGA = "staff:olga"
SECRET, HOOK_SECRET = "canary-key-secret-5a1", "canary-hook-secret-6b2"
TEST = {"key_id": "rzp_test_1", "key_secret": SECRET, "webhook_secret": HOOK_SECRET}
LIVE = {**TEST, "key_id": "rzp_live_1"}


@pytest.fixture
def opening(database_url, database, clock):
    """Opens the shop as another process would."""

    @asynccontextmanager
    async def opened(*, key=KEY, environ=None):
        settings = read_settings(
            {}, database_url=database_url, jwt_secret=JWT_SECRET, encryption_key=key
        )
        async with open_batua(settings, environ or {}, now=clock.now) as shop:
            yield shop

    del database  # it has migrated
    return opened


@pytest.fixture
async def shop(opening):
    async with opening() as opened:
        yield opened


def act(**values):
    actor = Actor(name=OLGA, role=Role.OWNER)
    return Act(id="aud_1", actor=actor, word="set_gateway_setting", **values)


async def setting(shop, name, code="razorpay"):
    return next(each for each in await shop.gateway_settings.describe(code) if each.name == name)


def bytes_of(sqlite_url):
    """What a thief of the file has: it, and what is not yet written into it."""
    file = Path(sqlite_url.removeprefix("sqlite:///"))
    return [each.read_bytes().decode("latin-1") for each in file.parent.glob(f"{file.name}*")]


async def everything(shop):
    return json.dumps(await tables_of(shop.database))


# --- written once -------------------------------------------------------------------------------


async def test_what_is_written_works_at_once_and_opens_nothing_by_itself(shop):
    assert shop.registry.gateways["razorpay"].instance is None

    written = await shop.gateway_settings.write("razorpay", TEST, OLGA)

    assert shop.registry.gateway("razorpay").mode is Mode.TEST
    assert await shop.switches.state("razorpay") is GatewayState.DISABLED
    assert dict(written.shut) == {"razorpay": Mode.TEST}
    assert "set its state to test" in written.told
    await shop.switches.set_state("razorpay", GatewayState.TEST, actor=OLGA)
    assert await shop.switches.state("razorpay") is GatewayState.TEST
    # Another secret for the same account shuts nothing.
    again = await shop.gateway_settings.write("razorpay", {"webhook_secret": "a,b"}, OLGA)
    assert (dict(again.shut), again.told) == ({}, "")
    assert await shop.switches.state("razorpay") is GatewayState.TEST


async def test_secrets_are_told_to_nobody_again(shop, database_url, caplog):
    with acting(act(subject="gateway:razorpay")):
        await shop.gateway_settings.write("razorpay", TEST, OLGA)

    described = await shop.gateway_settings.describe("razorpay")
    secrets = {each.name for each in described if each.is_secret}
    assert secrets == {"key_secret", "webhook_secret"}
    assert all(each.value is None for each in described if each.is_secret)
    (entry,) = await shop.database.fetch("select * from batua_audit")
    assert json.loads(entry["asked"]) == {"gateway": "razorpay", "settings": sorted(TEST)}
    after = json.loads(entry["after"])
    assert after["batua_gateway_setting razorpay.key_secret"] == {
        "id": "razorpay.key_secret", "gateway": "razorpay", "name": "key_secret",
        "sealed": "[secret]", "updated_by": OLGA,
    }  # fmt: skip
    told = [
        await everything(shop), repr(described), caplog.text, repr(shop.registry.gateways),
        repr(shop.gateway_settings.follower.given),
    ]  # fmt: skip
    if shop.database.dialect is Dialect.SQLITE:
        told += bytes_of(database_url)
    for text in told:
        assert SECRET not in text
        assert HOOK_SECRET not in text


async def test_each_setting_says_where_it_comes_from(opening):
    environ = {"BATUA_RAZORPAY_KEY_ID": "rzp_test_9", "BATUA_RAZORPAY_CAPTURE": "manual"}
    async with opening(environ=environ) as shop:
        missing = await setting(shop, "key_secret")
        assert (missing.source, missing.kind, missing.told) == (Source.MISSING, "secret", "missing")
        assert (missing.variable, missing.is_required) == ("BATUA_RAZORPAY_KEY_SECRET", True)
        await shop.gateway_settings.write("razorpay", {
            "key_secret": SECRET, "webhook_secret": HOOK_SECRET, "payer_email": "a@shop.example",
        }, OLGA)  # fmt: skip

        told = await setting(shop, "key_id")
        assert (told.source, told.value, told.is_writable) == ("environment", "rzp_test_9", False)
        secret = await setting(shop, "key_secret")
        assert secret.told == f"set on {shop.now():%Y-%m-%d} by {OLGA}"
        assert (secret.source, secret.value) == (Source.PANEL, None)
        assert (await setting(shop, "payer_email")).value == "a@shop.example"
        capture = await setting(shop, "capture")
        assert (capture.kind, capture.choices) == ("choice", ("automatic", "manual"))
        speed = await setting(shop, "refund_speed")
        assert (speed.source, speed.value) == (Source.DEFAULT, "normal")
        with pytest.raises(NotFound):
            await shop.gateway_settings.describe("paytm")


async def test_where_secrets_are_sent_is_the_environments_alone(shop):
    kept = {
        f"{code} {each.name}"
        for code in ("googlepay", "paypal", "razorpay")
        for each in await shop.gateway_settings.describe(code)
        if not each.is_writable
    }
    assert kept == {
        "googlepay checkout_url", "googlepay root_keys_url", "paypal base_url", "paypal ca_file",
        "paypal cert_hosts", "razorpay base_url", "razorpay checkout_url",
    }  # fmt: skip


async def test_what_can_not_be_is_refused_and_nothing_is_stored(shop):
    refused = [
        ({}, "Say which"),
        ({"key_id": "rzp_test_1"}, "BATUA_RAZORPAY_KEY_SECRET"),
        ({**TEST, "key_id": "abc"}, "key_id must begin with"),
        ({**TEST, "capture": "never"}, "BATUA_RAZORPAY_CAPTURE"),
        ({**TEST, "webhook_secret": " , "}, "webhook_secret has no secret"),
        ({**TEST, "webhook_secret": "  "}, "webhook_secret is empty"),
        ({**TEST, "key_secret": "x" * 20_001}, "key_secret is longer"),
        ({**TEST, "key_secret": "ab\u202ecd"}, "key_secret has a character"),
        ({**TEST, "kee_id": "x"}, "no setting 'kee_id'"),
        ({**TEST, "base_url": "https://thief.example"}, "base_url is the operator's"),
    ]
    for values, why in refused:
        with pytest.raises(InvalidRequest, match=why) as refusal:
            await shop.gateway_settings.write("razorpay", values, OLGA)
        assert refusal.value.code == "gateway_setting_refused"
        assert refusal.value.pointer.startswith("/settings")
        assert SECRET not in str(refusal.value)
    with pytest.raises(NotFound):
        await shop.gateway_settings.write("paytm", TEST, OLGA)
    assert await shop.database.fetch("select * from batua_gateway_setting") == []
    assert await shop.database.fetch("select * from batua_gateway") == []
    assert shop.registry.gateways["razorpay"].instance is None


# --- the environment comes first ----------------------------------------------------------------


async def test_the_environment_comes_first_and_says_so(shop, opening):
    await shop.gateway_settings.write("razorpay", {**TEST, "payer_phone": "+911"}, OLGA)
    environ = {
        "BATUA_RAZORPAY_KEY_ID": "rzp_test_of_the_operator",
        "BATUA_RAZORPAY_KEY_SECRET": "the-operators",
    }
    async with opening(environ=environ) as other:
        overruled = await setting(other, "key_id")
        assert (overruled.source, overruled.value) == ("environment", "rzp_test_of_the_operator")
        assert overruled.is_overruled
        assert (await setting(other, "payer_phone")).source is Source.PANEL
        with pytest.raises(InvalidRequest, match="set in the environment, which comes first"):
            await other.gateway_settings.write("razorpay", {"key_id": "rzp_test_2"}, OLGA)


# --- every process ------------------------------------------------------------------------------


async def test_another_process_takes_new_settings_while_it_runs(shop, opening):
    async with opening() as other, other.gateway_settings.follower.running():
        await shop.gateway_settings.write("razorpay", TEST, OLGA)
        async with asyncio.timeout(20):
            while other.registry.gateways["razorpay"].instance is None:  # noqa: ASYNC110 - it polls
                await asyncio.sleep(0.05)
        assert other.registry.gateway("razorpay").mode is Mode.TEST
    async with opening() as later:
        assert later.registry.gateway("razorpay").mode is Mode.TEST


async def test_only_what_changed_is_made_anew(shop):
    await shop.gateway_settings.write("razorpay", TEST, OLGA)
    old = shop.registry.gateway("razorpay")
    paypal = shop.registry.gateways["paypal"]
    breaker = shop.registry.breakers["razorpay"]

    await shop.gateway_settings.write("razorpay", {"capture": "manual"}, OLGA)

    assert shop.registry.gateway("razorpay") is not old
    assert shop.registry.gateways["paypal"] is paypal
    assert shop.registry.breakers["razorpay"] is not breaker


async def test_of_two_who_write_at_once_one_is_told_to_look_again(shop, opening):
    await shop.gateway_settings.write("razorpay", TEST, OLGA)
    async with opening() as other:
        done = await asyncio.gather(
            shop.gateway_settings.write("razorpay", {"capture": "manual"}, OLGA),
            other.gateway_settings.write("razorpay", {"refund_speed": "optimum"}, "staff:ravi"),
            return_exceptions=True,
        )
    refusals = [each for each in done if isinstance(each, Conflict)]
    assert [each.code for each in refusals] in ([], ["gateway_settings_changed"])
    stored = await shop.database.fetch(
        "select name from batua_gateway_setting where name in ('capture', 'refund_speed')"
    )
    assert len(stored) == 2 - len(refusals)


# --- live and test ------------------------------------------------------------------------------


async def test_credentials_of_another_mode_wait_for_staff_in_every_process(shop, opening):
    await shop.gateway_settings.write("razorpay", TEST, OLGA)
    await shop.switches.set_state("razorpay", GatewayState.TEST, actor=OLGA)
    async with opening() as stale:  # it never looks
        written = await shop.gateway_settings.write("razorpay", LIVE, OLGA)
        assert dict(written.shut) == {"razorpay": Mode.LIVE}
        assert "live credentials now and takes no new payments" in written.told
        for each in (shop, stale):
            assert await each.switches.state("razorpay") is GatewayState.DISABLED
        await shop.switches.set_state("razorpay", GatewayState.ENABLED, actor=OLGA)
        assert await shop.switches.state("razorpay") is GatewayState.ENABLED
        assert stale.registry.gateway("razorpay").mode is Mode.TEST
        assert await stale.switches.state("razorpay") is GatewayState.DISABLED


# --- the key ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "why"),
    [("", "BATUA_ENCRYPTION_KEY is not set"), (WRONG_KEY, "none of the keys in BATUA_ENCRYPT")],
    ids=["no key", "another key"],
)
async def test_without_the_key_the_gateway_is_off_and_says_what_to_do(shop, opening, key, why):
    await shop.gateway_settings.write("razorpay", TEST, OLGA)
    environ = {
        "BATUA_PAYPAL_CLIENT_ID": "a", "BATUA_PAYPAL_CLIENT_SECRET": "b",
        "BATUA_PAYPAL_WEBHOOK_ID": "c",
    }  # fmt: skip
    async with opening(key=key, environ=environ) as other:
        plugin = other.registry.gateways["razorpay"]
        assert plugin.instance is None
        assert plugin.problem.startswith("razorpay is off: ")
        assert why in plugin.problem
        assert other.registry.gateways["paypal"].instance is not None
        assert why in (await setting(other, "key_secret")).problem
        with pytest.raises(Conflict) as refusal:
            other.registry.gateway("razorpay")
        assert refusal.value.code == "gateway_off"
        if not key:
            with pytest.raises(Conflict) as refusal:
                await other.gateway_settings.write("razorpay", TEST, OLGA)
            assert refusal.value.code == "encryption_key_missing"
        else:
            # What nobody can read any more may be written anew, but for none in part.
            with pytest.raises(InvalidRequest, match="none of the keys"):
                await other.gateway_settings.write("razorpay", {"key_secret": "another"}, OLGA)
            await other.gateway_settings.write("razorpay", TEST, OLGA)
            assert other.registry.gateway("razorpay").mode is Mode.TEST


async def test_a_new_key_seals_all_and_the_old_one_opens_nothing_any_more(shop, opening):
    await shop.gateway_settings.write("razorpay", TEST, OLGA)
    async with opening(key=f"{NEW_KEY},{KEY}") as both:
        gateway = both.registry.gateway("razorpay")
        assert await both.gateway_settings.reseal() == 3
        assert both.registry.gateway("razorpay") is gateway
        assert (await setting(both, "key_secret")).written_by == OLGA
    async with opening(key=NEW_KEY) as new:
        assert new.registry.gateway("razorpay").mode is Mode.TEST
    async with opening(key=KEY) as old:
        assert "none of the keys" in old.registry.gateways["razorpay"].problem
        with pytest.raises(ConfigurationError):
            await old.gateway_settings.reseal()


async def test_a_sealed_value_in_another_place_turns_the_gateway_off(shop, opening):
    await shop.gateway_settings.write("razorpay", TEST, OLGA)
    async with shop.database.transaction() as transaction:
        await transaction.execute(
            "update batua_gateway_setting set sealed = (select sealed from batua_gateway_setting"
            " where id = 'razorpay.key_secret') where id = 'razorpay.webhook_secret'"
        )
    async with opening() as other:
        assert "was sealed for" in other.registry.gateways["razorpay"].problem


# --- and taken away -----------------------------------------------------------------------------


async def test_what_is_cleared_is_gone_and_the_gateway_off_until_staff_say(shop):
    await shop.gateway_settings.write("razorpay", TEST, OLGA)
    await shop.switches.set_state("razorpay", GatewayState.TEST, actor=OLGA)

    await shop.gateway_settings.clear("razorpay", "webhook_secret", "staff:ravi")

    assert "BATUA_RAZORPAY_WEBHOOK_SECRET" in shop.registry.gateways["razorpay"].problem
    (row,) = await shop.database.fetch(
        "select * from batua_gateway_setting where name = 'webhook_secret'"
    )
    assert (row["sealed"], row["updated_by"]) == (None, "staff:ravi")
    with pytest.raises(NotFound):
        await shop.gateway_settings.clear("razorpay", "webhook_secret", OLGA)
    await shop.gateway_settings.write("razorpay", {"webhook_secret": HOOK_SECRET}, OLGA)
    assert await shop.switches.state("razorpay") is GatewayState.DISABLED
