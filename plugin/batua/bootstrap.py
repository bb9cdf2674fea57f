"""The one composition root: everything is built here, and handed to whoever needs it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from random import random
from types import MappingProxyType
from typing import Any

from batua.audit import recorded
from batua.clock import Clock, NewId, new_id, utc_now
from batua.database import Database, open_database
from batua.events import (
    Addresses,
    Deliveries,
    HookCaller,
    Hooks,
    Keeping,
    Listeners,
    Router,
    WebhookSender,
    checked_hooks,
    new_resolver,
    read_networks,
)
from batua.gateway_settings import Follower, GatewaySettings
from batua.identity import Identity
from batua.inbox import Applier, Receiver, Silence
from batua.insight import Counter, Insight
from batua.ledger import Engine, Expiry
from batua.limits import RateLimits, open_rate_limits
from batua.orders import HostOrders, OrderPurpose, Orders
from batua.outbox import Announcer, Outbox
from batua.payments import (
    ByHand,
    Intake,
    PaymentStarter,
    Poller,
    Purposes,
    Refunder,
    Switches,
)
from batua.privacy import Privacy
from batua.reconciliation import Reconciler
from batua.registry import Plugin, Registry
from batua.sealing import Sealer
from batua.settings import Settings, unknown_variables
from batua.signs import Signs
from batua.staff import CaseDesk, Clerk, Desk, GatewayDesk, OrderDesk, PaymentDesk, WalletDesk
from batua.tables import TABLES, WRITE_ORDER
from batua.wallets import (
    Customers,
    LiveWallets,
    Newcomer,
    Newcomers,
    TopUpPurpose,
    TopUps,
    WalletRules,
    bonus_rule,
    wallet_rules,
)
from batua.watching import UNWATCHED, Watcher
from batua.worker import Worker

__all__ = ["TABLES", "Batua", "open_batua"]

CLOSE_S_MAX = 5.0
"""How long a shop that closes waits for its database, in seconds."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batua:
    """One shop, ready to serve. Made by ``open_batua``."""

    settings: Settings
    database: Database
    registry: Registry
    engine: Engine
    identity: Identity
    switches: Switches
    gateway_settings: GatewaySettings
    customers: Customers
    top_ups: TopUps
    orders: Orders
    host_orders: HostOrders
    desk: Desk
    receiver: Receiver
    applier: Applier
    poller: Poller
    refunder: Refunder
    by_hand: ByHand
    outbox: Outbox
    listeners: Listeners
    sender: WebhookSender
    hooks: Deliveries
    webhooks: Deliveries
    silence: Silence
    signs: Signs
    insight: Insight
    counter: Counter
    reconciler: Reconciler
    privacy: Privacy
    worker: Worker
    live_wallets: LiveWallets
    rate_limits: RateLimits
    sealer: Sealer
    wallet_rules: WalletRules
    newcomers: Newcomers
    now: Clock
    new_id: NewId


@asynccontextmanager
async def open_batua(
    settings: Settings,
    environ: Mapping[str, str],
    *,
    now: Clock = utc_now,
    new_id: NewId = new_id,
    newcomers: Newcomers = lambda _: Newcomer(),
    hooks: Hooks = MappingProxyType({}),
    watcher: Watcher = UNWATCHED,
) -> AsyncIterator[Batua]:
    """Open the database, load the plugins and build every service.

    ``environ`` holds the plugins' settings. ``newcomers`` says what is known of a customer who is
    seen for the first time. ``hooks`` are called with what happens, by type of event; ``watcher``
    is told what is done. Raises ``ConfigurationError``.
    """
    caller = HookCaller(checked_hooks(hooks), limit_s=settings.hook_timeout_s)
    registry = Registry(
        environ,
        now=now,
        timeout_s=settings.gateway_timeout_s,
        failures_max=settings.breaker_failures,
        watcher=watcher,
    )
    database = open_database(settings.database_url, pool_size=settings.database_pool_size)
    try:
        await database.open()
        batua = _build(
            settings, database, registry, caller,
            now=now, new_id=new_id, newcomers=newcomers, watcher=watcher,
        )  # fmt: skip
        try:
            await batua.gateway_settings.follower.try_to_look()
            _say_what_is_off(registry, environ)
            if hooks:
                await batua.listeners.enlist(caller.types())
            yield batua
        finally:
            with _in_time(database):
                await batua.live_wallets.close()
                await batua.worker.stop()
                await batua.engine.close()
                await batua.rate_limits.close()
    finally:
        with _in_time(database):
            await database.close()
        await registry.close()


@contextmanager
def _in_time(database: Database) -> Iterator[None]:
    late = asyncio.get_running_loop().call_later(CLOSE_S_MAX, database.abandon)
    try:
        yield
    finally:
        late.cancel()


def _build(
    settings: Settings,
    database: Database,
    registry: Registry,
    caller: HookCaller,
    *,
    now: Clock,
    new_id: NewId,
    newcomers: Newcomers,
    watcher: Watcher,
) -> Batua:
    live_wallets = LiveWallets(
        database, per_customer=settings.streams_per_customer, most=settings.streams_max
    )

    def committed(tables: frozenset[str]) -> None:
        worker.wake(tables)  # built further down
        live_wallets.wake(tables)

    engine = Engine(
        database, WRITE_ORDER, now=now, on_commit=committed, watcher=watcher, witness=recorded
    )
    announcer = Announcer(new_id)
    purposes: Purposes = {
        "top_up": TopUpPurpose(announcer, bonus_rule(settings)),
        "order": OrderPurpose(announcer),
    }
    customers = Customers(database, engine, newcomers=newcomers, new_id=new_id)
    receiver = Receiver(database, registry, now=now, new_id=new_id)
    sealer = Sealer(settings.encryption_key)
    switches = Switches(database, engine, registry)
    follower = Follower(database, registry, sealer)
    starter = PaymentStarter(
        database, engine, registry, switches, purposes, on_reference=receiver.match_again
    )
    refunder = Refunder(database, engine, registry, purposes)
    intake = Intake(engine, registry, purposes, new_id=new_id)
    poller = Poller(database, engine, registry, purposes, intake, on_reference=receiver.match_again)
    by_hand = ByHand.of(
        database, engine, registry, purposes, intake, poller, refunder, new_id=new_id
    )
    applier = Applier(
        database, engine, registry, refunder, intake, purposes, announcer,
        now=now, new_id=new_id, watcher=watcher,
    )  # fmt: skip
    notifier = registry.notifiers.get(settings.notifier)
    outbox = Outbox(
        database,
        notifier.instance if notifier else None,
        now=now,
        find_recipient=customers.find_recipient,
        opt_out=customers.opt_out,
        watcher=watcher,
    )
    addresses = Addresses(
        allowed=read_networks(settings.webhook_allow_private),
        loopback_http=settings.webhook_loopback_http,
    )
    listeners = Listeners(database, sealer, addresses, now=now, new_id=new_id)
    sender = WebhookSender(sealer, addresses, now=now, resolve=new_resolver())
    router = Router(database, now=now, new_id=new_id)
    told_hooks = Deliveries(database, router, caller, now=now, spread=random)
    told_webhooks = Deliveries(database, router, sender, now=now, spread=random)
    silence = Silence(database, registry, now=now, silence_s=settings.webhook_silence_s)
    signs = Signs(database, now=now)
    counter = Counter(database)
    reconciler = Reconciler(
        database, registry, applier.take_in, now=now, days=settings.reconcile_days
    )
    identity = Identity.of(database, now=now, new_id=new_id)
    privacy = Privacy.of(
        database, engine, identity, now=now, new_id=new_id, inbox_days=settings.inbox_body_days
    )
    worker = Worker(
        database=database,
        registry=registry,
        now=now,
        applier=applier,
        poller=poller,
        refunder=refunder,
        outbox=outbox,
        hooks=told_hooks,
        webhooks=told_webhooks,
        keeping=Keeping(database, now=now, days=settings.event_days),
        expiry=Expiry(database, engine),
        silence=silence,
        signs=signs,
        counter=counter,
        reconciler=reconciler,
        reconcile_every_s=settings.reconcile_every_s,
        privacy=privacy,
    )
    expires_s, rules = settings.top_up_expiry_s, wallet_rules(settings)
    top_ups = TopUps(
        database, engine, registry, starter, refunder, intake,
        newcomers=newcomers, new_id=new_id, expires_s=expires_s, rules=rules,
    )  # fmt: skip
    orders = Orders(
        database, engine, registry, starter, refunder, intake, announcer,
        newcomers=newcomers, new_id=new_id, expires_s=expires_s, rules=rules,
    )  # fmt: skip
    gateway_settings = GatewaySettings(engine, registry, sealer, follower)
    clerk = Clerk(new_id, approval_limit=settings.approval_limit)
    desk = Desk(
        orders=OrderDesk(orders, top_ups, clerk),
        wallets=WalletDesk(database, engine, clerk, newcomers=newcomers, rules=rules),
        cases=CaseDesk(engine, applier, by_hand.disputes, clerk),
        payments=PaymentDesk(by_hand, clerk),
        gateways=GatewayDesk(switches, gateway_settings, clerk),
    )
    return Batua(
        settings=settings,
        database=database,
        registry=registry,
        engine=engine,
        identity=identity,
        switches=switches,
        gateway_settings=gateway_settings,
        customers=customers,
        top_ups=top_ups,
        orders=orders,
        desk=desk,
        host_orders=HostOrders(
            database,
            engine,
            announcer,
            newcomers=newcomers,
            new_id=new_id,
            rules=rules,
            revocations=identity.revocations,
        ),
        receiver=receiver,
        applier=applier,
        poller=poller,
        refunder=refunder,
        by_hand=by_hand,
        outbox=outbox,
        listeners=listeners,
        sender=sender,
        hooks=told_hooks,
        webhooks=told_webhooks,
        silence=silence,
        signs=signs,
        insight=Insight(database, silence, signs, now=now, currency=settings.currency),
        counter=counter,
        reconciler=reconciler,
        privacy=privacy,
        worker=worker,
        live_wallets=live_wallets,
        rate_limits=open_rate_limits(settings, database, now=now),
        sealer=sealer,
        wallet_rules=rules,
        newcomers=newcomers,
        now=now,
        new_id=new_id,
    )


def _say_what_is_off(registry: Registry, environ: Mapping[str, str]) -> None:
    plugins: list[Plugin[Any]] = [*registry.gateways.values(), *registry.notifiers.values()]
    for plugin in plugins:
        if plugin.problem:
            log.warning("%s", plugin.problem)
    settings = {plugin.manifest.code: plugin.manifest.settings for plugin in plugins}
    for name in unknown_variables(environ, settings):
        log.warning("%s is set but nothing reads it: is it misspelled?", name)
