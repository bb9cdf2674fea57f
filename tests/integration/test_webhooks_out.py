"""Outbound webhooks against endpoints that listen, and against all that do not."""

from __future__ import annotations

import asyncio
import base64
import os
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from standardwebhooks import WebhookVerificationError

from batua.errors import ConfigurationError, Conflict, InvalidRequest, NotFound
from batua.events import (
    Addresses,
    Deliveries,
    Event,
    EventType,
    Router,
    TrialFact,
    WebhookSender,
    read_networks,
)
from batua.events.webhooks import RETRY_S
from batua.sealing import Sealer
from tests.support.clock import FakeClock
from tests.support.receiver import receiving
from tests.support.shop import open_shop

KEY = base64.urlsafe_b64encode(os.urandom(32)).decode()
LIMIT_S = 5.0
"""Where nobody hangs: a busy machine answers in this too."""


@pytest.fixture
def clock():
    """Receivers look at the time of a webhook by the wall clock."""
    return FakeClock(datetime.now(UTC))


@pytest.fixture
async def shop(database_url, clock):
    async with open_shop(
        database_url, clock, encryption_key=KEY, webhook_loopback_http=True
    ) as shop:
        yield shop


@pytest.fixture
async def receiver():
    async with receiving() as receiver:
        yield receiver


def deliveries(shop, **options):
    """Webhooks with a limit of the test's and no jitter."""
    batua, sealer = shop.batua, Sealer(KEY)
    addresses = options.pop("addresses", Addresses(loopback_http=True))

    async def resolve(host, port):
        return [host]

    sender = WebhookSender(
        sealer, addresses, now=batua.now,
        **{"resolve": resolve, "limit_s": LIMIT_S, **options},
    )  # fmt: skip
    router = Router(batua.database, now=batua.now, new_id=batua.new_id)
    return Deliveries(batua.database, router, sender, now=batua.now, spread=lambda: 0.0)


async def endpoint(shop, receiver, path="/ok", events=("*",)):
    return await shop.batua.listeners.add(f"http://127.0.0.1:{receiver.port}{path}", events)


async def delivery_to(shop, listener):
    (row,) = await shop.rows("delivery", f"listener_id = '{listener}'")
    return row


async def test_an_endpoint_is_told_what_it_asked_for_and_can_prove_who_says_it(shop, receiver):
    _, secret = await endpoint(shop, receiver, events=("order.paid", "wallet.adjusted"))
    order = await shop.paid_order(30_000)
    await shop.refund(order, "wallet", 10_000)
    sending = deliveries(shop)
    assert await sending.drain() > 0
    told = [each.verified(secret) for each in receiver.told]
    assert {each["type"] for each in told} == {"wallet.adjusted", "order.paid"}
    paid = next(each for each in told if each["type"] == "order.paid")
    row = await shop.row("order", order)
    assert paid["data"] == {
        "id": order, "reference": row["reference"], "customer": "asha", "status": "paid",
        "amount": 30_000, "currency": "INR", "paid_from_wallet": 30_000, "paid_by_gateway": 0,
        "refunded": 0,
    }  # fmt: skip
    (message,) = [each for each in receiver.told if each.verified(secret) == paid]
    assert message.headers["webhook-id"] == paid["id"]
    assert message.headers["content-type"] == "application/json"
    event = await shop.row("event", paid["id"])
    assert datetime.fromisoformat(paid["timestamp"]) == event["created_at"]
    # Told once: there is nothing more to do.
    assert await sending.drain() == 0
    assert {row["status"] for row in await shop.rows("delivery")} == {"delivered"}
    for forged in (message.body + b" ", message.body.replace(b"30000", b"90000")):
        with pytest.raises(WebhookVerificationError):
            type(message)(message.path, message.headers, forged).verified(secret)


async def test_both_secrets_sign_while_they_rotate_and_then_the_new_one_alone(shop, receiver):
    listener, old = await endpoint(shop, receiver)
    new = await shop.batua.listeners.rotate(listener, overlap=timedelta(minutes=4))
    assert new != old
    sending = deliveries(shop)
    await shop.give(100)
    await sending.drain()
    assert receiver.told[-1].verified(old) == receiver.told[-1].verified(new)
    shop.clock.advance(4 * 60)
    await shop.give(100)
    await sending.drain()
    assert receiver.told[-1].verified(new)
    with pytest.raises(WebhookVerificationError):
        receiver.told[-1].verified(old)


async def test_secrets_are_sealed_to_their_row_and_resealed_by_a_new_key(shop, receiver):
    listeners = shop.batua.listeners
    listener, secret = await endpoint(shop, receiver)
    other, _ = await endpoint(shop, receiver)
    await listeners.rotate(listener, overlap=timedelta(days=1))
    rows = await shop.rows("listener")
    assert secret.removeprefix("whsec_") not in str(rows)
    assert await listeners.reseal() == 3
    assert {row["secret"] for row in rows}.isdisjoint(
        row["secret"] for row in await shop.rows("listener")
    )
    # Copied from another endpoint it signs nothing.
    await shop.run(
        "update batua_listener set secret = (select secret from batua_listener where id = $1)"
        " where id = $2",
        other, listener,
    )  # fmt: skip
    await shop.give(100)
    await deliveries(shop).drain()
    assert (await delivery_to(shop, other))["status"] == "delivered"
    broken = await delivery_to(shop, listener)
    assert broken["status"] == "pending"
    assert "was sealed for" in broken["note"]


async def test_without_a_key_no_endpoint_is_added_and_nothing_is_written(sqlite_url, clock):
    async with open_shop(sqlite_url, clock) as shop:
        with pytest.raises(ConfigurationError, match="BATUA_ENCRYPTION_KEY"):
            await shop.batua.listeners.add("https://shop.example/", ["*"])
        await shop.give(100)
        assert await shop.rows("listener") == await shop.rows("event") == []


async def test_whoever_hangs_holds_up_nobody_and_is_told_again(shop, receiver):
    hanging = [(await endpoint(shop, receiver, path))[0] for path in ("/hang", "/drip")]
    good, _ = await endpoint(shop, receiver)
    patient = deliveries(shop, limit_s=60)
    await shop.give(100)
    await patient.send_due()
    async with asyncio.timeout(20):
        for path in ("/hang", "/drip"):
            await receiver.until(path)
        while (await delivery_to(shop, good))["status"] != "delivered":  # noqa: ASYNC110 - it asks
            await asyncio.sleep(0.01)
    for listener in hanging:
        row = await delivery_to(shop, listener)
        assert (row["status"], row["attempts"], row["note"]) == ("pending", 1, ""), "it hangs still"
    await patient.stop()
    shop.clock.advance(2 * 60)
    await deliveries(shop, limit_s=0.2).drain()
    soon = shop.clock.now() + timedelta(seconds=RETRY_S[1])
    for listener in hanging:
        row = await delivery_to(shop, listener)
        assert (row["status"], row["attempts"], row["next_attempt_at"]) == ("pending", 2, soon)
        assert row["note"] == "no answer within 0.2 s"


async def test_whoever_does_not_listen_is_told_again_and_holds_up_nobody(shop, receiver):
    paths = {
        "/vanish": "RemoteProtocolError", "/garbage": "RemoteProtocolError",
        "/long-head": "RemoteProtocolError",
        "/redirect": "HTTP 302", "/500": "HTTP 500", "/404": "HTTP 404",
    }  # fmt: skip
    bad = {path: (await endpoint(shop, receiver, path))[0] for path in paths}
    good = [(await endpoint(shop, receiver, path))[0] for path in ("/ok", "/204", "/huge")]
    nobody, _ = await shop.batua.listeners.add("http://127.0.0.1:1/", ["*"])
    inside, _ = await shop.batua.listeners.add("https://10.0.0.1/", ["*"])
    await shop.give(100)
    await deliveries(shop).drain()
    for listener in good:
        assert (await delivery_to(shop, listener))["status"] == "delivered"
    assert receiver.sent < 50_000_000, "nobody reads what is no answer"
    assert len(receiver.of("/ok")) == 1, "a redirect is not followed"
    soon = shop.clock.now() + timedelta(seconds=RETRY_S[0])
    for path, listener in (*bad.items(), ("nobody", nobody), ("inside", inside)):
        row = await delivery_to(shop, listener)
        assert (row["status"], row["attempts"], row["next_attempt_at"]) == ("pending", 1, soon)
        assert paths.get(path, "") in row["note"], path
    assert "ConnectError" in (await delivery_to(shop, nobody))["note"]
    assert "10.0.0.1 is not an address" in (await delivery_to(shop, inside))["note"]


async def test_the_schedule_ends_dead_and_a_replay_begins_anew(shop, receiver, caplog):
    listener, _ = await endpoint(shop, receiver)
    receiver.answers["/ok"] = [500] * 10
    sending = deliveries(shop)
    began = shop.clock.now()
    await shop.give(100)
    for wait_s in RETRY_S:
        await sending.drain()
        before = len(receiver.told)
        shop.clock.advance(wait_s - 1)
        assert await sending.drain() == 0
        assert len(receiver.told) == before
        shop.clock.advance(1)
    await sending.drain()
    dead = await delivery_to(shop, listener)
    assert (dead["status"], dead["attempts"], len(receiver.told)) == ("dead", 10, 10)
    assert "is dead for" in caplog.text
    assert {each.headers["webhook-id"] for each in receiver.told} == {dead["event_id"]}
    assert len({each.body for each in receiver.told}) == 1
    (listed,) = await shop.batua.listeners.list()
    assert (listed["dead"], listed["waiting"]) == (1, 0)
    assert await shop.batua.listeners.replay(listener, since=began) == 1
    await sending.drain()
    assert (await delivery_to(shop, listener))["status"] == "delivered"
    await shop.batua.listeners.replay_one(dead["id"])
    await sending.drain()
    assert len(receiver.told) == 12
    with pytest.raises(NotFound):
        await shop.batua.listeners.replay_one("dlv_none")


async def test_one_that_is_gone_or_fails_for_days_is_told_nothing_more(shop, receiver, caplog):
    gone, _ = await endpoint(shop, receiver, "/410")
    failing, _ = await endpoint(shop, receiver, "/500")
    sending = deliveries(shop)
    began = shop.clock.now()
    await shop.give(100)
    await sending.drain()
    row = await shop.row("listener", gone)
    assert (row["status"], row["note"]) == ("disabled", "it said that it is gone")
    shop.clock.advance(5 * 86_400)
    assert (await shop.row("listener", failing))["status"] == "enabled"
    await sending.drain()
    assert (await shop.row("listener", failing))["status"] == "disabled"
    assert f"listener {failing} is disabled: it has failed since" in caplog.text
    told = len(receiver.told)
    await shop.give(100)
    await sending.drain()
    assert len(receiver.told) == told
    # What has happened meanwhile is not lost.
    receiver.answers["/500"] = [200, 200]
    await shop.batua.listeners.enable(failing)
    assert await shop.batua.listeners.replay(failing, since=began) == 2
    await sending.drain()
    rows = await shop.rows("delivery", f"listener_id = '{failing}'")
    assert [row["status"] for row in rows] == ["delivered"] * 2
    assert (await shop.row("listener", failing))["failing_since"] is None


async def test_one_that_listens_in_between_is_not_one_that_fails_for_days(shop, receiver):
    listener, _ = await endpoint(shop, receiver)
    sending = deliveries(shop)
    for day in range(7):
        receiver.answers["/ok"] = [500]
        await shop.give(100)
        await sending.drain()
        assert (await shop.row("listener", listener))["failing_since"] is not None, day
        shop.clock.advance(86_400)
        await sending.drain()
    row = await shop.row("listener", listener)
    assert (row["status"], row["failing_since"]) == ("enabled", None)


async def test_whoever_is_cut_off_tells_it_again_and_two_tell_it_once(shop, receiver):
    listener, _ = await endpoint(shop, receiver, "/hang")
    first, second = deliveries(shop, limit_s=5), deliveries(shop, limit_s=5)
    await shop.give(100)
    await first.send_due()
    await receiver.until("/hang")
    await second.drain()
    assert len(receiver.told) == 1, "it is leased"
    await first.stop()
    await shop.run("update batua_listener set url = $1", f"http://127.0.0.1:{receiver.port}/ok")
    shop.clock.advance(10)
    await second.drain()
    assert [each.path for each in receiver.told] == ["/hang", "/ok"]
    assert (await delivery_to(shop, listener))["status"] == "delivered"


def certificate(name, folder):
    """A key and a certificate for ``name``, which nobody but itself vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(named)
        .issuer_name(named)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "cert.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


async def test_a_name_is_looked_up_once_checked_and_reached_by_its_certificate(
    sqlite_url, clock, tmp_path
):
    path = certificate("hooks.example", tmp_path)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(path)
    names = []
    serving.sni_callback = lambda _, name, __: names.append(name)
    trusting = ssl.create_default_context(cafile=str(path))
    answers, asked = [["127.0.0.1"]], []

    async def resolve(host, port):
        asked.append((host, port))
        return answers.pop(0)

    own = Addresses(allowed=read_networks("127.0.0.1/32"))
    async with (
        receiving(serving) as receiver,
        open_shop(sqlite_url, clock, encryption_key=KEY) as shop,
    ):
        url = f"https://hooks.example:{receiver.port}/ok"
        _, secret = await shop.batua.listeners.add(url, ["*"])

        async def outcome(addresses, tls, *found):
            answers[:] = list(found)
            asked.clear()
            sending = deliveries(shop, addresses=addresses, resolve=resolve, tls=tls, limit_s=3)
            await shop.give(100)
            await sending.drain()
            row = (await shop.rows("delivery", order="created_at, id"))[-1]
            await shop.run("delete from batua_delivery")
            return row["note"] or row["status"]

        # Rebinding: the second answer is never asked for.
        assert await outcome(own, trusting, ["127.0.0.1"], ["169.254.169.254"]) == "delivered"
        assert asked == [("hooks.example", receiver.port)]
        assert names == ["hooks.example"]
        assert receiver.told[0].headers["host"] == f"hooks.example:{receiver.port}"
        assert receiver.told[0].verified(secret)
        for found in (["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::ffff:127.0.0.1"], []):
            assert "AddressRefused" in await outcome(Addresses(), trusting, found)
        # Somebody who got the name of another.
        strange = ssl.create_default_context(cafile=str(certificate("other.example", tmp_path)))
        assert "CERTIFICATE_VERIFY_FAILED" in await outcome(own, strange, ["127.0.0.1"])
        assert len(receiver.told) == 1


async def test_what_can_not_be_meant_is_refused(shop, receiver):
    listeners = shop.batua.listeners
    for url, events, code in (
        ("http://shop.example\n/", ["*"], "webhook_url_refused"),
        ("ftp://shop.example/", ["*"], "webhook_url_refused"),
        ("https://shop.example/", ["order.payed"], "unknown_event_type"),
        ("https://shop.example/", [], "invalid_request"),
    ):
        with pytest.raises(InvalidRequest) as refused:
            await listeners.add(url, events)
        assert refused.value.code == code
    for act in (listeners.read, listeners.read_endpoint, listeners.enable):
        with pytest.raises(NotFound):
            await act("lst_none")
    await listeners.add("https://shop.example/", ["order.paid"])
    await shop.run(
        "insert into batua_listener (id, kind, url, events, status, note, secret, created_at,"
        " updated_at, version) with recursive n (i) as (select 1 union all select i + 1 from n"
        " where i < 99) select 'lst_' || i, kind, url, events, status, note, secret, created_at,"
        " updated_at, version from batua_listener, n"
    )
    with pytest.raises(Conflict) as full:
        await listeners.add("https://shop.example/", ["*"])
    assert full.value.code == "too_many_endpoints"


async def test_to_try_an_endpoint_needs_no_event(shop, receiver):
    listener, secret = await endpoint(shop, receiver, events=("order.paid",))
    event = Event(
        id="evt_1",
        type=EventType.WEBHOOK_TEST,
        occurred_at=shop.clock.now(),
        data=TrialFact(endpoint=listener),
    )
    await shop.batua.sender.tell(await shop.batua.listeners.read_endpoint(listener), event)
    assert receiver.told[0].verified(secret)["data"] == {"endpoint": listener}
    assert await shop.rows("delivery") == []
