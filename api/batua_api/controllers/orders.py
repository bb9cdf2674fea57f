"""Orders: created, paid, cancelled, refunded."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromPath, FromQuery, QueryParameter, RawBody

from batua.bootstrap import Batua
from batua.database import Row
from batua.errors import Forbidden, InvalidRequest
from batua.orders import NewOrder
from batua.payments import NewRefund
from batua.wallets import require_customer_id
from batua_api.access import ApiRequest, money_of, require_owner, shop_of
from batua_api.auth import Permission, Principal, Role, Scope, allow, staff_at_least
from batua_api.bodies import KeyUse, body_of, decode_body, decode_proof
from batua_api.documenting import BODY, KEYED, Documented, answers
from batua_api.idempotency import answer, claim_of
from batua_api.paging import LIMIT_MAX, page_of, read_cursor
from batua_api.returning import check_return_url
from batua_api.schemas import (
    CreateOrder,
    Nothing,
    OrderPage,
    OrderPaymentView,
    OrderView,
    Page,
    PaymentProof,
    PayOrder,
    RefundOrder,
    RefundView,
)
from batua_api.straight import STRAIGHT
from batua_api.views import order_payment_view, order_view, refund_view

__all__ = ["OrderController"]


class OrderController(Controller):
    """An order is paid once: from the wallet, by a gateway, or split between both."""

    path = "/orders"
    tags = ("Orders",)

    @post(
        operation_id="create_order",
        summary="Create order",
        opt=allow(Scope.CUSTOMER, Scope.SERVICE, permission=Permission.ORDERS_WRITE) | STRAIGHT,
        operation_class=body_of(CreateOrder, key=KeyUse.WITH_PAYMENT),
        responses=answers(OrderView, *KEYED, 402, status=201, says="Pending, or paid"),
    )
    async def create(self, request: ApiRequest, body: RawBody) -> Response[bytes]:
        """Create an order; with ``pay_with: "wallet"`` it is paid in the same stroke."""
        shop = shop_of(request)
        wanted = decode_body(body, CreateOrder)
        new = NewOrder(
            id=shop.new_id("ord"),
            reference=wanted.reference,
            customer_id=require_customer_id(_customer(shop, request.user, wanted.customer)),
            money=money_of(wanted.amount, wanted.currency),
            description=wanted.description,
            items=msgspec.json.encode(wanted.items or []).decode(),
            created_by=request.user.actor,
        )
        await shop.identity.revocations.require_enabled(new.customer_id)
        pay = wanted.pay_with == "wallet"
        claim = claim_of(request, wanted, order_view, is_required=pay)
        return await answer(lambda: shop.orders.create(new, claim, pay=pay), is_one_operation=True)

    @get(
        operation_id="list_orders",
        summary="List orders",
        opt=allow(*Scope, permission=Permission.ORDERS_READ),
        operation_class=Documented,
        responses=answers(OrderPage),
    )
    async def list_orders(
        self,
        request: ApiRequest,
        customer: FromQuery[str | None] = None,
        status: FromQuery[str | None] = None,
        reference: FromQuery[str | None] = None,
        cursor: FromQuery[str | None] = None,
        limit: Annotated[int, QueryParameter(ge=1, le=LIMIT_MAX)] = 50,
    ) -> Page:
        """Orders, newest first: one's own, or for staff and services everybody's."""
        shop = shop_of(request)
        owner = request.user.id if request.user.scope is Scope.CUSTOMER else customer
        rows = await shop.orders.page(
            owner, status, reference, before=read_cursor(cursor), limit=limit + 1
        )
        return page_of(rows, limit, order_view, key="id")

    @get(
        "/{order_id:str}",
        operation_id="get_order",
        summary="Get order",
        opt=allow(*Scope, permission=Permission.ORDERS_READ),
        operation_class=Documented,
        responses=answers(OrderView, 404),
    )
    async def read(self, request: ApiRequest, order_id: FromPath[str]) -> OrderView:
        """One order."""
        return order_view(await self._own(request, order_id))

    @post(
        "/{order_id:str}/payments",
        operation_id="pay_order",
        summary="Pay order",
        opt=allow(Scope.CUSTOMER) | STRAIGHT,
        operation_class=body_of(PayOrder, key=KeyUse.REQUIRED),
        responses=answers(
            OrderPaymentView, *KEYED, 402, 404, 502, status=201, says="Paid, or to be paid there"
        ),
    )
    async def pay(
        self, request: ApiRequest, order_id: FromPath[str], body: RawBody
    ) -> Response[bytes]:
        """Pay a pending order: from the wallet, by a gateway's checkout, or split between both."""
        shop = shop_of(request)
        wanted = decode_body(body, PayOrder)
        claim = claim_of(request, wanted, order_payment_view)
        await self._own(request, order_id)
        if wanted.method == "wallet":
            actor = request.user.actor
            return await answer(
                lambda: shop.orders.pay_from_wallet(order_id, claim, actor=actor),
                is_one_operation=True,
            )
        gateway = wanted.gateway
        if gateway is None:
            raise InvalidRequest("Say which gateway to pay with.", pointer="/gateway")
        return_url = check_return_url(wanted.return_url, shop.settings.public_url)
        if wanted.method == "split":
            actor = request.user.actor
            return await answer(
                lambda: shop.orders.pay_split(order_id, gateway, return_url, claim, actor=actor)
            )
        return await answer(
            lambda: shop.orders.pay_by_gateway(order_id, gateway, return_url, claim)
        )

    @post(
        "/{order_id:str}/payments/{payment_id:str}/confirm",
        operation_id="confirm_order_payment",
        summary="Confirm order payment",
        status_code=200,
        opt=allow(Scope.CUSTOMER),
        operation_class=body_of(PaymentProof),
        responses=answers(OrderPaymentView, *BODY, 404, 409, 502),
    )
    async def confirm(
        self, request: ApiRequest, order_id: FromPath[str], payment_id: FromPath[str], body: RawBody
    ) -> OrderPaymentView:
        """What the browser brought back: checked, then the provider is asked."""
        await self._own(request, order_id)
        proof = decode_proof(body)
        return order_payment_view(
            await shop_of(request).orders.confirm(order_id, payment_id, proof)
        )

    @post(
        "/{order_id:str}/refunds",
        operation_id="refund_order",
        summary="Refund order",
        opt=staff_at_least(Role.SUPPORT) | STRAIGHT,
        operation_class=body_of(RefundOrder, key=KeyUse.REQUIRED),
        responses=answers(RefundView, *KEYED, 402, 404, 502, status=201, says="The refund"),
    )
    async def refund(
        self, request: ApiRequest, order_id: FromPath[str], body: RawBody
    ) -> Response[bytes]:
        """Refund an order, whole or in part, to the wallet, to the source, or as it was paid."""
        shop = shop_of(request)
        wanted = decode_body(body, RefundOrder)
        claim = claim_of(request, wanted, refund_view)
        new = NewRefund(
            id=shop.new_id("ref"),
            amount=wanted.amount,
            reason=wanted.reason,
            requested_by=request.user.actor,
            approval_limit=shop.settings.approval_limit,
        )
        await shop.orders.read(order_id)
        return await answer(lambda: shop.orders.refund(order_id, wanted.to, new, claim))

    @post(
        "/{order_id:str}/cancel",
        operation_id="cancel_order",
        summary="Cancel order",
        status_code=200,
        opt=allow(Scope.CUSTOMER, Scope.STAFF) | STRAIGHT,
        operation_class=body_of(Nothing, is_required=False, key=KeyUse.OPTIONAL),
        responses=answers(OrderView, *KEYED, 404),
    )
    async def cancel(
        self, request: ApiRequest, order_id: FromPath[str], body: RawBody
    ) -> Response[bytes]:
        """Cancel a pending order."""
        shop = shop_of(request)
        if request.user.scope is Scope.STAFF and not request.user.may(Role.SUPPORT):
            raise Forbidden("forbidden", "This needs a staff token with role support or above.")
        wanted = decode_body(body, Nothing)
        claim = claim_of(request, wanted, order_view, status=200, is_required=False)
        await self._own(request, order_id)
        return await answer(lambda: shop.orders.cancel(order_id, claim), is_one_operation=True)

    async def _own(self, request: ApiRequest, order_id: str) -> Row:
        order = await shop_of(request).orders.read(order_id)
        return require_owner(request.user, order, "order")


def _customer(shop: Batua, principal: Principal, named: str | None) -> str:
    if principal.scope is Scope.SERVICE:
        if named is None:
            raise InvalidRequest("A service says whose order it is.", pointer="/customer")
        return named
    if not shop.settings.customer_orders:
        raise Forbidden(
            "customer_orders_off",
            "Customers can't create orders here: whoever creates an order sets its price. "
            "Create it with a service token, or set BATUA_CUSTOMER_ORDERS=on.",
        )
    if named not in {None, principal.id}:
        raise Forbidden("forbidden", "A customer can only order for themselves.")
    return principal.id
