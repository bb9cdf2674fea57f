"""Where the two meet: the host asks the wallet to pay, and hears when it has paid."""

from __future__ import annotations

from piccolo.engine.sqlite import TransactionType

from batua.bootstrap import Batua
from batua.contract import Money
from batua.events import Event, OrderFact
from host_shop.tables import DB, ORDER_PAID, ORDER_PENDING, Order, Seen, Shipment

__all__ = ["CURRENCY", "mark_paid", "pay"]

CURRENCY = "INR"


async def pay(batua: Batua, order: Order) -> None:
    """Take the price out of the customer's wallet. Called twice, it takes it once.

    Nothing is marked here: a process may be killed between the payment and the mark.
    """
    await batua.host_orders.pay(order.id, order.user, Money(order.price, CURRENCY))


async def mark_paid(event: Event[OrderFact]) -> None:
    """The hook: mark our own order paid and ship it, exactly once.

    Batua calls it at least once. The event's id goes into the same transaction as the effect, so
    that one is never there without the other; whoever comes again finds the id and does nothing.
    """
    async with DB.transaction(transaction_type=TransactionType.immediate):
        if await Seen.exists().where(Seen.event == event.id):
            return
        await Seen.insert(Seen(event=event.id))
        paid = (
            await Order.update({Order.status: ORDER_PAID})
            .where(Order.id == event.data.reference)
            .where(Order.status == ORDER_PENDING)
            .returning(Order.id)
        )
        if paid:  # else it is an order of somebody else's in the same Batua
            await Shipment.insert(Shipment(order=event.data.reference))
