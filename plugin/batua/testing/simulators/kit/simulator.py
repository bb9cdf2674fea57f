"""A provider's simulator as one object: an ASGI app, its books, its faults and its webhooks."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypedDict, Unpack

from litestar import Litestar
from litestar.datastructures import State
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp, ExceptionHandlersMap

from batua.testing.simulators.kit.delivery import Webhooks
from batua.testing.simulators.kit.faults import Broken, Faults, Spoiling
from batua.testing.simulators.kit.store import Store

__all__ = ["Served", "Simulator"]


class Served(TypedDict, total=False):
    """How a simulator is served: what every constructor takes beside the provider's own keywords.

    ``public_url`` is where the simulator is reached, ``webhook_backoff_s`` the first wait in
    seconds between two tries, ``hang_s`` how long a timed-out answer hangs. ``clock`` tells unix
    seconds. ``store`` None, or none given, keeps the books in memory.
    """

    webhook_url: str | None
    store: Path | None
    public_url: str
    clock: Callable[[], float]
    webhook_backoff_s: float
    hang_s: float


class Simulator(ABC):
    """A provider on loopback, by its published protocol, with faults on demand.

    ``app`` may be served alone or mounted below a prefix that the outer app strips; its lifespan
    starts and stops the webhooks, and an outer app's may call ``start`` and ``stop`` instead.

    The app is built in the constructor, so a subclass sets its own attributes before it calls this
    one's. The webhook limits are in seconds: how soon an answer must come, and how long an event
    is tried.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    secrets: ClassVar[Mapping[str, str]] = {}
    """Keywords of the constructor that should be kept secret, and what each must begin with."""
    has_books: ClassVar[bool] = True
    """Whether it takes money itself. What only stands in front leaves that to its processor."""
    webhook_timeout_s: ClassVar[float]
    webhook_give_up_s: ClassVar[float]

    def __init__(self, faults: Faults, **served: Unpack[Served]) -> None:
        self.public_url = served.get("public_url", "").rstrip("/")
        self.clock = served.get("clock", time.time)
        self.faults = faults
        self.store = Store(served.get("store"))
        self._hang_s = served.get("hang_s", 30.0)
        self.webhooks = Webhooks(
            self.store,
            faults,
            url=served.get("webhook_url"),
            sign=self.sign,
            clock=self.clock,
            backoff_s=served.get("webhook_backoff_s", 0.5),
            timeout_s=self.webhook_timeout_s,
            give_up_s=self.webhook_give_up_s,
        )
        self.app: Litestar = self.build()

    @abstractmethod
    def build(self) -> Litestar:
        """The app: the provider's API, its checkout page and the control routes, by ``app_of``."""

    def app_of(
        self,
        handlers: Sequence[HTTPRouteHandler],
        *,
        state: Mapping[str, Any] | None = None,
        refusals: ExceptionHandlersMap | None = None,
    ) -> Litestar:
        """An app of these routes whose answers can be spoiled, and which delivers the webhooks.

        ``refusals`` say what the provider answers for an error.
        """
        return Litestar(
            list(handlers),
            state=State(dict(state or {})),
            middleware=[self.spoiling],
            exception_handlers=refusals,
            on_startup=[self.start],
            on_shutdown=[self.stop],
            logging_config=None,
            openapi_config=None,
        )

    @abstractmethod
    def sign(self, event_id: str, body: bytes, old_secret: bool) -> Mapping[str, str]:  # noqa: FBT001 - a Sign
        """The headers that a webhook of this body is sent with."""

    @abstractmethod
    def settings(self) -> dict[str, str]:
        """The ``BATUA_*`` variables with which the gateway talks to this simulator."""

    @property
    @abstractmethod
    def broken(self) -> Broken:
        """How this provider words its troubles."""

    @abstractmethod
    def is_api(self, path: str) -> bool:
        """Whether an API fault may spoil the answer at this path."""

    def spoiling(self, app: ASGIApp) -> ASGIApp:
        """The middleware that makes answers go wrong."""
        return Spoiling(app, self.faults, self.broken, hang_s=self._hang_s, is_api=self.is_api)

    @property
    def webhook_url(self) -> str | None:
        """Where the webhooks go; may be set once a server's port is known."""
        return self.webhooks.url

    @webhook_url.setter
    def webhook_url(self, url: str | None) -> None:
        self.webhooks.url = url

    def forget(self) -> None:
        """Become as new but for the keys: no books, no faults, no webhooks and nowhere to send any.

        It is for tests, which take turns with a simulator: building its app takes longer than most
        of them. Call it while it is stopped.
        """
        self.store.clear()
        self.faults.reset()
        self.webhooks.url = None

    async def start(self, *_: Any) -> None:
        """Begin to deliver webhooks, those of a killed process first. May be called twice."""
        if self.faults.stopping.is_set():
            self.faults.stopping = asyncio.Event()  # of the loop that runs now
        self.webhooks.start()

    async def stop(self, *_: Any) -> None:
        """End every wait and every task, and close the file. May be called twice."""
        self.faults.stopping.set()
        await self.webhooks.stop()
        self.store.close()
