"""How Batua gets into a Litestar app: ours, or a host's own.

``Litestar(plugins=[BatuaPlugin(settings, environ)])`` adds the API under ``/api/v1``, the panel
under ``/admin`` and, for the app's life, an open shop in ``app.state.batua``.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from types import MappingProxyType
from urllib.parse import urlsplit

from litestar import Litestar, Router
from litestar.config.app import AppConfig
from litestar.plugins import InitPlugin
from litestar.types import ASGIApp

import batua_admin
from batua.bootstrap import Batua, open_batua
from batua.clock import Clock, utc_now
from batua.events import Hooks
from batua.limits import BODY_BYTES_MAX, ClientAddresses
from batua.settings import Settings, read_settings
from batua.wallets import Newcomer, Newcomers
from batua_api.auth import Authenticator
from batua_api.controllers import (
    CustomerController,
    GatewayController,
    HealthController,
    MetricsController,
    OrderController,
    RefundController,
    TopUpController,
    WalletController,
    WebhookController,
)
from batua_api.figures import Figures
from batua_api.gatekeeper import gatekeeper
from batua_api.hosting import FindCustomer
from batua_api.metrics import Metrics
from batua_api.observing import Observer
from batua_api.problems import EXCEPTION_HANDLERS
from batua_api.rates import Rates
from batua_api.tracing import open_tracer

__all__ = ["BatuaPlugin"]

NOUNS = (
    GatewayController,
    TopUpController,
    WalletController,
    OrderController,
    RefundController,
    CustomerController,
    WebhookController,
    HealthController,
    MetricsController,
)

OURS = {"exclude_from_auth": True, "exclude_from_csrf": True}
"""What a host's own login and CSRF guard (by Litestar's names) leave to us: our gatekeeper.

No provider that sends a webhook has the host's token."""


class BatuaPlugin(InitPlugin):
    """Adds a shop to an app.

    ``environ`` holds the plugins' settings, and the core's unless ``settings`` are given; it is
    the process's own by default. ``with_worker`` runs the worker in the same event loop.
    ``authenticate`` names the customer whom the host has signed in. ``hooks`` are called with
    what happens, by type of event, in this process. Raises ``ConfigurationError`` for settings
    that can't work.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        environ: Mapping[str, str] | None = None,
        *,
        with_worker: bool = False,
        authenticate: FindCustomer | None = None,
        hooks: Hooks = MappingProxyType({}),
        newcomers: Newcomers = lambda _: Newcomer(),
        now: Clock = utc_now,
    ) -> None:
        self._environ = os.environ if environ is None else environ
        self._settings = read_settings(self._environ) if settings is None else settings
        self._authenticator = Authenticator(self._settings, now)
        self._addresses = ClientAddresses(
            self._settings.trusted_proxies, self._settings.proxy_header
        )
        self._rates = Rates(self._settings, self._addresses, NOUNS)
        self._with_worker = with_worker
        self._find_customer = authenticate
        self._hooks = hooks
        self._metrics = Metrics(open_tracer(self._settings.otlp_endpoint))
        self._newcomers = newcomers
        self._now = now

    @property
    def settings(self) -> Settings:
        """The core's."""
        return self._settings

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        rates = self._rates if self._settings.rate_limit else None
        door = gatekeeper(self._authenticator, rates, self._addresses, self._find_customer)
        observer = Observer(self._metrics)
        app_config.route_handlers += [
            Router(
                "/api/v1",
                route_handlers=list(NOUNS),
                middleware=[observer.middleware, door],
                exception_handlers=EXCEPTION_HANDLERS,
                request_max_body_size=BODY_BYTES_MAX,
                opt=OURS,
            ),
            Router(
                "/",
                route_handlers=[HealthController, MetricsController],
                exception_handlers=EXCEPTION_HANDLERS,
                include_in_schema=False,
                opt=OURS,
            ),
            Router(
                "/", route_handlers=[batua_admin.panel_handler()], middleware=[observer.middleware]
            ),
        ]
        app_config.before_send.append(observer.see_sent)
        app_config.lifespan.append(self._open)
        return app_config

    @asynccontextmanager
    async def _open(self, app: Litestar) -> AsyncIterator[None]:
        try:
            async with (
                open_batua(
                    self._settings,
                    self._environ,
                    now=self._now,
                    newcomers=self._newcomers,
                    hooks=self._hooks,
                    watcher=self._metrics,
                ) as batua,
                self._serving(app, batua),
            ):
                yield
        finally:
            # In a thread: it may send what waits.
            await asyncio.to_thread(self._metrics.tracer.close)

    @asynccontextmanager
    async def _serving(self, app: Litestar, batua: Batua) -> AsyncIterator[None]:
        app.state.batua = batua
        app.state.batua_panel = batua_admin.LazyPanel(partial(self._create_panel, batua))
        app.state.batua_figures = figures = Figures(batua, self._metrics, self._authenticator)
        if self._with_worker:
            batua.worker.start()
        elif self._hooks:
            batua.worker.start_hooks()
        setting = asyncio.create_task(figures.keep_set())
        try:
            async with (
                batua.gateway_settings.follower.running(),
                self._authenticator.watching(batua.identity.watch),
            ):
                yield
        finally:
            setting.cancel()  # and gone before the database is closed
            await asyncio.gather(setting, return_exceptions=True)

    def _create_panel(self, batua: Batua) -> ASGIApp:
        public = urlsplit(self._settings.public_url)
        return batua_admin.create_panel(
            batua,
            addresses=self._addresses,
            production=public.scheme == "https",
            allowed_hosts=[public.hostname] if public.hostname else [],
        )
