"""The Cloud API's wire format: pure functions between its JSON and the contract's types.

Source, by way of the project's WhatsApp fact sheet of 2026-11-22: requests and answers follow
github facebook/openapi @ecba623b business-messaging-api_v23.0.yaml, webhooks the samples in github
david-lev/pywa @0bcf2f19 (tests/data/updates/message_status.json).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from batua.contract import (
    Delivery,
    DeliveryStatus,
    Notification,
    NotifierError,
    NotifierRejected,
    NotifierUnavailable,
    Template,
)
from batua.notifiers.whatsapp.codes import CODES, OPTED_OUT_CODE, Meaning, Verdict

__all__ = ["PARAMETERS", "clean", "deliveries", "error_of", "message_body", "message_id"]

PARAMETERS: Mapping[Template, tuple[str, ...]] = {
    Template.TOP_UP_SUCCEEDED: ("name", "amount", "balance"),
    Template.ORDER_PAID: ("name", "reference", "amount", "balance"),
    Template.REFUND_SUCCEEDED: ("name", "amount", "reference", "balance"),
}
"""The templates' placeholders in order. By name, because a JSON column may reorder a mapping."""

_STATUSES: Mapping[str, DeliveryStatus] = {
    "sent": DeliveryStatus.SENT,
    "delivered": DeliveryStatus.DELIVERED,
    "read": DeliveryStatus.READ,
    "played": DeliveryStatus.READ,
    "failed": DeliveryStatus.FAILED,
}

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
# Anything as long as a phone number, however it is grouped.
_LONG_NUMBER = re.compile(r"\d(?:[\s().-]{0,2}\d){6,}")
# Anything that may be an access token.
_LONG_WORD = re.compile(r"[A-Za-z0-9_-]{32,}")
# Direction overrides could make a name rewrite the amount that follows it.
_BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_TEXT_CHARS_MAX = 200


def message_body(notification: Notification, *, template: str, language: str) -> dict[str, Any]:
    """The JSON to POST. Raises ``NotifierRejected`` for a bad phone or a missing parameter.

    Only ``language.code`` is sent, as in every example of Meta's. Amounts go as text: the
    provider's own currency parameter counts in thousandths, one more scale to get wrong.
    """
    if not _E164.fullmatch(notification.phone):
        raise NotifierRejected("the phone number is not in E.164 form")
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": notification.phone.removeprefix("+"),
        "type": "template",
        "template": {
            "name": template,
            "language": {"code": language},
            "components": [{"type": "body", "parameters": _parameters(notification)}],
        },
        "biz_opaque_callback_data": notification.id,
    }


def _parameters(notification: Notification) -> list[dict[str, str]]:
    names = PARAMETERS[notification.template]
    missing = [name for name in names if name not in notification.parameters]
    if missing:
        raise NotifierRejected(f"{notification.template} lacks parameters: {', '.join(missing)}")
    return [{"type": "text", "text": clean(notification.parameters[name])} for name in names]


def clean(text: str) -> str:
    """A parameter as Meta takes it: no newline, no tab, no run of spaces, never empty.

    The zero-width joiners stay, because Indian scripts need them; at most 200 characters.
    """
    kept = "".join(" " if _is_unwanted(char) else char for char in text)
    line = " ".join(kept.split())[:_TEXT_CHARS_MAX].rstrip()
    return line if any(unicodedata.category(char)[0] not in "CZ" for char in line) else "-"


def _is_unwanted(char: str) -> bool:
    # Cs are lone surrogates, which no UTF-8 encoder takes.
    return char in _BIDI or unicodedata.category(char) in {"Cc", "Cs"}


def message_id(body: bytes) -> str | None:
    """The wamid in a 200 answer, or None. Nothing else of the answer can be relied on."""
    message = _first(_object(_decoded(body)).get("messages"))
    found = _text(message.get("id"))
    return found or None


def error_of(status: int, body: bytes, *, retry_after: str | None = None) -> NotifierError:
    """The error to raise for an answer that is not a success.

    Meta's code decides. Without one the answer came from something in between, and says nothing
    about the message: then it is worth another try. ``retry_after`` is the header's value.
    """
    wait_s = int(retry_after) if retry_after and re.fullmatch(r"[0-9]{1,6}", retry_after) else None
    error = _object(_object(_decoded(body)).get("error"))
    code = error.get("code")
    if type(code) is not int:
        return NotifierUnavailable(f"WhatsApp answered HTTP {status}", retry_after_s=wait_s)
    meaning = _meaning(code, status=status, is_transient=error.get("is_transient") is True)
    message = f"WhatsApp error {code}: {meaning.text}{_detail(error, code)}"
    if meaning.verdict in {Verdict.NEVER, Verdict.OPTED_OUT}:
        return NotifierRejected(message, opted_out=meaning.verdict is Verdict.OPTED_OUT)
    longest = max(wait_s or 0, meaning.wait_s or 0) or None
    return NotifierUnavailable(message, retry_after_s=longest)


def _meaning(code: int, *, status: int, is_transient: bool) -> Meaning:
    meaning = CODES.get(code)
    if meaning is None:
        may_pass = is_transient or status >= 500 or status in {408, 429}
        return Meaning(Verdict.RETRY if may_pass else Verdict.NEVER, "not in our table")
    if is_transient and meaning.verdict is Verdict.NEVER:
        return Meaning(Verdict.RETRY, meaning.text)
    return meaning


def _detail(error: Mapping[str, Any], code: int) -> str:
    """What Meta adds, without anything that may be a phone number.

    For a refused token Meta may quote the token, so nothing is taken over there.
    """
    details = _text(_object(error.get("error_data")).get("details"))
    return f" ({_redacted(details)})" if details and code not in {0, 190} else ""


def _redacted(text: str) -> str:
    # Redacted before it is cut: half a number would no longer look like one.
    hidden = _LONG_NUMBER.sub("[number]", _LONG_WORD.sub("[hidden]", text))
    return clean(hidden)


def deliveries(body: bytes, *, phone_number_id: str) -> tuple[Delivery, ...]:
    """The statuses of our phone number in a verified webhook, in the order they stand there.

    What we do not know is skipped: Meta adds fields and kinds without notice. ``played`` is
    read. Order is not guaranteed, and ``delivered`` may be left out.
    """
    document = _object(_decoded(body))
    if document.get("object") != "whatsapp_business_account":
        return ()
    found = (_delivery(status) for status in _statuses(document, phone_number_id))
    return tuple(delivery for delivery in found if delivery is not None)


def _statuses(document: Mapping[str, Any], phone_number_id: str) -> Iterator[Mapping[str, Any]]:
    for entry in _objects(document.get("entry")):
        for change in _objects(entry.get("changes")):
            value = _object(change.get("value"))
            ours = _object(value.get("metadata")).get("phone_number_id") == phone_number_id
            if ours and change.get("field") == "messages":
                yield from _objects(value.get("statuses"))


def _delivery(status: Mapping[str, Any]) -> Delivery | None:
    known = _STATUSES.get(_text(status.get("status")))
    reference = _text(status.get("id"))
    if known is None or not reference:
        return None
    errors = tuple(_objects(status.get("errors")))
    first = errors[0] if errors else {}
    return Delivery(
        provider_reference=reference,
        notification_id=_text(status.get("biz_opaque_callback_data")),
        status=known,
        occurred_at=_moment(status.get("timestamp")),
        failure_code=_code(first),
        failure_message=_failure_message(first),
        opted_out=any(_code(error) == str(OPTED_OUT_CODE) for error in errors),
    )


def _code(error: Mapping[str, Any]) -> str:
    code = error.get("code")
    return str(code) if type(code) in {int, str} else ""


def _failure_message(error: Mapping[str, Any]) -> str:
    details = _object(error.get("error_data")).get("details")
    candidates = (_text(details), _text(error.get("message")), _text(error.get("title")))
    return _redacted(next(filter(None, candidates))) if any(candidates) else ""


def _moment(timestamp: object) -> datetime | None:
    # Unix seconds as a string; at most 11 digits keeps fromtimestamp in range.
    if not isinstance(timestamp, str | int) or not re.fullmatch(r"[0-9]{1,11}", str(timestamp)):
        return None
    return datetime.fromtimestamp(int(timestamp), UTC)


def _decoded(body: bytes) -> object:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> Iterable[Mapping[str, Any]]:
    return (item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()


def _first(value: object) -> Mapping[str, Any]:
    return next(iter(_objects(value)), {})


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
