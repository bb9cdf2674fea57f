"""Below a path, with TLS ended in front: by a real nginx, which takes the path off or leaves it."""

import re
import ssl

import httpx
import pytest

from batua.database import migrate
from batua.settings import read_settings
from batua.testing.serving import serving
from batua_admin import create_staff
from batua_api import BatuaPlugin, create_app
from batua_api.prefix import Prefixed
from tests.support.api import token
from tests.support.clock import FakeClock
from tests.support.databases import opened
from tests.support.nginx import certificate, proxied
from tests.support.ports import free_port

PASSWORD = "a long password"
JWT_SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture(params=["taken off", "left on"])
async def site(request, tmp_path):
    """A browser at https://127.0.0.1:…/pay, and what stands behind."""
    url, port = f"sqlite:///{tmp_path}/shop.sqlite", free_port()
    async with opened(url) as database:
        await migrate(database)
    settings = read_settings(
        {}, database_url=url, jwt_secret=JWT_SECRET, staff_mfa="optional",
        customer_orders=True, public_url=f"https://127.0.0.1:{port}/pay",
    )  # fmt: skip
    app = create_app(BatuaPlugin(settings, {}))
    ends = "/" if request.param == "taken off" else ""
    trusted = ssl.create_default_context(cafile=certificate(tmp_path))
    async with serving(Prefixed(app, settings.path_prefix)) as base:
        await create_staff(app.state.batua, username="olga", password=PASSWORD, role="owner")
        with proxied(tmp_path, port, f"/pay{ends}", f"{base}{ends}") as address:
            async with httpx.AsyncClient(
                base_url=f"{address}/pay", trust_env=False, verify=trusted, timeout=30
            ) as http:
                yield http


async def test_staff_work_below_a_path_with_secure_cookies_and_csrf(site):
    moved = await site.get("/admin")
    assert (moved.status_code, moved.headers["location"]) == (307, "/pay/admin/")
    page = await site.get("/admin/")
    assert page.status_code == 200
    asset = re.search(r'src="\.(/assets/[^"]+)"', page.text)[1]
    assert (await site.get(f"/admin{asset}")).status_code == 200
    origin = f"{site.base_url.scheme}://{site.base_url.netloc.decode()}"
    login = {"username": "olga", "password": PASSWORD}
    token = {"X-CSRFToken": site.cookies["csrftoken"]}
    for sent in (
        {"Origin": origin},
        token,
        token | {"Origin": "https://evil.example"},
        token | {"Referer": "https://evil.example/pay/admin/"},
    ):
        assert (
            await site.post("/admin/public/login/", json=login, headers=sent)
        ).status_code == 403
    site.headers.update(token | {"Origin": origin})
    signed_in = await site.post("/admin/public/login/", json=login)
    assert signed_in.status_code == 200, signed_in.text
    for kept in (page.headers["set-cookie"], signed_in.headers["set-cookie"]):
        assert {"secure", "path=/pay/admin/", "samesite=lax"} <= words(kept), kept
    assert "httponly" in words(signed_in.headers["set-cookie"])
    assert [each.name for each in site.cookies.jar] == ["csrftoken", "__Secure-batua_session"]

    assert (await site.get("/admin/api/user/")).json()["username"] == "olga"
    slashed = await site.get("/admin/api/user")
    assert (slashed.status_code, slashed.headers["location"]) == (
        307, f"{origin}/pay/admin/api/user/",
    )  # fmt: skip
    to_security = await site.get("/admin/api/mfa-setup/")
    assert to_security.headers["location"] == "/pay/admin/pages/security/"
    asked = {"customer": "asha", "amount": "100", "currency": "INR", "reason_code": "goodwill"}
    given = await site.post("/admin/api/forms/adjust-a-wallet/", json=asked)
    assert given.status_code == 200, given.text
    assert (await site.post("/admin/public/logout/")).status_code == 200
    assert [each.name for each in site.cookies.jar] == ["csrftoken"]


def words(cookie):
    return {word.strip().lower() for word in cookie.split(";")}


async def test_the_api_and_its_documentation_are_below_the_path_too(site):
    for short, long in (
        ("/docs", "/pay/api/v1/docs"),
        ("/docs/openapi.json", "/pay/api/v1/docs/openapi.json"),
    ):
        moved = await site.get(short)
        assert (moved.is_redirect, moved.headers["location"]) == (True, long)
    page = (await site.get("/api/v1/docs")).text
    files = re.findall(r'(?:src|href)="(/[^"]+)"', page)
    assert len(files) == 3
    for file in files:
        assert (await site.get(str(site.base_url.copy_with(path=file)))).status_code == 200, file
    document = (await site.get("/api/v1/docs/openapi.json")).json()
    assert document["servers"] == [{"url": "/pay"}]

    bearer = token(FakeClock(), secret=JWT_SECRET, sub="asha", exp=4_000_000_000)
    headers = {"Authorization": f"Bearer {bearer}", "Idempotency-Key": "one"}
    order = {"reference": "A-1", "amount": 100, "currency": "INR"}
    made = await site.post("/api/v1/orders", json=order, headers=headers)
    assert made.status_code == 201, made.text
    # "/pay" stands in this path once more: nothing of it may be lost.
    paid = await site.post(
        f"/api/v1/orders/{made.json()['id']}/payments",
        json={"method": "wallet"},
        headers=headers | {"Idempotency-Key": "two"},
    )
    assert (paid.status_code, paid.json()["code"]) == (402, "insufficient_funds")
    assert (await site.get("/health/ready")).status_code == 200
    assert (await site.get(str(site.base_url.copy_with(path="/health")))).status_code == 410
