"""Staff at the panel's door, as their browsers are."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pyotp

from batua.bootstrap import Batua
from batua.certificates import trusted_certificates
from batua.database import migrate
from batua.settings import read_settings
from batua.testing.serving import serving
from batua_admin import create_staff
from batua_api import BatuaPlugin, create_app
from tests.support.clock import FakeClock
from tests.support.databases import opened

__all__ = ["ENCRYPTION_KEY", "PASSWORD", "Office", "open_office", "shown"]

PASSWORD = "a long password"
ENCRYPTION_KEY = "NGdBYTJUbWQ3VGJmbHo0NVpQeEJhY2U2cWlHbGxBMjE="
STEP_S = 30


@dataclass
class Office:
    """One shop's panel. ``keys`` are the apps of those who have a second factor."""

    base: str
    batua: Batua
    clock: FakeClock
    keys: dict[str, pyotp.TOTP] = field(default_factory=dict)

    @asynccontextmanager
    async def browser(self) -> AsyncIterator[httpx.AsyncClient]:
        """Somebody before the login: with the CSRF token that every write needs."""
        async with httpx.AsyncClient(
            base_url=f"{self.base}/admin", trust_env=False, verify=trusted_certificates(),
            timeout=30,
        ) as http:  # fmt: skip
            await http.get("/")
            http.headers["X-CSRFToken"] = http.cookies["csrftoken"]
            yield http

    async def sign_in(self, http: httpx.AsyncClient, name: str, **shown: str) -> httpx.Response:
        login = {"username": name, "password": PASSWORD} | shown
        return await http.post("/public/login/", json=login)

    @asynccontextmanager
    async def signed_in(self, name: str) -> AsyncIterator[httpx.AsyncClient]:
        """With a code, where ``name`` has a second factor."""
        async with self.browser() as http:
            code = {"mfa_code": self.code(name)} if name in self.keys else {}
            answer = await self.sign_in(http, name, **code)
            assert answer.status_code == 200, answer.text
            yield http

    async def add(self, name: str, role: str, **options: object) -> None:
        await create_staff(self.batua, username=name, password=PASSWORD, role=role, **options)

    def code(self, name: str) -> str:
        """The next code of somebody's app: each is good for once."""
        self.clock.advance(STEP_S)
        return self.keys[name].at(int(self.clock.unix()))

    async def enrol(self, http: httpx.AsyncClient, name: str) -> list[str]:
        """Set up a second factor for whoever is signed in; returns the recovery codes."""
        offered = await self.act(http, "offer")
        self.keys[name] = pyotp.TOTP(shown(offered, r"Key: <code>(\w+)<"))
        sealed = shown(offered, r'name="sealed" value="([^"]+)"')
        done = await self.act(http, "enrol", sealed=sealed, code=self.code(name))
        assert done.status_code == 200, done.text
        return re.findall(r"<li><code>([a-z2-7-]+)<", done.text)

    async def act(self, http: httpx.AsyncClient, action: str, **fields: str) -> httpx.Response:
        """Press a button of the page Security."""
        form = {"action": action, "password": PASSWORD} | fields
        return await http.post("/pages/security/", data=form)


@asynccontextmanager
async def open_office(url: str, **settings: object) -> AsyncIterator[Office]:
    """A served shop that asks for second factors, without staff."""
    async with opened(url) as database:
        await migrate(database)
    clock = FakeClock()
    wanted = {"jwt_secret": "x" * 32, "encryption_key": ENCRYPTION_KEY, **settings}
    app = create_app(BatuaPlugin(read_settings({}, database_url=url, **wanted), {}, now=clock.now))
    async with serving(app) as base:
        yield Office(base, app.state.batua, clock)


def shown(answer: httpx.Response, pattern: str) -> str:
    """What stands on a page where ``pattern`` says."""
    found = re.search(pattern, answer.text)
    assert found, answer.text
    return found[1]
