"""Customers, for the shop's own service and for staff."""

from __future__ import annotations

from typing import Annotated

from litestar import Controller, Response, get, post, put
from litestar.params import FromQuery, PathParameter, RawBody

from batua.errors import Forbidden
from batua.ledger import Claimed
from batua.wallets import Adjust, read_lots, read_wallet
from batua_api.access import ApiRequest, currency_or_default, money_of, shop_of
from batua_api.auth import (
    Permission,
    Principal,
    Role,
    Scope,
    allow,
    require_permission,
    staff_at_least,
)
from batua_api.bodies import KeyUse, body_of, decode_body
from batua_api.documenting import BODY, KEYED, Documented, answers
from batua_api.idempotency import answer, claim_of
from batua_api.schemas import (
    AdjustmentView,
    CreateAdjustment,
    CustomerView,
    PutCustomer,
    StaffWalletView,
)
from batua_api.views import adjustment_view, staff_wallet_view

__all__ = ["CustomerController"]

CustomerPath = Annotated[str, PathParameter(max_length=128, pattern=r"^[^\x00-\x1f\x7f]+\Z")]


class CustomerController(Controller):
    """What is known of a customer, and what staff do with their wallet."""

    path = "/customers/{customer_id:str}"
    tags = ("Customers",)

    @put(
        operation_id="put_customer",
        summary="Put customer",
        opt=allow(Scope.SERVICE, Scope.STAFF, permission=Permission.CUSTOMERS_WRITE),
        operation_class=body_of(PutCustomer),
        responses=answers(CustomerView, *BODY, 409),
    )
    async def put(
        self, request: ApiRequest, customer_id: CustomerPath, body: RawBody
    ) -> CustomerView:
        """Set the name, phone and consents that notifications need, and who may come in.

        A customer who is not ``enabled`` may do nothing; what comes for them is still taken.
        """
        shop = shop_of(request)
        revocations = shop.identity.revocations
        if request.user.scope is Scope.STAFF and not request.user.may(Role.SUPPORT):
            raise Forbidden("forbidden", "This needs a staff token with role support or above.")
        wanted = decode_body(body, PutCustomer)
        if wanted.enabled is not None:
            _require_may_disable(request.user)
        customer = await shop.customers.put(
            customer_id,
            name=wanted.name,
            phone=wanted.phone,
            consents={str(channel): given for channel, given in wanted.consents.items()},
            source=request.user.actor,
        )
        if wanted.enabled is not None:
            switch = revocations.enable if wanted.enabled else revocations.disable
            await switch(customer_id, by=request.user.actor)
        return CustomerView(
            id=customer["id"],
            name=customer["name"],
            phone=customer["phone"],
            consents=await shop.customers.consents(customer_id),
            enabled=await revocations.is_enabled(customer_id),
        )

    @get(
        "/wallet",
        operation_id="get_customer_wallet",
        summary="Get customer wallet",
        operation_class=Documented,
        responses=answers(StaffWalletView),
        opt=staff_at_least(Role.VIEWER),
    )
    async def wallet(
        self,
        request: ApiRequest,
        customer_id: CustomerPath,
        currency: FromQuery[str | None] = None,
    ) -> StaffWalletView:
        """A customer's wallet: zeros before its first use."""
        shop = shop_of(request)
        code = currency_or_default(shop, currency)
        wallet = await read_wallet(shop.database, customer_id, code)
        return staff_wallet_view(wallet, await read_lots(shop.database, wallet))

    @post(
        "/adjustments",
        operation_id="adjust_wallet",
        summary="Adjust wallet",
        opt=staff_at_least(Role.FINANCE),
        operation_class=body_of(CreateAdjustment, key=KeyUse.REQUIRED),
        responses=answers(
            AdjustmentView, *KEYED, 402, status=201, says="Posted, or awaiting approval"
        ),
    )
    async def adjust(
        self, request: ApiRequest, customer_id: CustomerPath, body: RawBody
    ) -> Response[bytes]:
        """Give to a wallet or take from it, with a reason code. Needs an Idempotency-Key."""
        shop = shop_of(request)
        wanted = decode_body(body, CreateAdjustment)
        operation = Adjust(
            id=shop.new_id("adj"),
            customer_id=customer_id,
            money=money_of(wanted.amount, wanted.currency or shop.settings.currency),
            direction=wanted.direction,
            kind=wanted.kind,
            expires_at=wanted.expires_at,
            reason_code=wanted.reason_code,
            note=wanted.note,
            requested_by=request.user.actor,
            approval_limit=shop.settings.approval_limit,
            newcomers=shop.newcomers,
            new_id=shop.new_id,
            rules=shop.wallet_rules,
        )
        claim = claim_of(request, wanted, adjustment_view)
        return await answer(
            lambda: shop.engine.submit(Claimed(operation, claim)), is_one_operation=True
        )


def _require_may_disable(principal: Principal) -> None:
    """Raises ``Forbidden``: to shut somebody out, or to let them in again, takes more."""
    if principal.scope is Scope.SERVICE:
        require_permission(principal, Permission.CUSTOMERS_DISABLE)
    elif not principal.may(Role.FINANCE):
        raise Forbidden("forbidden", "This needs a staff token with role finance or above.")
