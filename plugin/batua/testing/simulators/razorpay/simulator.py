"""The simulator as one object: an ASGI app, its books and its webhooks."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from litestar import Litestar
from litestar.datastructures import State
from litestar.exceptions import MethodNotAllowedException, NotFoundException
from litestar.types import ASGIApp

from batua.testing.simulators.razorpay.books import Books
from batua.testing.simulators.razorpay.checkout import CHECKOUT_ROUTES
from batua.testing.simulators.razorpay.control import CONTROL_ROUTES
from batua.testing.simulators.razorpay.entities import Refused
from batua.testing.simulators.razorpay.faults import Faults, spoiling
from batua.testing.simulators.razorpay.routes import API_ROUTES, refusal, unknown_url
from batua.testing.simulators.razorpay.store import Store
from batua.testing.simulators.razorpay.webhooks import Webhooks

__all__ = ["RazorpaySimulator"]


class RazorpaySimulator:
    """Razorpay on loopback, by its published protocol, with faults on demand.

    ``app`` may be served alone or mounted below a prefix that the outer app strips; its lifespan
    starts and stops the webhooks, and an outer app's may call ``start`` and ``stop`` instead.
    ``store`` None keeps the books in memory. ``webhook_backoff_s`` is the first wait in seconds
    between two tries; ``hang_s`` how long a timed-out answer hangs.
    """

    def __init__(
        self,
        *,
        key_id: str = "rzp_test_simulator",
        key_secret: str = "simulator_key_secret",  # noqa: S107 - opens nothing but this simulator
        webhook_secret: str = "simulator_webhook_secret",  # noqa: S107
        webhook_url: str | None = None,
        store: Path | None = None,
        public_url: str = "",
        clock: Callable[[], float] = time.time,
        webhook_backoff_s: float = 0.5,
        hang_s: float = 30.0,
    ) -> None:
        self.key_id = key_id
        self.key_secret = key_secret
        self.webhook_secret = webhook_secret
        self.public_url = public_url.rstrip("/")
        self._hang_s = hang_s
        self._faults = Faults()
        self._store = Store(store)
        books = Books(self._store, key_secret=key_secret, now=lambda: int(clock()))
        self._webhooks = Webhooks(
            self._store,
            self._faults,
            url=webhook_url,
            secret=webhook_secret,
            clock=clock,
            backoff_s=webhook_backoff_s,
        )
        books.emit = self._webhooks.emit
        self.app = self._app(books)

    @property
    def checkout_url(self) -> str:
        """The page where a person pays, below ``public_url``: for the gateway's setting."""
        return f"{self.public_url}/v1/checkout"

    @property
    def webhook_url(self) -> str | None:
        """Where the webhooks go; may be set once a server's port is known."""
        return self._webhooks.url

    @webhook_url.setter
    def webhook_url(self, url: str | None) -> None:
        self._webhooks.url = url

    async def start(self) -> None:
        """Begin to deliver webhooks, those of a killed process first. May be called twice."""
        self._faults.stopping.clear()
        self._webhooks.start()

    async def stop(self) -> None:
        """End every wait and every task, and close the file. May be called twice."""
        self._faults.stopping.set()
        await self._webhooks.stop()
        self._store.close()

    def _app(self, books: Books) -> Litestar:
        state = {
            "books": books,
            "faults": self._faults,
            "webhooks": self._webhooks,
            "credentials": f"{self.key_id}:{self.key_secret}",
            "key_id": self.key_id,
        }
        return Litestar(
            [*API_ROUTES, *CHECKOUT_ROUTES, *CONTROL_ROUTES],
            state=State(state),
            middleware=[self._spoiling],
            exception_handlers={
                Refused: refusal,
                NotFoundException: unknown_url,
                MethodNotAllowedException: unknown_url,
            },
            on_startup=[self.start],
            on_shutdown=[self.stop],
            logging_config=None,
            openapi_config=None,
        )

    def _spoiling(self, app: ASGIApp) -> ASGIApp:
        return spoiling(app, self._faults, self._hang_s)
