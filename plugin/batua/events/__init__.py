"""Events: what a host and its services are told of, written with the money and told after it."""

from batua.events.addresses import Addresses, new_resolver, read_networks
from batua.events.delivering import Courier, Deliveries, DeliveryFailed
from batua.events.facts import (
    AdjustmentFact,
    CreditFact,
    DisputeFact,
    Event,
    EventType,
    Fact,
    OrderFact,
    RefundFact,
    TopUpFact,
    TrialFact,
    WalletFact,
)
from batua.events.hooks import Hook, HookCaller, Hooks, checked_hooks
from batua.events.keeping import Keeping
from batua.events.listeners import Listeners
from batua.events.recording import Recorder
from batua.events.routing import Router
from batua.events.tables import Delivery, Listener
from batua.events.tables import Event as EventRow
from batua.events.webhooks import WebhookSender, sign

__all__ = [
    "Addresses",
    "AdjustmentFact",
    "Courier",
    "CreditFact",
    "Deliveries",
    "Delivery",
    "DeliveryFailed",
    "DisputeFact",
    "Event",
    "EventRow",
    "EventType",
    "Fact",
    "Hook",
    "HookCaller",
    "Hooks",
    "Keeping",
    "Listener",
    "Listeners",
    "OrderFact",
    "Recorder",
    "RefundFact",
    "Router",
    "TopUpFact",
    "TrialFact",
    "WalletFact",
    "WebhookSender",
    "checked_hooks",
    "new_resolver",
    "read_networks",
    "sign",
]
