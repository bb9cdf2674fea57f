"""Refunds, as their customer and staff see them."""

from __future__ import annotations

from litestar import Controller, get
from litestar.params import FromPath

from batua_api.access import ApiRequest, require_owner, shop_of
from batua_api.auth import Scope, allow
from batua_api.documenting import Documented, answers
from batua_api.schemas import RefundView
from batua_api.views import refund_view

__all__ = ["RefundController"]


class RefundController(Controller):
    """A refund is asked for at its order or its top-up, and followed here."""

    path = "/refunds"
    tags = ("Refunds",)

    @get(
        "/{refund_id:str}",
        operation_id="get_refund",
        summary="Get refund",
        operation_class=Documented,
        responses=answers(RefundView, 404),
        opt=allow(Scope.CUSTOMER, Scope.STAFF),
    )
    async def read(self, request: ApiRequest, refund_id: FromPath[str]) -> RefundView:
        """One refund."""
        refund = await shop_of(request).orders.read_refund(refund_id)
        return refund_view(require_owner(request.user, refund, "refund"))
