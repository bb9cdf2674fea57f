"""People with browsers, who may hear no word of complaint and load nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx

from tests.browser.conftest import SCREENSHOTS
from tests.support.bearers import token_of

__all__ = ["WAIT_MS", "Visiting", "visits"]

WAIT_MS = 15_000


class Visiting:
    """Somebody with a browser, and what the API says of them meanwhile.

    ``own`` is how the addresses begin that may be loaded; ``shots`` how their screenshots do.
    """

    shots = ""

    def __init__(self, demo: Any, browser: Any, name: str, own: tuple[str, ...], **context: Any):
        self.demo, self.name = demo, name
        self.own = (*own, "data:", "blob:", "about:")
        self.token = token_of(demo, name)
        self.context = browser.new_context(**context)
        self.context.set_default_timeout(WAIT_MS)
        self.said: list[str] = []
        self.foreign: list[str] = []
        self.context.on("request", self._hear)
        self.context.on("weberror", lambda error: self.said.append(str(error.error)))
        self.context.on("console", self._listen)
        headers = {"Authorization": f"Bearer {self.token}"}
        self.api = httpx.Client(base_url=f"{demo.base}/api/v1", headers=headers, trust_env=False)

    def asked(self, request: Any) -> None:
        """A request of theirs, whatever of it is worth knowing."""

    def keep(self, name: str, page: Any = None) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        (page or self.page).screenshot(path=SCREENSHOTS / f"{self.shots}-{name}.png")

    def forgive(self, part: str) -> None:
        """Chromium tells of each answer that is an error, and of each that never came."""
        self.said = [each for each in self.said if part not in each]

    def close(self) -> None:
        self.context.close()
        self.api.close()

    def _hear(self, request: Any) -> None:
        if not request.url.startswith(self.own):
            self.foreign.append(request.url)
        self.asked(request)

    def _listen(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.said.append(f"{message.text} {message.location['url']}")


def visits(come: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """For a fixture: visitors by name, each of whom is heard out at the end."""
    visitors = []

    def visiting(name: str, **context: Any) -> Any:
        visitors.append(come(name, **context))
        return visitors[-1]

    yield visiting
    for each in visitors:
        each.close()
        assert each.foreign == []
        assert each.said == [], "\n".join(each.said)
