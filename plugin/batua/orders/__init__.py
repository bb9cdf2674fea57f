"""Orders and their payment."""

from batua.orders.hosting import HostOrders
from batua.orders.orders import (
    CancelOrder,
    CreateOrder,
    NewOrder,
    OpenOrderPayment,
    OrderStatus,
    PayFromWallet,
)
from batua.orders.purpose import OrderPurpose
from batua.orders.refunds import RefundTo, RequestOrderRefund
from batua.orders.service import OrderPayment, Orders
from batua.orders.tables import Order

__all__ = [
    "CancelOrder",
    "CreateOrder",
    "HostOrders",
    "NewOrder",
    "OpenOrderPayment",
    "Order",
    "OrderPayment",
    "OrderPurpose",
    "OrderStatus",
    "Orders",
    "PayFromWallet",
    "RefundTo",
    "RequestOrderRefund",
]
