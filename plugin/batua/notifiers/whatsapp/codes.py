"""What each of Meta's error codes means for a message, as data.

Source: the project's WhatsApp fact sheet of 2026-11-22, which draws on pywa/errors.py (github
david-lev/pywa @0bcf2f19) and on Meta's page, updated 2026-05-15:
https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes
Not tried against the live service.  Meta says there to branch on ``code``, not on titles.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

__all__ = ["CODES", "DAY_S", "OPTED_OUT_CODE", "Meaning", "Verdict"]


class Verdict(StrEnum):
    """What to do with the message that got an error."""

    RETRY = "retry"
    LATER = "later"
    NEVER = "never"
    OPTED_OUT = "opted_out"


class Meaning(NamedTuple):
    """A code's verdict, its meaning for staff, and the least wait in seconds, if there is one."""

    verdict: Verdict
    text: str
    wait_s: int | None = None


DAY_S = 86_400

OPTED_OUT_CODE = 131050

_RETRY: Mapping[int, Meaning] = {
    code: Meaning(Verdict.RETRY, text, wait_s)
    for code, text, wait_s in (
        (2, "the API is down or overloaded", None),
        (4, "the app's rate limit is reached", None),
        (80007, "the business account's rate limit is reached", None),
        (130429, "the phone number's throughput is reached", None),
        # About one message in 6 s to the same person.
        (131056, "too many messages to this person in a short time", 6),
        (131000, "unknown error at the provider", None),
        (131016, "the service is unavailable", None),
        (131057, "the business account is in maintenance", None),
        (133016, "too many registrations of the phone number", None),
    )
}

_LATER: Mapping[int, Meaning] = {
    code: Meaning(Verdict.LATER, text, DAY_S)
    for code, text in (
        # Meta asks for at least 24 hours for the first; the wait of the others is our own choice.
        (131049, "held back to keep the ecosystem healthy"),
        (131048, "the phone number's spam limit is reached"),
        (131064, "a messaging limit is reached"),
    )
}

_NEVER: Mapping[int, Meaning] = {
    code: Meaning(Verdict.NEVER, text)
    for code, text in (
        (0, "the access token is not accepted: renew it"),
        (190, "the access token has expired or is wrong: renew it"),
        (3, "the app lacks a capability or permission"),
        (10, "the app lacks a permission"),
        *((code, "the app lacks a permission") for code in range(200, 300)),
        (368, "the business account is blocked for a policy violation"),
        (131031, "the business account is locked"),
        (130497, "the business account may not message people in this country"),
        (131005, "access is denied"),
        (131008, "a required parameter is missing"),
        (131009, "a parameter's value is not valid"),
        (100, "a parameter is not valid"),
        (131021, "the recipient is the sender"),
        (131030, "the recipient is not on the test number's allow-list"),
        (131042, "the business account has a billing problem"),
        (131045, "the phone number's certificate is not valid"),
        (131051, "the message type is not supported"),
        (132000, "the number of parameters differs from the template's"),
        (132001, "no such template in this language"),
        (132005, "the filled template is too long"),
        (132007, "the template violates a policy"),
        (132012, "a parameter's format differs from the template's"),
        (132015, "the template is paused"),
        (132016, "the template is disabled"),
        (135000, "the request is not valid"),
        (130472, "the recipient is part of an experiment: do not send again"),
        (131026, "undeliverable: the recipient may not be on WhatsApp"),
        (131047, "over 24 hours since the recipient's last message: a template is needed"),
    )
}

CODES: Mapping[int, Meaning] = {
    **_RETRY,
    **_LATER,
    **_NEVER,
    OPTED_OUT_CODE: Meaning(Verdict.OPTED_OUT, "the recipient does not want our messages"),
}
"""Every code that we know. 2 is from Meta's page as quoted at
https://niswey.com/knowledge-base/error-codes-meta (read 2026-11-22)."""
