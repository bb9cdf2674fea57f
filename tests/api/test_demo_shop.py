"""The demo's shop lets in its own page and nobody else, and is served by nothing but the demo."""

import httpx
import jwt
import pytest
from litestar import Litestar

from batua.settings import read_settings
from batua.wallets import Newcomer
from batua_api.app import create_app
from batua_api.demo_shop import FORWARDED, TOKEN_LIFE, Provider, StaffLogin, demo_shop
from batua_api.frontend import FOLDER
from batua_api.plugin import BatuaPlugin
from batua_api.problems import EXCEPTION_HANDLERS

BASE = "http://127.0.0.1:8000"
SECRET = "0123456789abcdef0123456789abcdef"
PASSWORD = "a-password-of-staff"
ASKED = {"session": {"customer": "asha"}, "staff": {}}
STRANGERS = ("null", "http://localhost:8000", "http://127.0.0.1:8001", "https://127.0.0.1:8000", "")
TYPES = {
    ".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".svg": "image/svg+xml"
}  # fmt: skip
HERE = ("127.0.0.1", 40_000)


@pytest.fixture(scope="module")
def demo():
    settings = read_settings({"BATUA_JWT_SECRET": SECRET}, public_url=BASE)
    handlers = demo_shop(
        settings,
        customers={"asha": Newcomer(name="Asha", phone="+915550000001")},
        providers=(Provider("razorpay", "Razorpay", "/simulators/razorpay", has_books=True),),
        staff=StaffLogin("owner", PASSWORD),
    )
    return Litestar(handlers, exception_handlers=EXCEPTION_HANDLERS, openapi_config=None)


def visiting(app, client=HERE):
    transport = httpx.ASGITransport(app, client=client)
    return httpx.AsyncClient(transport=transport, base_url=BASE)


async def ask(app, path, body, client=HERE, **headers):
    async with visiting(app, client) as http:
        return await http.post(f"/demo/{path}", json=body, headers={"origin": BASE} | headers)


async def test_its_own_page_gets_a_token_of_a_seeded_customer_for_minutes(demo):
    answer = await ask(demo, "session", {"customer": "asha"})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    claims = jwt.decode(answer.json()["token"], SECRET, algorithms=["HS256"], audience="batua")
    assert (claims["sub"], claims["scope"], "role" in claims) == ("asha", "customer", False)
    assert claims["exp"] - claims["iat"] == TOKEN_LIFE.total_seconds() == 600


async def test_its_own_page_is_told_the_staffs_login(demo):
    answer = await ask(demo, "staff", {})
    assert answer.json() == {"url": "/admin/", "user": "owner", "password": PASSWORD}
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("body", [{}, {"customer": 1}, {"customer": "asha", "scope": "staff"}, []])
async def test_a_body_that_does_not_fit_is_refused(demo, body):
    assert (await ask(demo, "session", body)).status_code == 400


@pytest.mark.parametrize("customer", ["", "staff", "owner", "Asha", "asha ", "stranger"])
async def test_nobody_but_the_seeded_customers_gets_a_token(demo, customer):
    answer = await ask(demo, "session", {"customer": customer})
    assert answer.status_code == 404
    assert "token" not in answer.json()


@pytest.mark.parametrize("path", ASKED)
async def test_whoever_is_not_its_own_page_is_refused(demo, path):
    body = ASKED[path]
    others = [
        *({"origin": origin} for origin in STRANGERS),
        *({"host": host} for host in ("localhost:8000", "127.0.0.1", "shop.example", "")),
        *({name: "203.0.113.7"} for name in FORWARDED),
    ]
    for headers in others:
        refused(await ask(demo, path, body, **headers), headers)
    for client in (("203.0.113.7", 1), ("10.0.0.1", 1), ("somebody", 1), None):
        refused(await ask(demo, path, body, client), client)
    async with visiting(demo) as http:
        refused(await http.post(f"/demo/{path}", json=body), "no origin")
        twice = [("origin", BASE), ("origin", BASE)]
        refused(await http.post(f"/demo/{path}", json=body, headers=twice), "two origins")
        assert (await http.get(f"/demo/{path}", headers={"origin": BASE})).status_code == 405


def refused(answer, why):
    assert answer.status_code == 403, why
    assert answer.json()["code"] == "forbidden", why
    assert PASSWORD not in answer.text, why
    assert f"Open {BASE}/demo/ here." in answer.json()["detail"]


async def test_what_it_tells_everybody_has_no_secret(demo):
    async with visiting(demo) as http:
        told = await http.get("/demo/about.json")
    assert told.json() == {
        "base": BASE,
        "customers": [{"id": "asha", "name": "Asha", "phone": "+915550000001"}],
        "providers": [
            {
                "code": "razorpay",
                "name": "Razorpay",
                "url": "/simulators/razorpay",
                "has_books": True,
            }
        ],
    }
    assert SECRET not in told.text
    assert PASSWORD not in told.text


async def test_its_pages_load_from_itself_alone_and_lead_to_it(demo):
    async with visiting(demo) as http:
        assert (await http.get("/")).headers["location"] == "/demo/"
        for path in [file for file in (FOLDER / "demo").rglob("*.*") if file.suffix in TYPES]:
            name = path.relative_to(FOLDER).as_posix()
            read = await http.get(f"/{name}")
            assert read.content == path.read_bytes(), name
            assert read.headers["content-type"].startswith(TYPES[path.suffix]), name
            assert "default-src 'self'" in read.headers["content-security-policy"], name
            assert "unsafe" not in read.headers["content-security-policy"], name
        index = await http.get("/demo/")
        assert index.text == (FOLDER / "demo" / "index.html").read_text(encoding="utf-8")
        assert index.headers["cache-control"] == "no-cache"


def test_a_server_has_none_of_it():
    app = create_app(BatuaPlugin(read_settings({"BATUA_JWT_SECRET": SECRET}), {}))
    assert [route.path for route in app.routes if "demo" in route.path] == []
    assert not any(route.path == "/" for route in app.routes)


def test_a_login_is_not_told_by_its_repr():
    assert PASSWORD not in repr(StaffLogin("owner", PASSWORD))
