"""The WhatsApp wire format against Meta's own examples and signed vectors."""

import hashlib
import hmac
import json
import logging
from datetime import UTC, datetime
from pathlib import Path

import httpx
import msgspec
import pytest
import requests

from batua.contract import (
    DeliveryStatus,
    Notification,
    Notifier,
    NotifierRejected,
    NotifierUnavailable,
    ReportsDelivery,
    Template,
    Transport,
    WebhookRejected,
    WebhookRequest,
)
from batua.notifiers.console import ConsoleNotifier, ConsoleSettings
from batua.notifiers.whatsapp import WhatsAppNotifier, WhatsAppSettings
from batua.notifiers.whatsapp.codes import CODES, DAY_S, Verdict
from batua.notifiers.whatsapp.wire import clean, deliveries, error_of, message_body, message_id

VECTORS = Path(__file__).parents[1] / "vectors" / "whatsapp"
SENDS = json.loads((VECTORS / "send_template_examples.json").read_text())
SIGNATURES = json.loads((VECTORS / "signatures.json").read_text())["vectors"]
STATUSES = json.loads((VECTORS / "status_webhooks.json").read_text())["payloads"]
PHONE_ID = "1122334455667"
PHONE = "+919876543210"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
SETTINGS = WhatsAppSettings(
    phone_number_id=PHONE_ID, access_token="EAAGtoken", app_secret="meta_app_secret_test"
)
PARAMETERS = {
    Template.TOP_UP_SUCCEEDED: {"name": "Asha", "amount": "₹500.00", "balance": "₹900.00"},
    Template.ORDER_PAID: {
        "name": "Asha", "reference": "A-17", "amount": "₹500.00", "balance": "₹400.00"
    },
    Template.REFUND_SUCCEEDED: {
        "name": "Asha", "amount": "₹500.00", "reference": "A-17", "balance": "₹900.00"
    },
}  # fmt: skip


def notification(template=Template.TOP_UP_SUCCEEDED, **changes):
    parts = {
        "id": "ntf_1",
        "template": template,
        "phone": PHONE,
        "language": "",
        "parameters": PARAMETERS[template],
    }
    return Notification(**{**parts, **changes})


def transport(http=None):
    async def run_blocking(call):
        return call()

    return Transport(
        http=http, session=requests.Session(), run_blocking=run_blocking, timeout_s=2.0,
        now=lambda: NOW,
    )  # fmt: skip


def notifier(**changes):
    return WhatsAppNotifier(msgspec.structs.replace(SETTINGS, **changes), transport())


def signed(body: bytes, secret: str = SETTINGS.app_secret) -> WebhookRequest:
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return webhook(body, f"sha256={digest}")


def webhook(body: bytes, header: str | None) -> WebhookRequest:
    headers = {} if header is None else {"x-hub-signature-256": header}
    return WebhookRequest(body=body, headers=headers, received_at=NOW)


def graph_error(code, **more):
    return json.dumps({"error": {"message": "m", "type": "OAuthException", "code": code, **more}})


def change(statuses, *, phone_id=PHONE_ID, field="messages"):
    value = {"metadata": {"phone_number_id": phone_id}, "statuses": statuses}
    return {"field": field, "value": value}


def document(*changes, entries=1):
    entry = [{"id": "waba", "changes": list(changes)}] * entries
    return json.dumps({"object": "whatsapp_business_account", "entry": entry}).encode()


# --- sending -----------------------------------------------------------------------------------


@pytest.mark.parametrize("template", list(Template))
def test_body_has_the_shape_of_metas_text_template_example(template):
    example = SENDS["requests"]["Send Message Template Text"]
    body = message_body(notification(template), template="t", language="en")
    assert set(body) - {"biz_opaque_callback_data"} == set(example)
    assert set(body["template"]) == set(example["template"])
    assert body["template"]["language"].keys() == example["template"]["language"].keys()
    [component] = body["template"]["components"]
    shown = example["template"]["components"][0]
    assert component.keys() == shown.keys()
    assert component["type"] == shown["type"] == "body"
    assert component["parameters"][0].keys() == shown["parameters"][0].keys()
    for name in ("messaging_product", "recipient_type", "type"):
        assert body[name] == example[name]


def test_body_carries_digits_and_our_id():
    body = message_body(notification(), template="wallet_top_up", language="en")
    assert body["to"] == "919876543210"
    assert body["biz_opaque_callback_data"] == "ntf_1"


@pytest.mark.parametrize(
    ("template", "texts"),
    [
        (Template.TOP_UP_SUCCEEDED, ["Asha", "₹500.00", "₹900.00"]),
        (Template.ORDER_PAID, ["Asha", "A-17", "₹500.00", "₹400.00"]),
        (Template.REFUND_SUCCEEDED, ["Asha", "₹500.00", "A-17", "₹900.00"]),
    ],
)
def test_parameters_stand_in_the_templates_order_whatever_the_mappings(template, texts):
    shuffled = dict(sorted(PARAMETERS[template].items(), reverse=True))
    body = message_body(notification(template, parameters=shuffled), template="t", language="en")
    parameters = body["template"]["components"][0]["parameters"]
    assert parameters == [{"type": "text", "text": text} for text in texts]


@pytest.mark.parametrize("phone", ["9876543210", "+0123456789", "+91 98765 43210", "", "+91x"])
def test_bad_phone_is_refused_without_being_quoted(phone):
    with pytest.raises(NotifierRejected) as caught:
        message_body(notification(phone=phone), template="t", language="en")
    assert not phone or phone not in str(caught.value)


def test_missing_parameter_is_refused():
    with pytest.raises(NotifierRejected, match="lacks parameters: amount, balance"):
        message_body(notification(parameters={"name": "Asha"}), template="t", language="en")


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Asha\nRao", "Asha Rao"),
        ("Asha\t\r\n  Rao", "Asha Rao"),
        ("a       b", "a b"),
        ("", "-"),
        (" \n ", "-"),
        ("\u200b\u200d", "-"),
        ("\u202eevil\u202c", "evil"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("क्\u200dष", "क्\u200dष"),
        ("₹\u00a0500.00", "₹ 500.00"),
        ("x" * 500, "x" * 200),
    ],
)
def test_text_is_cleaned(text, cleaned):
    assert clean(text) == cleaned


# --- answers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", SENDS["responses"].values(), ids=SENDS["responses"])
def test_each_of_metas_answers_yields_its_message_id(answer):
    assert message_id(json.dumps(answer).encode()) == answer["messages"][0]["id"]


@pytest.mark.parametrize("status", SENDS["message_status_enum"]["enum"])
def test_message_status_and_missing_contacts_change_nothing(status):
    assert message_id(json.dumps({"messages": [{"id": "w", "message_status": status}]}).encode())


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"messages":[]}', b'{"messages":[{"id":1}]}', b"\xff"]
)
def test_answer_without_id_is_none(body):
    assert message_id(body) is None


@pytest.mark.parametrize("code", CODES)
def test_every_code_in_the_table_has_its_error(code):
    meaning = CODES[code]
    error = error_of(400, graph_error(code).encode())
    assert str(code) in str(error)
    assert meaning.text in str(error)
    if meaning.verdict in {Verdict.NEVER, Verdict.OPTED_OUT}:
        assert isinstance(error, NotifierRejected)
        assert error.opted_out is (code == 131050)
    else:
        assert isinstance(error, NotifierUnavailable)
        assert error.retry_after_s == meaning.wait_s


def test_table_has_the_sheets_examples():
    assert CODES[131049] == (Verdict.LATER, CODES[131049].text, DAY_S)
    assert CODES[131056].wait_s == 6
    assert {CODES[code].verdict for code in (4, 80007, 130429)} == {Verdict.RETRY}
    assert {CODES[code].verdict for code in (190, 250, 132001, 130472)} == {Verdict.NEVER}


@pytest.mark.parametrize(
    ("status", "more", "kind"),
    [
        (400, {}, NotifierRejected),
        (400, {"is_transient": True}, NotifierUnavailable),
        (500, {}, NotifierUnavailable),
        (429, {}, NotifierUnavailable),
        (408, {}, NotifierUnavailable),
    ],
)
def test_unknown_code_goes_by_status_and_is_transient(status, more, kind):
    assert type(error_of(status, graph_error(999_999, **more).encode())) is kind


def test_transient_error_of_a_fatal_code_is_retried_but_not_an_opt_out():
    transient = error_of(400, graph_error(100, is_transient=True).encode())
    assert isinstance(transient, NotifierUnavailable)
    assert error_of(400, graph_error(131050, is_transient=True).encode()).opted_out


def test_code_beats_the_http_status():
    assert isinstance(error_of(500, graph_error(3).encode()), NotifierRejected)


@pytest.mark.parametrize(
    ("header", "wait_s"), [("120", 120), ("soon", None), ("-1", None), (None, None)]
)
def test_answer_from_something_in_between_is_retried(header, wait_s):
    error = error_of(403, b"<html>Forbidden</html>", retry_after=header)
    assert isinstance(error, NotifierUnavailable)
    assert error.retry_after_s == wait_s


@pytest.mark.parametrize("code", ["190", True, None, 1.5])
def test_code_that_is_no_integer_says_nothing(code):
    assert isinstance(error_of(400, graph_error(code).encode()), NotifierUnavailable)


def test_longer_of_two_waits_is_kept():
    assert error_of(400, graph_error(131056).encode(), retry_after="60").retry_after_s == 60
    assert error_of(400, graph_error(131056).encode(), retry_after="1").retry_after_s == 6


@pytest.mark.parametrize("phone", ["919876543210", "+91 98765-43210", "(0)9876 543 210"])
def test_details_lose_phones_and_tokens(phone):
    token = "EAAG" + "x" * 60
    details = {"details": f"{phone} with {token} is bad"}
    text = str(error_of(400, graph_error(131009, error_data=details).encode()))
    assert "is bad" in text
    assert phone not in text
    assert token not in text
    quoted = error_of(401, graph_error(190, error_data={"details": "bad EAAGtoken"}).encode())
    assert "EAAGtoken" not in str(quoted)


# --- webhooks ----------------------------------------------------------------------------------


@pytest.mark.parametrize("vector", SIGNATURES, ids=lambda vector: vector["SOURCE"][-25:])
async def test_each_signature_vector_is_accepted(vector):
    ours = notifier(app_secret=vector["app_secret"])
    body = vector["raw_body"].encode()
    assert isinstance(ours, ReportsDelivery)
    assert isinstance(await ours.verify_webhook(webhook(body, vector["header"])), tuple)


@pytest.mark.parametrize("vector", SIGNATURES, ids=lambda vector: vector["SOURCE"][-25:])
async def test_each_tampered_vector_is_refused(vector):
    ours = notifier(app_secret=vector["app_secret"])
    body, header = vector["raw_body"].encode(), vector["header"]
    flipped = header[:-1] + ("0" if header[-1] != "0" else "1")
    tampered = [
        (body + b" ", header), (body[:-1], header), (body, flipped), (body, header[:-1]),
        (body, header.removeprefix("sha256=")), (body, header.replace("sha256", "sha1")),
        (body, ""), (body, None), (body, "sha256="), (body, "sha256=é"), (body, "\ud800"),
        (body, header + "é"),
    ]  # fmt: skip
    for bad_body, bad_header in tampered:
        with pytest.raises(WebhookRejected):
            await ours.verify_webhook(webhook(bad_body, bad_header))
    other = notifier(app_secret=vector["app_secret"] + "x")
    with pytest.raises(WebhookRejected):
        await other.verify_webhook(webhook(body, header))


async def test_reserialized_body_is_refused():
    vector = SIGNATURES[-1]
    dumped = json.dumps(json.loads(vector["raw_body"])).encode()
    with pytest.raises(WebhookRejected):
        await notifier().verify_webhook(webhook(dumped, vector["header"]))


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("sent", DeliveryStatus.SENT),
        ("delivered", DeliveryStatus.DELIVERED),
        ("read", DeliveryStatus.READ),
        ("played", DeliveryStatus.READ),
        ("failed", DeliveryStatus.FAILED),
        ("with_tracker", DeliveryStatus.SENT),
    ],
)
async def test_each_status_payload_is_read(name, status):
    [delivery] = await notifier().verify_webhook(signed(json.dumps(STATUSES[name]).encode()))
    raw = STATUSES[name]["entry"][0]["changes"][0]["value"]["statuses"][0]
    assert delivery.provider_reference == "wamid.xyzxyz"
    assert delivery.status is status
    assert delivery.occurred_at == datetime.fromtimestamp(int(raw["timestamp"]), UTC)
    assert delivery.notification_id == ("some data" if name == "with_tracker" else "")
    assert delivery.failure_code == ("130472" if name == "failed" else "")
    assert ("experiment" in delivery.failure_message) is (name == "failed")
    assert not delivery.opted_out


def test_group_payload_is_read_for_its_own_number_only():
    body = json.dumps(STATUSES["group"]).encode()
    assert deliveries(body, phone_number_id=PHONE_ID) == ()
    [delivery] = deliveries(body, phone_number_id="<BUSINESS_PHONE_NUMBER_ID>")
    assert delivery.status is DeliveryStatus.READ


def test_several_entries_changes_and_statuses_are_all_read():
    two = [{"id": "a", "status": "sent"}, {"id": "b", "status": "read"}]
    body = document(change(two), change(two), entries=2)
    assert [d.provider_reference for d in deliveries(body, phone_number_id=PHONE_ID)] == [
        *("ab" * 4)
    ]


def test_opt_out_is_seen_in_any_error():
    errors = [{"code": 1}, {"code": 131050, "title": "stop"}]
    body = document(change([{"id": "a", "status": "failed", "errors": errors}]))
    [delivery] = deliveries(body, phone_number_id=PHONE_ID)
    assert delivery.opted_out
    assert delivery.failure_code == "1"


@pytest.mark.parametrize(
    "body",
    [
        b"test", b"", b"\xff", b"[]", b"null", b'{"object":"page"}', b"[" * 100_000,
        b'{"object":"whatsapp_business_account"}',
        b'{"object":"whatsapp_business_account","entry":[1,{"changes":[{"value":2}]}]}',
        document(change([{"id": "a", "status": "sent"}], phone_id="9")),
        document(change([{"id": "a", "status": "sent"}], field="account_update")),
        document(change([{"id": "a", "status": "warning"}, {"status": "sent"}, "x"])),
        document(change([{"id": "a", "status": ["sent"]}])),
    ],
    ids=range(13),
)  # fmt: skip
async def test_signed_but_meaningless_bodies_are_ignored(body):
    assert await notifier().verify_webhook(signed(body)) == ()


@pytest.mark.parametrize("timestamp", [None, "", "soon", "-5", "9" * 30, 1.5, True, []])
def test_unreadable_timestamp_is_none(timestamp):
    body = document(change([{"id": "a", "status": "sent", "timestamp": timestamp}]))
    [delivery] = deliveries(body, phone_number_id=PHONE_ID)
    assert delivery.occurred_at is None


# --- challenge and settings --------------------------------------------------------------------

CHALLENGE = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": "pässwort"}


def test_right_challenge_is_answered():
    assert notifier(verify_token="pässwort").answer_challenge(CHALLENGE) == "1158201444"


@pytest.mark.parametrize(
    "changes",
    [
        {"hub.verify_token": "wrong"}, {"hub.verify_token": ""}, {"hub.verify_token": "\ud800"},
        {"hub.mode": "unsubscribe"}, {"hub.mode": ""},
    ],
)  # fmt: skip
def test_wrong_challenge_is_not_answered(changes):
    assert notifier(verify_token="pässwort").answer_challenge({**CHALLENGE, **changes}) is None


def test_without_a_verify_token_nothing_is_answered():
    assert notifier().answer_challenge({**CHALLENGE, "hub.verify_token": ""}) is None
    assert notifier(verify_token="t").answer_challenge({}) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"phone_number_id": ""}, {"phone_number_id": "1/../2"}, {"access_token": ""},
        {"access_token": "sécret"}, {"access_token": "sec ret\n"}, {"app_secret": ""},
        {"api_version": "23"}, {"language": ""}, {"base_url": "http://graph.facebook.com"},
        {"base_url": "graph.facebook.com"}, {"base_url": "https://u:sécret@graph.facebook.com"},
        {"base_url": "https://graph.facebook.com?x=1"},
    ],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused_without_quoting_secrets(changes):
    with pytest.raises(ValueError, match="must") as caught:
        notifier(**changes)
    assert "cret" not in str(caught.value).replace("app_secret", "")


def test_foreign_settings_are_refused():
    with pytest.raises(TypeError):
        WhatsAppNotifier(ConsoleSettings(), transport())


def test_settings_hide_their_secrets():
    shown = repr(msgspec.structs.replace(SETTINGS, verify_token="verify-me"))
    assert not any(secret in shown for secret in ("EAAG", "meta_app", "verify-me"))
    assert PHONE_ID in shown


# --- sending over a fake wire ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(200, json={}), NotifierUnavailable),
        (httpx.Response(200, text="<html>"), NotifierUnavailable),
        (httpx.Response(302, headers={"location": "https://x"}), NotifierUnavailable),
        (httpx.Response(502, text="<html>"), NotifierUnavailable),
        (httpx.ConnectError(f"no route for {PHONE}"), NotifierUnavailable),
        (httpx.ReadTimeout("EAAGtoken"), NotifierUnavailable),
        (httpx.RemoteProtocolError("gone"), NotifierUnavailable),
    ],
)
async def test_unusable_answers_are_unavailable_and_quote_nothing(answer, kind):
    def respond(_request):
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with httpx.AsyncClient(transport=httpx.MockTransport(respond)) as http:
        with pytest.raises(kind) as caught:
            await WhatsAppNotifier(SETTINGS, transport(http)).send(notification())
    assert PHONE[1:] not in str(caught.value)
    assert "EAAG" not in str(caught.value)


# --- console -----------------------------------------------------------------------------------


async def test_console_writes_one_line_with_a_masked_phone(caplog):
    console = ConsoleNotifier(ConsoleSettings(), transport())
    parameters = {"name": "A\nfake line \x1b[2J", "amount": "₹500.00", "balance": "₹900.00"}
    with caplog.at_level(logging.INFO, logger="batua.notifications"):
        sent = await console.send(notification(parameters=parameters))
    [record] = caplog.records
    assert record.levelno == logging.INFO
    assert record.name == "batua.notifications"
    assert record.getMessage() == (
        "top_up_succeeded to ***********10: name=A fake line [2J, amount=₹500.00, balance=₹900.00"
    )
    assert sent.provider_reference == "console:ntf_1"


@pytest.mark.parametrize(("phone", "shown"), [("", ""), ("+1", "**"), ("+123", "****")])
async def test_console_masks_short_phones_wholly(caplog, phone, shown):
    with caplog.at_level(logging.INFO, logger="batua.notifications"):
        await ConsoleNotifier(ConsoleSettings(), transport()).send(notification(phone=phone))
    assert f" to {shown}: " in caplog.text


def test_notifiers_say_what_they_are():
    assert issubclass(WhatsAppNotifier, Notifier)
    assert issubclass(ConsoleNotifier, Notifier)
    assert (WhatsAppNotifier.channel, WhatsAppNotifier.needs_consent) == ("whatsapp", True)
    assert (ConsoleNotifier.channel, ConsoleNotifier.needs_consent) == ("console", False)
