"""The host: its own routes, database and login, and Batua as one plugin among others."""

from __future__ import annotations

import os
import secrets
from typing import Any

from litestar import Litestar, Request, get, post
from litestar.config.csrf import CSRFConfig
from litestar.exceptions import HTTPException, NotAuthorizedException, NotFoundException
from litestar.params import JSONBody
from msgspec import Struct

from batua.errors import Conflict, InsufficientFunds
from batua_api import BatuaPlugin
from host_shop.login import check_password, create_user, customer_of, session_auth
from host_shop.paying import mark_paid, pay
from host_shop.tables import TABLES, Order, Product, Shipment, User

__all__ = ["create_app"]


class Credentials(Struct):
    user: str
    password: str


class Purchase(Struct):
    product: str


@post("/login", status_code=204)
async def login(request: Request[Any, Any, Any], data: JSONBody[Credentials]) -> None:
    """Sign in."""
    if not await check_password(data.user, data.password):
        raise NotAuthorizedException("Wrong name or password.")
    request.set_session({"user": data.user})


@get("/products")
async def products() -> list[dict[str, Any]]:
    """What is sold."""
    return await Product.select().order_by(Product.id)


@get("/orders")
async def orders(request: Request[User, Any, Any]) -> list[dict[str, Any]]:
    """The customer's own orders, and how many parcels went out for each."""
    rows = await Order.select().where(Order.user == request.user.name).order_by(Order.id)
    for row in rows:
        row["shipments"] = await Shipment.count().where(Shipment.order == row["id"])
    return rows


@post("/orders")
async def buy(request: Request[User, Any, Any], data: JSONBody[Purchase]) -> dict[str, str]:
    """Order a product; it is paid by the next route."""
    product = await Product.objects().get(Product.id == data.product)
    if product is None:
        raise NotFoundException(f"There is no product {data.product!r}.")
    id_ = f"H-{secrets.token_hex(8)}"
    await Order.insert(
        Order(id=id_, user=request.user.name, product=product.id, price=product.price)
    )
    return {"id": id_}


@post("/orders/{id_:str}/pay", status_code=202)
async def pay_order(request: Request[User, Any, Any], id_: str) -> None:
    """Pay from the wallet. May be asked for again, whatever became of the first time."""
    order = await Order.objects().get((Order.id == id_) & (Order.user == request.user.name))
    if order is None:
        raise NotFoundException(f"There is no order {id_!r}.")
    try:
        await pay(request.app.state.batua, order)
    except (InsufficientFunds, Conflict) as refusal:
        raise HTTPException(str(refusal), status_code=409) from refusal


async def prepare() -> None:
    """Make the host's own tables and what is in them at first."""
    for table in TABLES:
        await table.create_table(if_not_exists=True)
    if not await Product.exists().where(Product.id == "tea"):
        await Product.insert(Product(id="tea", title="Assam tea, 250 g", price=300_00))
    await create_user("asha", "asha's password")


def create_app() -> Litestar:
    """Batua reads its own settings from BATUA_*; the host's are HOST_SHOP_*."""
    batua = BatuaPlugin(
        with_worker=True,
        authenticate=customer_of,
        hooks={"order.paid": mark_paid},
    )
    return Litestar(
        [login, products, orders, buy, pay_order],
        plugins=[batua],
        on_startup=[prepare],
        on_app_init=[session_auth().on_app_init],
        csrf_config=CSRFConfig(secret=os.environ["HOST_SHOP_SECRET"], exclude=["^/login$"]),
    )
