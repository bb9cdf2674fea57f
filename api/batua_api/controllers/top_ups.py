"""Top-ups: money from outside into one's wallet."""

from __future__ import annotations

from litestar import Controller, Response, get, post
from litestar.params import FromPath, RawBody

from batua.payments import NewRefund
from batua.wallets import OpenedTopUp
from batua_api.access import ApiRequest, money_of, require_owner, shop_of
from batua_api.auth import Role, Scope, allow, staff_at_least
from batua_api.bodies import KeyUse, body_of, decode_body, decode_proof
from batua_api.documenting import BODY, KEYED, Documented, answers
from batua_api.idempotency import answer, claim_of
from batua_api.returning import check_return_url
from batua_api.schemas import CreateTopUp, PaymentProof, RefundTopUp, RefundView, TopUpView
from batua_api.straight import STRAIGHT
from batua_api.views import refund_view, top_up_view

__all__ = ["TopUpController"]


class TopUpController(Controller):
    """A top-up is opened here, paid at the provider and credited by its webhook."""

    path = "/topups"
    tags = ("Top-ups",)

    @post(
        operation_id="create_top_up",
        summary="Create top-up",
        opt=allow(Scope.CUSTOMER) | STRAIGHT,
        operation_class=body_of(CreateTopUp, key=KeyUse.REQUIRED),
        responses=answers(TopUpView, *KEYED, 502, status=201, says="Pending: pay it there"),
    )
    async def create(self, request: ApiRequest, body: RawBody) -> Response[bytes]:
        """Open a top-up and get the way to its checkout. Needs an Idempotency-Key."""
        shop = shop_of(request)
        wanted = decode_body(body, CreateTopUp)
        money = money_of(wanted.amount, wanted.currency)
        return_url = check_return_url(wanted.return_url, shop.settings.public_url)
        claim = claim_of(request, wanted, top_up_view)
        return await answer(
            lambda: shop.top_ups.open(request.user.id, money, wanted.gateway, return_url, claim)
        )

    @get(
        "/{top_up_id:str}",
        operation_id="get_top_up",
        summary="Get top-up",
        opt=allow(Scope.CUSTOMER, Scope.STAFF),
        operation_class=Documented,
        responses=answers(TopUpView, 404),
    )
    async def read(self, request: ApiRequest, top_up_id: FromPath[str]) -> TopUpView:
        """One top-up."""
        return top_up_view(await self._own(request, top_up_id))

    @post(
        "/{top_up_id:str}/confirm",
        operation_id="confirm_top_up",
        summary="Confirm top-up",
        status_code=200,
        opt=allow(Scope.CUSTOMER),
        operation_class=body_of(PaymentProof),
        responses=answers(TopUpView, *BODY, 404, 409, 502),
    )
    async def confirm(
        self, request: ApiRequest, top_up_id: FromPath[str], body: RawBody
    ) -> TopUpView:
        """What the browser brought back: checked, then the provider is asked."""
        await self._own(request, top_up_id)
        shop = shop_of(request)
        await shop.top_ups.confirm(top_up_id, decode_proof(body))
        return top_up_view(await shop.top_ups.opened(top_up_id))

    @post(
        "/{top_up_id:str}/refunds",
        operation_id="refund_top_up",
        summary="Refund top-up",
        opt=staff_at_least(Role.SUPPORT) | STRAIGHT,
        operation_class=body_of(RefundTopUp, key=KeyUse.REQUIRED),
        responses=answers(RefundView, *KEYED, 402, 404, 502, status=201, says="Refund"),
    )
    async def refund(
        self, request: ApiRequest, top_up_id: FromPath[str], body: RawBody
    ) -> Response[bytes]:
        """Give a top-up back to its source. Needs an Idempotency-Key."""
        shop = shop_of(request)
        wanted = decode_body(body, RefundTopUp)
        claim = claim_of(request, wanted, refund_view)
        new = NewRefund(
            id=shop.new_id("ref"),
            amount=wanted.amount,
            reason=wanted.reason,
            requested_by=request.user.actor,
            approval_limit=shop.settings.approval_limit,
        )
        await shop.top_ups.read(top_up_id)
        return await answer(lambda: shop.top_ups.refund(top_up_id, new, claim))

    async def _own(self, request: ApiRequest, top_up_id: str) -> OpenedTopUp:
        shop = shop_of(request)
        require_owner(request.user, await shop.top_ups.read(top_up_id), "top-up")
        return await shop.top_ups.opened(top_up_id)
