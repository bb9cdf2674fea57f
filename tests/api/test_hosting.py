"""Batua in an app that has a login, a CSRF guard and routes of its own."""

import asyncio
import shutil
import threading
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
from litestar import Litestar, Request, get, post
from litestar.config.csrf import CSRFConfig
from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException
from litestar.middleware.session.server_side import ServerSideSessionConfig
from litestar.security.session_auth import SessionAuth

from batua.settings import read_settings
from batua.testing.serving import serving
from batua_admin.tables import Staff
from batua_api import BatuaPlugin
from tests.support.api import token
from tests.support.clock import FakeClock
from tests.support.shop import JWT_SECRET


@dataclass
class User:
    name: str


@post("/login", opt={"exclude_from_csrf": True})
async def login(request: Request[Any, Any, Any]) -> None:
    request.set_session(await request.json())


@get("/own")
async def own(request: Request[User, Any, Any]) -> str:
    return request.user.name


@get("/broken", opt={"exclude_from_auth": True})
async def broken() -> None:
    raise NotAuthorizedException("the host's own words")


async def retrieve(session: dict[str, Any], _: object) -> User | None:
    return User(session["user"]) if isinstance(session.get("user"), str) else None


async def signed_in(connection: ASGIConnection[Any, Any, Any, Any]) -> Any:
    """A host's function, with the mistakes that hosts make."""
    user = connection.session.get("user")
    if user == "refused":
        raise NotAuthorizedException("this account is closed")
    if user == "crash":
        raise RuntimeError("the host's database is away")
    return user


CLOCK = FakeClock()
PASSWORD = "correct horse battery"

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def host(_migrated_file, tmp_path_factory):
    path = tmp_path_factory.mktemp("host") / "shop.sqlite"
    shutil.copyfile(_migrated_file, path)
    settings = read_settings({}, database_url=f"sqlite:///{path}", jwt_secret=JWT_SECRET)
    auth = SessionAuth(
        retrieve_user_handler=retrieve,
        session_backend_config=ServerSideSessionConfig(),
        exclude=["/login", "/schema"],
    )
    app = Litestar(
        [login, own, broken],
        plugins=[BatuaPlugin(settings, {}, authenticate=signed_in, now=CLOCK.now)],
        on_app_init=[auth.on_app_init],
        csrf_config=CSRFConfig(secret="s" * 32),
        logging_config=None,
    )
    async with serving(app) as base, httpx.AsyncClient(base_url=base, verify=False) as http:
        yield http


async def sign_in(host, user):
    host.cookies.clear()
    assert (await host.post("/login", json={"user": user})).status_code == 201


def bearer(**claims):
    return {"Authorization": f"Bearer {token(CLOCK, **claims)}"}


ORDER = {"reference": "H-1", "amount": 100, "currency": "INR"}


async def test_the_hosts_own_customer_needs_no_second_token(host):
    await sign_in(host, "asha")
    assert (await host.get("/own")).text == "asha"
    wallet = await host.get("/api/v1/wallet")
    assert (wallet.status_code, wallet.json()["customer"]) == (200, "asha")


async def test_nobody_becomes_staff_by_the_hosts_word(host):
    for name in ("staff:meera", "owner", "staff"):
        await sign_in(host, name)
        for path in ("/api/v1/customers/asha/wallet", "/api/v1/refunds/ref_1"):
            answer = await host.get(path)
            assert answer.status_code in {403, 404}, (name, path)
        adjusted = await host.post(
            "/api/v1/customers/asha/adjustments",
            json={"amount": 1, "currency": "INR"},
            headers={"Idempotency-Key": "k"},
        )
        assert (adjusted.status_code, adjusted.json()["code"]) == (403, "forbidden")
    # A customer of the host's stays one, whatever other token a request brings along.
    staff = bearer(sub="sam", scope="staff", role="owner")
    assert (await host.get("/api/v1/customers/asha/wallet", headers=staff)).status_code == 403
    host.cookies.clear()
    assert (await host.get("/api/v1/customers/asha/wallet", headers=staff)).status_code == 200


async def test_whatever_goes_wrong_in_the_host_lets_nobody_in(host):
    for user, status in (
        ("refused", 401), ("crash", 500), (7, 500), (True, 500), ({"id": "asha"}, 500),
        ("", 400), ("a/b", 400), ("x" * 129, 400), (None, 401),
    ):  # fmt: skip
        await sign_in(host, user)
        assert (await host.get("/api/v1/wallet")).status_code == status, user


async def test_another_sites_page_changes_nothing_with_the_hosts_cookie(host):
    await sign_in(host, "asha")
    own = str(host.base_url).rstrip("/")
    for headers, is_let_in in (
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Sec-Fetch-Site": "same-origin", "Origin": own}, True),
        ({"Origin": own}, True),
        ({}, True),
    ):
        answer = await host.post(
            "/api/v1/orders", json=ORDER, headers={"Idempotency-Key": "k", **headers}
        )
        code = answer.json()["code"]
        assert (code != "cross_origin") is is_let_in, headers


async def test_the_hosts_guards_leave_batuas_routes_alone_and_its_own_stay_guarded(host):
    host.cookies.clear()
    hook = await host.post("/api/v1/webhooks/razorpay", content=b"{}")
    assert hook.json()["code"] == "webhook_rejected"
    assert (await host.get("/health/live")).status_code == 200
    assert (await host.get("/admin/")).status_code == 200
    wallet = await host.get("/api/v1/wallet", headers=bearer(sub="ravi"))
    assert wallet.json()["customer"] == "ravi"
    assert (await host.get("/own")).status_code == 401
    await sign_in(host, "asha")
    assert (await host.post("/own")).status_code in {403, 405}
    # Litestar's own shape of an error, not ours.
    assert (await host.get("/broken")).json() == {
        "status_code": 401,
        "detail": "the host's own words",
    }


@pytest.mark.filterwarnings("ignore:If running sessions in production")
async def test_two_shops_in_one_process_keep_their_staff_and_money_apart(request, tmp_path):
    template, folder = request.getfixturevalue("_migrated_file"), tmp_path
    hashed = Staff.hash_password(PASSWORD, iterations=10)
    async with AsyncExitStack() as stack:
        shops = {}
        for name in ("asha", "ravi"):
            url = f"sqlite:///{folder / name}"
            shutil.copyfile(template, folder / name)
            settings = read_settings({}, database_url=url, jwt_secret=JWT_SECRET)
            app = Litestar(plugins=[BatuaPlugin(settings, {}, now=CLOCK.now)], logging_config=None)
            base = await stack.enter_async_context(serving(app))
            async with app.state.batua.database.transaction() as transaction:
                await transaction.execute(
                    "insert into batua_staff (username, password, email, active, admin, superuser,"
                    " role) values ($1, $2, $1, true, true, true, 'owner')", name, hashed,
                )  # fmt: skip
                await transaction.execute(
                    "insert into batua_customer (id, name, phone, language, created_at, updated_at,"
                    " version) values ($1, $1, '', 'en', $2, $2, 1)", name, CLOCK.now(),
                )  # fmt: skip
            shops[name] = await stack.enter_async_context(
                httpx.AsyncClient(base_url=f"{base}/admin", verify=False)
            )
        for name, http in shops.items():
            await http.get("/")
            http.headers["X-CSRFToken"] = http.cookies["csrftoken"]
            for other in shops:
                signed = await http.post(
                    "/public/login/", json={"username": other, "password": PASSWORD}
                )
                assert (signed.status_code == 200) is (other == name), (name, other)
        for _ in range(2):
            for name, http in shops.items():
                found = await http.get("/api/tables/batua_customer/")
                assert [row["id"] for row in found.json()["rows"]] == [name]
                session = http.cookies["batua_session"]
                for stranger in shops.values():
                    if stranger is not http:
                        told = await stranger.get(
                            "/api/tables/batua_customer/",
                            headers={"Cookie": f"batua_session={session}"},
                        )
                        assert told.status_code == 401


async def test_a_shop_that_ends_badly_leaves_nothing_running(sqlite_url):
    settings = read_settings(
        {}, database_url=sqlite_url, jwt_secret=JWT_SECRET,
        otlp_endpoint="http://127.0.0.1:9/v1/traces",
    )  # fmt: skip
    threads, tasks = {*threading.enumerate()}, asyncio.all_tasks()
    app = Litestar(plugins=[BatuaPlugin(settings, {})], logging_config=None)

    async def end_badly():
        async with app.lifespan():
            raise RuntimeError("as told")

    with pytest.raises(ExceptionGroup):  # of the one, by Litestar
        await end_badly()
    left = [thread.name for thread in {*threading.enumerate()} - threads]
    assert [name for name in left if not name.startswith("asyncio")] == []
    assert asyncio.all_tasks() == tasks
