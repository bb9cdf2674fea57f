"""What staff can do, by the word that the audit log has for it, and who may."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from batua.audit import Actor
from batua.errors import Forbidden
from batua.identity import Role

__all__ = ["ROLES", "Word", "may", "require"]


class Word(StrEnum):
    """One kind of act."""

    REFUND_ORDER = "refund_order"
    REFUND_TOP_UP = "refund_top_up"
    DECIDE_REFUND = "decide_refund"
    ADJUST_WALLET = "adjust_wallet"
    DECIDE_ADJUSTMENT = "decide_adjustment"
    FREEZE_WALLET = "freeze_wallet"
    UNFREEZE_WALLET = "unfreeze_wallet"
    CANCEL_ORDER = "cancel_order"
    CAPTURE_PAYMENT = "capture_payment"
    VOID_PAYMENT = "void_payment"
    RELEASE_SUSPENSE = "release_suspense"
    REFUND_SUSPENSE = "refund_suspense"
    RESOLVE_DISPUTE = "resolve_dispute"
    REPLAY_WEBHOOK = "replay_webhook"
    RETRY_NOTIFICATION = "retry_notification"
    SET_GATEWAY_STATE = "set_gateway_state"
    SET_GATEWAY_SETTING = "set_gateway_setting"
    CREATE_STAFF = "create_staff"
    SET_STAFF_ROLE = "set_staff_role"
    DISABLE_STAFF = "disable_staff"
    ENABLE_STAFF = "enable_staff"
    RESET_STAFF_PASSWORD = "reset_staff_password"  # noqa: S105 - a word, not a password
    RESET_STAFF_MFA = "reset_staff_mfa"
    # Of oneself, and whoever may come in may do it.
    SIGN_IN = "sign_in"
    SIGN_OUT = "sign_out"
    CHANGE_PASSWORD = "change_password"  # noqa: S105 - a word, not a password
    ENROL_MFA = "enrol_mfa"
    REMOVE_MFA = "remove_mfa"


ROLES: Mapping[Word, Role] = MappingProxyType(
    {
        Word.REFUND_ORDER: Role.SUPPORT,
        Word.REFUND_TOP_UP: Role.SUPPORT,
        Word.CANCEL_ORDER: Role.SUPPORT,
        Word.REPLAY_WEBHOOK: Role.SUPPORT,
        Word.RETRY_NOTIFICATION: Role.SUPPORT,
        Word.FREEZE_WALLET: Role.SUPPORT,
        Word.UNFREEZE_WALLET: Role.FINANCE,
        Word.DECIDE_REFUND: Role.FINANCE,
        Word.ADJUST_WALLET: Role.FINANCE,
        Word.DECIDE_ADJUSTMENT: Role.FINANCE,
        Word.CAPTURE_PAYMENT: Role.FINANCE,
        Word.VOID_PAYMENT: Role.FINANCE,
        Word.RELEASE_SUSPENSE: Role.FINANCE,
        Word.REFUND_SUSPENSE: Role.FINANCE,
        Word.RESOLVE_DISPUTE: Role.FINANCE,
        Word.SET_GATEWAY_STATE: Role.OWNER,
        Word.SET_GATEWAY_SETTING: Role.OWNER,
        Word.CREATE_STAFF: Role.OWNER,
        Word.SET_STAFF_ROLE: Role.OWNER,
        Word.DISABLE_STAFF: Role.OWNER,
        Word.ENABLE_STAFF: Role.OWNER,
        Word.RESET_STAFF_PASSWORD: Role.OWNER,
        Word.RESET_STAFF_MFA: Role.OWNER,
        Word.SIGN_IN: Role.VIEWER,
        Word.SIGN_OUT: Role.VIEWER,
        Word.CHANGE_PASSWORD: Role.VIEWER,
        Word.ENROL_MFA: Role.VIEWER,
        Word.REMOVE_MFA: Role.VIEWER,
    }
)
"""The least role for each. Anybody may stop money from going out; who lets it go is fewer."""


def may(actor: Actor, word: Word) -> bool:
    """Whether ``actor`` may do this now."""
    return actor.role.reaches(ROLES[word])


def require(actor: Actor, word: Word) -> None:
    """Raises ``Forbidden``, with what to do about it where they could become more than they are."""
    if may(actor, word):
        return
    said = word.replace("_", " ")
    instead = f" {actor.limited}" if actor.limited else ""
    raise Forbidden(
        "forbidden",
        f"To {said} needs the role {ROLES[word]} or above; yours is {actor.role}.{instead}",
    )
