"""A real Chromium, and a demo for it to look at. Screenshots are kept in build/screenshots."""

import os
import shutil
from pathlib import Path

import pytest
from playwright.async_api import async_playwright
from playwright.sync_api import sync_playwright

from batua_api.frontend import FOLDER
from tests.support.processes import running_demo

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
# Without the last ones Chromium looks for its maker's hosts at every start.
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

AXE = FOLDER / "client" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def find_chromium() -> str:
    """Its path. Without one the test is skipped, or fails where all must run."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        if os.environ.get("BATUA_TEST_REQUIRE_ALL") == "1":
            pytest.fail("there is no Chromium: install Debian's chromium")
        pytest.skip("there is no Chromium: install Debian's chromium")
    return chromium


@pytest.fixture(scope="module")
def browser():
    """One for a whole module, whose tests have contexts of their own."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=find_chromium(), args=QUIET)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    with running_demo(f"sqlite:///{folder}/shop.sqlite", cwd=folder) as program:
        yield program


@pytest.fixture
async def page(demo):
    """Asking another host, an error in a script or a missing style sheet fails the page's test."""
    chromium = find_chromium()
    foreign: list[str] = []
    broken: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=QUIET)
        shown = await browser.new_page(viewport={"width": 1280, "height": 900})
        shown.on(
            "request",
            lambda asked: (
                None
                if asked.url.startswith((demo.base, "data:", "blob:"))
                else foreign.append(asked.url)
            ),
        )
        shown.on("pageerror", lambda error: broken.append(str(error)))
        shown.on(
            "response",
            lambda got: (
                broken.append(f"{got.url}: {got.status}")
                if got.status >= 400 and got.request.resource_type in ("stylesheet", "script")
                else None
            ),
        )
        shown.set_default_timeout(10_000)
        yield shown
        await browser.close()
    assert foreign == []
    assert broken == []


@pytest.fixture
def keep(page):
    """Keeps a screenshot of the page under a name."""

    async def keeping(name: str) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=SCREENSHOTS / f"{name}.png")

    return keeping
