"""The host's own tables, in its own database: Batua never looks at them."""

from __future__ import annotations

import os

from piccolo.columns import BigInt, Text
from piccolo.engine.sqlite import SQLiteEngine
from piccolo.table import Table

__all__ = [
    "DB",
    "ORDER_PAID",
    "ORDER_PENDING",
    "TABLES",
    "Order",
    "Product",
    "Seen",
    "Shipment",
    "User",
]

DB = SQLiteEngine(path=os.environ.get("HOST_SHOP_DATABASE", "host-shop.sqlite"), timeout=10)

ORDER_PENDING, ORDER_PAID = "pending", "paid"


class User(Table, tablename="shop_user", db=DB):
    """Who may sign in. The name is the customer's id in Batua too."""

    name = Text(primary_key=True)
    salt = Text()
    password = Text()


class Product(Table, tablename="shop_product", db=DB):
    """What is sold. Prices are paise, so that no float is near money."""

    id = Text(primary_key=True)
    title = Text()
    price = BigInt()


class Order(Table, tablename="shop_order", db=DB):
    """The host's own order. Its id is the reference that Batua knows it by."""

    id = Text(primary_key=True)
    user = Text()
    product = Text()
    price = BigInt()
    status = Text(default=ORDER_PENDING)


class Shipment(Table, tablename="shop_shipment", db=DB):
    """A parcel. Nothing but the code keeps an order from getting two of them."""

    order = Text()


class Seen(Table, tablename="shop_seen", db=DB):
    """The events that have had their effect."""

    event = Text(primary_key=True)


TABLES = (User, Product, Order, Shipment, Seen)
