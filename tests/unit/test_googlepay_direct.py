"""Tokens that the shop opens itself: charged once, and nothing of a card is left behind."""

import asyncio
import json
import logging
import traceback
from datetime import timedelta

import httpx
import pytest

from batua.contract import (
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayUnavailable,
    Mode,
)
from batua.gateways.googlepay.seen import SeenInMemory, UsedTokens
from batua.testing.simulators.googlepay import CardDetails, TokenFault
from tests.support.googlepay import (
    KEY,
    NOW_MS,
    OLD_KEY,
    OTHER_ID,
    OUR_ID,
    PAN,
    RUPEES,
    SEALER,
    STATUS,
    Cards,
    Clock,
    Numbers,
    RootKeysAnswer,
    asking,
    confirming,
    data,
    direct,
    fetched,
    front,
    pkcs8,
    point,
    sealed,
)

# --- opening ----------------------------------------------------------------------------


async def test_the_browser_is_told_our_newest_key():
    created = await front(Numbers(), **direct()).create_payment(asking())
    (method,) = json.loads(created.checkout["google_pay"])["allowedPaymentMethods"]
    assert method["tokenizationSpecification"] == {
        "type": "DIRECT",
        "parameters": {"protocolVersion": "ECv2", "publicKey": point(KEY)},
    }
    assert pkcs8(KEY) not in json.dumps(dict(created.checkout))


async def test_a_sealed_card_is_opened_and_charged():
    processor = Numbers()
    card = CardDetails(auth_method="CRYPTOGRAM_3DS", cryptogram="AAAA", eci="05")
    result = await front(processor, **direct()).confirm(confirming(payment_data=sealed(card)))
    assert result.status is STATUS.CAPTURED
    request = processor.request
    assert (request.number, request.cryptogram, request.eci) == (PAN, "AAAA", "05")
    assert (request.expiry_month, request.expiry_year) == (12, 2030)
    assert (request.payment_id, request.provider_reference) == (OUR_ID, "ref_0")
    assert (request.amount, request.kind) == (RUPEES, "google_pay")


async def test_a_token_for_our_older_key_opens_still():
    gateway = front(Numbers(), **direct())
    result = await gateway.confirm(confirming(payment_data=sealed(key=OLD_KEY)))
    assert result.status is STATUS.CAPTURED


async def test_the_older_protocol_is_taken_only_where_it_is_set():
    old = sealed(protocol="ECv1")
    with pytest.raises(GatewayRejected, match="protocol version ECv2"):
        await front(Numbers(), **direct()).confirm(confirming(payment_data=old))
    gateway = front(Numbers(), **direct(protocol_version="ECv1"))
    assert (await gateway.confirm(confirming(payment_data=old))).status is STATUS.CAPTURED


@pytest.mark.parametrize("fault", TokenFault)
async def test_a_faulty_token_moves_nothing(fault):
    processor = Numbers()
    with pytest.raises(GatewayRejected):
        await front(processor, **direct()).confirm(confirming(payment_data=sealed(fault=fault)))
    assert processor.moved == {}


async def test_an_opened_message_pays_no_second_payment():
    processor = Numbers()
    gateway = front(processor, **direct())
    await gateway.confirm(confirming(payment_data=sealed()))
    # Sealed again, so that no byte of the token is the same; the message's id is.
    with pytest.raises(GatewayRejected, match="another payment"):
        await gateway.confirm(confirming(OTHER_ID, "ref_1", payment_data=sealed()))
    assert list(processor.moved) == [OUR_ID]
    again = await gateway.confirm(confirming(payment_data=sealed()))
    assert again == processor.moved[OUR_ID]


async def test_processes_that_share_what_they_saw_share_the_refusal():
    seen, processor = SeenInMemory(), Numbers()
    one = front(processor, seen=seen, **direct())
    two = front(processor, seen=seen, **direct())
    await one.confirm(confirming(payment_data=sealed()))
    with pytest.raises(GatewayRejected, match="another payment"):
        await two.confirm(confirming(OTHER_ID, "ref_1", payment_data=sealed()))


async def test_a_token_that_is_refused_is_not_remembered_as_used():
    clock = Clock()
    gateway = front(Numbers(), clock=clock, **direct())
    with pytest.raises(GatewayRejected):
        await gateway.confirm(confirming(payment_data=sealed(fault=TokenFault.BAD_TAG)))
    result = await gateway.confirm(confirming(OTHER_ID, "ref_1", payment_data=sealed()))
    assert result.provider_payment_id == f"try_{OTHER_ID}"


async def test_a_token_for_the_processor_is_not_opened():
    with pytest.raises(GatewayRejected, match="not of type DIRECT"):
        await front(Numbers(), **direct()).confirm(confirming(payment_data=data()))


@pytest.mark.parametrize("text", ["", "no", '{"keys": []}', '{"keys": [{"keyValue": "x"}]}'])
def test_given_root_keys_must_be_some(text):
    if text:
        with pytest.raises(ValueError, match="root_keys"):
            front(Numbers(), **direct(root_keys=text))
    else:
        # None given: Google's own are fetched, once the first token comes.
        front(Numbers(), **direct(root_keys=text))


def test_private_keys_that_are_none_are_refused_without_being_shown():
    with pytest.raises(ValueError, match="private_keys must be") as refused:
        front(Numbers(), **direct(private_keys="c2VjcmV0"))
    assert "c2VjcmV0" not in str(refused.value)


async def test_without_a_root_key_that_counts_no_token_is_taken():
    clock = Clock()
    gateway = front(Numbers(), clock=clock, **direct())
    clock.now += timedelta(days=7)
    with pytest.raises(GatewayUnavailable, match="no root key"):
        await gateway.confirm(confirming(payment_data=sealed()))


# --- root keys by HTTP ----------------------------------------------------------------------


async def test_fetched_root_keys_are_kept_as_long_as_they_may_be():
    clock = Clock()
    answer = RootKeysAnswer(SEALER.root_keys(NOW_MS), {"cache-control": "max-age=60", "age": "20"})
    gateway = front(Numbers(), clock=clock, answer=answer, **fetched())
    assert answer.asked == 0
    await asyncio.gather(
        *(
            gateway.confirm(confirming(payment_data=sealed(message_id=f"m{one}")))
            for one in range(3)
        )
    )
    assert answer.asked == 1
    clock.now += timedelta(seconds=39)
    await gateway.confirm(confirming(payment_data=sealed()))
    assert answer.asked == 1
    clock.now += timedelta(seconds=1)
    await gateway.confirm(confirming(payment_data=sealed(message_id="m0")))
    assert answer.asked == 2


@pytest.mark.parametrize(
    ("headers", "fresh_s"),
    [
        ({}, 0),
        ({"cache-control": "no-store, max-age=60"}, 0),
        ({"cache-control": "no-cache, max-age=60"}, 0),
        ({"cache-control": "Public, Max-Age=60"}, 60),
        ({"cache-control": "max-age=60", "age": "90"}, 0),
        ({"cache-control": "max-age=60", "age": "x"}, 60),
        ({"cache-control": "max-age=9999999999"}, 604_800),
    ],
)
async def test_how_long_they_may_be_kept_is_what_the_headers_say(headers, fresh_s):
    clock = Clock()
    answer = RootKeysAnswer(SEALER.root_keys(NOW_MS + 14 * 86_400_000), headers)
    gateway = front(Numbers(), clock=clock, answer=answer, **fetched())
    roots = gateway._connection.cards._root_keys
    await roots.current(NOW_MS)
    clock.now += timedelta(seconds=max(0, fresh_s - 1))
    await roots.current(NOW_MS)
    assert answer.asked == (1 if fresh_s else 2)
    clock.now += timedelta(seconds=1)
    await roots.current(NOW_MS)
    assert answer.asked == (2 if fresh_s else 3)


@pytest.mark.parametrize(
    "answer",
    [
        RootKeysAnswer(status=500),
        RootKeysAnswer(SEALER.root_keys(NOW_MS), status=302),
        RootKeysAnswer("<html>"),
        RootKeysAnswer('{"keys": []}'),
        RootKeysAnswer("x" * 70_000),
    ],
    ids=range(5),
)
async def test_root_keys_that_did_not_come_move_nothing(answer):
    processor = Numbers()
    gateway = front(processor, answer=answer, **fetched())
    with pytest.raises(GatewayUnavailable, match="Google"):
        await gateway.confirm(confirming(payment_data=sealed()))
    assert processor.moved == {}


async def test_stale_root_keys_are_not_used_when_google_is_silent():
    clock, processor = Clock(), Numbers()
    answer = RootKeysAnswer(SEALER.root_keys(NOW_MS), {"cache-control": "max-age=60"})
    gateway = front(processor, clock=clock, answer=answer, **fetched())
    await gateway.confirm(confirming(payment_data=sealed()))
    clock.now += timedelta(seconds=60)
    answer.error = httpx.ConnectTimeout("silence")
    with pytest.raises(GatewayUnavailable, match="could not be fetched"):
        await gateway.confirm(confirming(OTHER_ID, "ref_1", payment_data=sealed(message_id="m2")))
    assert list(processor.moved) == [OUR_ID]
    answer.error = None
    await gateway.confirm(confirming(OTHER_ID, "ref_1", payment_data=sealed(message_id="m2")))


async def test_a_test_processor_means_googles_test_keys():
    for mode, path in ((Mode.TEST, "/test/keys.json"), (Mode.LIVE, "paymentmethodtoken/keys.json")):

        class Other(Numbers):
            mode = Mode.TEST

        Other.mode = mode
        gateway = front(Other(), **direct(root_keys=""))
        assert gateway._connection.cards._root_keys._url.endswith(path)


# --- nothing of a card is left behind -------------------------------------------------------


async def test_no_log_error_or_repr_shows_a_card(caplog):
    caplog.set_level(logging.DEBUG)
    processor = Numbers()
    gateway = front(processor, **direct())
    shown = []
    await gateway.confirm(confirming(payment_data=sealed()))
    shown += [repr(processor.request), repr(gateway), repr(gateway._settings)]
    bad = [sealed(fault=fault) for fault in TokenFault]
    bad += [
        sealed(CardDetails(auth_method="NONE")),
        sealed(CardDetails(expiry_month=13)),
        sealed(CardDetails(number=f"{PAN}x")),
    ]
    for payment_data in bad:
        with pytest.raises(GatewayRejected) as refused:
            await gateway.confirm(confirming(payment_data=payment_data))
        shown.append("".join(traceback.format_exception(refused.value)))
        assert refused.value.__cause__ is None
    processor.trouble = GatewayOutcomeUnknown("lost")
    with pytest.raises(GatewayOutcomeUnknown) as unknown:
        await gateway.confirm(confirming(OTHER_ID, "r", payment_data=sealed(message_id="m9")))
    shown.append("".join(traceback.format_exception(unknown.value)))
    kept = [repr(vars(gateway._seen)), repr(vars(gateway._connection.cards))]
    for text in (*shown, *kept, caplog.text):
        assert PAN not in text
        assert pkcs8(KEY) not in text


async def test_a_gateway_token_is_kept_as_a_hash_only(caplog):
    caplog.set_level(logging.DEBUG)
    processor = Cards()
    gateway = front(processor)
    secret = '{"id": "tok_secret"}'
    await gateway.confirm(confirming(payment_data=data(secret)))
    kept = repr(vars(gateway._connection.cards._used))
    assert len(gateway._connection.cards._used._payments) == 1
    for text in (kept, repr(processor.requests), caplog.text):
        assert "tok_secret" not in text


# --- what was seen --------------------------------------------------------------------------


async def test_a_full_memory_takes_no_message_rather_than_forget_one():
    seen = SeenInMemory(most=2)
    for one in ("a", "b"):
        assert await seen.claim(one, OUR_ID, expires_ms=10, now_ms=1)
    with pytest.raises(GatewayUnavailable, match="try again"):
        await seen.claim("c", OTHER_ID, expires_ms=10, now_ms=9)
    assert not await seen.claim("a", OTHER_ID, expires_ms=10, now_ms=9)
    # What has expired can't be used anyway.
    assert await seen.claim("c", OTHER_ID, expires_ms=20, now_ms=10)


def test_the_last_tokens_are_remembered_and_no_more():
    used = UsedTokens(most=2)
    assert used.claim("a", OUR_ID)
    assert used.claim("a", OUR_ID)
    assert not used.claim("a", OTHER_ID)
    assert used.claim("b", OTHER_ID)
    assert used.claim("c", OTHER_ID)
    assert not used.claim("b", OUR_ID)
    assert used.claim("a", OTHER_ID)
