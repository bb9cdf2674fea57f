"""Whose is it: another's thing does not exist."""

from __future__ import annotations

from typing import Any

from litestar import Request

from batua.bootstrap import Batua
from batua.contract import Money, is_currency
from batua.database import Row
from batua.errors import InvalidRequest, NotFound
from batua_api.auth import Principal, Scope

__all__ = ["ApiRequest", "currency_or_default", "money_of", "require_owner", "shop_of"]

ApiRequest = Request[Principal, Any, Any]


def shop_of(request: Request[Any, Any, Any]) -> Batua:
    """The shop that this app serves."""
    shop: Batua = request.app.state.batua
    return shop


def require_owner(principal: Principal, row: Row, noun: str) -> Row:
    """The row, if it is the caller's own or the caller is staff or a service.

    Raises ``NotFound`` for another customer's.
    """
    if principal.scope is Scope.CUSTOMER and row["customer_id"] != principal.id:
        raise NotFound(noun, row["id"])
    return row


def currency_or_default(shop: Batua, currency: str | None) -> str:
    """The currency asked for, or the shop's own. Raises ``InvalidRequest``."""
    if currency is None:
        return shop.settings.currency
    if not is_currency(currency):
        raise InvalidRequest(
            f"{currency!r} is not an ISO 4217 currency in use.",
            pointer="/currency",
            code="unknown_currency",
        )
    return currency


def money_of(amount: int, currency: str) -> Money:
    """An amount out of a body. Raises ``InvalidRequest``: ``unknown_currency``."""
    if not is_currency(currency):
        raise InvalidRequest(
            f"{currency!r} is not an ISO 4217 currency in use.",
            pointer="/currency",
            code="unknown_currency",
        )
    return Money(amount, currency)
