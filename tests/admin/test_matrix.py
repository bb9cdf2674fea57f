"""Every route of the panel against everybody who may knock: each answer as one table says.

The routes are those of a panel that was built: one without a line fails, and so does a line
without a route. What the answers say is for the other files.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

import pytest
import pytest_asyncio
from fastapi import FastAPI
from piccolo_admin.endpoints import AdminRouter
from starlette.applications import Starlette
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.routing import Mount, Route, Router
from starlette.staticfiles import StaticFiles

from batua.contract import Money
from batua.database import Dialect
from batua.identity import Role
from batua.limits import ClientAddresses
from batua.orders import NewOrder
from batua.staff import ROLES, Word
from batua_admin import create_panel
from batua_admin.dashboard import CSV_FILES
from batua_admin.entrance import Entrance
from batua_admin.forms import FORMS
from batua_admin.lists import LISTS
from batua_admin.pages.application import STATIC
from batua_admin.panel import LOOK
from batua_admin.sessions import Sessions
from tests.support.shop import claim
from tests.support.staff import open_office

pytestmark = [
    # These tests serve plain http on loopback, and Piccolo says what that means in production.
    pytest.mark.filterwarnings("ignore:If running sessions in production"),
    pytest.mark.asyncio(loop_scope="module"),
]

# --- who comes -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Caller:
    """Somebody with a session. ``acts_as`` is what it is worth: nothing, where it is over."""

    account_role: Role
    acts_as: Role | None
    has_second_factor: bool = False
    is_disabled: bool = False
    has_one_time_password: bool = False


CALLERS = {
    "viewer": Caller(Role.VIEWER, Role.VIEWER),
    "support": Caller(Role.SUPPORT, Role.SUPPORT),
    "finance": Caller(Role.FINANCE, Role.FINANCE, has_second_factor=True),
    "owner": Caller(Role.OWNER, Role.OWNER, has_second_factor=True),
    "finance without a second factor": Caller(Role.FINANCE, Role.VIEWER),
    "owner who was disabled": Caller(Role.OWNER, None, has_second_factor=True, is_disabled=True),
    "owner with a password for once": Caller(
        Role.OWNER, Role.OWNER, has_second_factor=True, has_one_time_password=True
    ),
}
STRANGER = "stranger"

# --- what they ask for ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Ask:
    """One address of a route, and the answer of whoever acts as ``least`` or above.

    Whoever is not in gets 401, or 303 from a page; whoever acts below ``least`` gets 403, and so
    does, if it is not ``first``, who has a password for once. Where ``least`` is None everybody
    gets the same.
    """

    at: str
    least: Role | None = Role.VIEWER
    then: int = 200
    json: object = None
    data: dict[str, str] | None = None
    first: bool = False

    def answer(self, caller):
        if self.least is None:
            return self.then
        known = CALLERS.get(caller)
        if known is None or known.acts_as is None:
            return 303 if self.at.startswith("/pages/") else 401
        if known.has_one_time_password and not self.first:
            return 403
        return self.then if known.acts_as.reaches(self.least) else 403


LISTS_OF = {
    "audit_log": Role.FINANCE, "audit_head": Role.FINANCE,
    "staff": Role.OWNER, "staff_sessions": Role.OWNER, "second_factors": Role.OWNER,
    "recovery_codes": Role.OWNER,
}  # fmt: skip
"""The lists that are not for everybody who comes in."""
WRITES = "DELETE PATCH POST PUT"


def lists(rest="", names=(*LISTS_OF, "orders")):
    return [Ask(f"/api/tables/{name}/{rest}", LISTS_OF.get(name, Role.VIEWER)) for name in names]


def table(keys, order):
    """Every route by its methods and path, and how it is asked. ``keys`` are those of rows."""
    no_such_form = {"at": "/pages/do/none-such/", "then": 404}
    return {
        # For everybody: the page itself, how it looks, and the way in and out.
        ("GET HEAD", "/"): [Ask("/", None)],
        ("MOUNT", "/assets"): [Ask("/assets/none.js", None, 404)],
        ("MOUNT", "/look"): [Ask(f"/look/{each.name}", None) for each in LOOK.iterdir()],
        ("MOUNT", "/pages/static"): [
            Ask(f"/pages/static/{each.name}", None) for each in STATIC.iterdir()
        ],
        ("GET", "/public/meta/"): [Ask("/public/meta/", None)],
        ("GET", "/public/translations/"): [Ask("/public/translations/", None)],
        ("GET", "/public/translations/{language_code:str}/"): [
            Ask("/public/translations/en/", None), Ask("/public/translations/xx/", None, 404),
        ],
        ("POST", "/public/login/"): [
            Ask("/public/login/", None, 422, json={"username": "owner", "password": ""}),
        ],
        ("POST", "/public/logout/"): [Ask("/public/logout/", None)],
        # What the page asks for whoever has signed in. It tells nothing of the shop.
        ("GET", "/api/user/"): [Ask("/api/user/", first=True)],
        ("GET", "/api/links/"): [Ask("/api/links/", first=True)],
        ("POST", "/api/change-password/"): [
            Ask("/api/change-password/", then=400, json=["no object"], first=True),
        ],
        ("GET HEAD", "/api/mfa-setup/"): [Ask("/api/mfa-setup/", then=303)],
        # Lists are read, and written by nobody.
        ("GET HEAD", "/api/tables/"): [Ask("/api/tables/", first=True)],
        ("GET HEAD", "/api/tables/grouped/"): [Ask("/api/tables/grouped/", first=True)],
        ("GET HEAD", "/api/tables/{name}/"): [
            *lists(names=[each.name for each in LISTS]), Ask("/api/tables/none/", then=404),
            Ask("/api/tables/batua_staff/", Role.OWNER), Ask("/api/tables/piccolo_user/", then=404),
        ],
        ("GET HEAD", "/api/tables/{name}/schema/"): lists("schema/"),
        ("GET HEAD", "/api/tables/{name}/count/"): lists("count/"),
        ("GET HEAD", "/api/tables/{name}/ids/"): lists("ids/"),
        ("GET HEAD", "/api/tables/{name}/references/"): lists("references/"),
        ("GET HEAD", "/api/tables/{name}/{key:path}/"): [
            *chain.from_iterable(lists(f"{key}/", [name]) for name, key in keys.items()),
            Ask("/api/tables/orders/none/", then=404),
        ],
        (WRITES, "/api/tables/{path:path}"): [
            Ask(f"/api/tables/{path}", then=405, json={"posted": 1, "active": True})
            for name, key in keys.items()
            for path in (f"{name}/", f"batua_{name}/{key}/")
        ],
        # Piccolo's own, in whose place ours are.
        ("GET", "/api/tables/"): [],
        ("GET", "/api/tables/grouped/"): [],
        # Forms, as Piccolo draws them and as we do.
        ("GET", "/api/forms/"): [Ask("/api/forms/", first=True)],
        ("GET", "/api/forms/grouped/"): [Ask("/api/forms/grouped/", first=True)],
        ("GET", "/api/forms/{form_slug:str}/"): [
            Ask(f"/api/forms/{FORMS[0].slug}/"), Ask("/api/forms/none-such/", then=404),
        ],
        ("GET", "/api/forms/{form_slug:str}/schema/"): [
            Ask(f"/api/forms/{FORMS[0].slug}/schema/"),
            Ask("/api/forms/none-such/schema/", then=404),
        ],
        ("POST", "/api/forms/{form_slug:str}/"): [
            Ask(f"/api/forms/{each.slug}/", ROLES[each.word], 422, json=example_of(each))
            for each in FORMS
        ],
        ("GET HEAD", "/pages/do/{slug}/"): [
            *(Ask(f"/pages/do/{each.slug}/", ROLES[each.word]) for each in FORMS),
            Ask(**no_such_form),
        ],
        ("POST", "/pages/do/{slug}/"): [
            *(Ask(f"/pages/do/{each.slug}/", ROLES[each.word], 422, data={}) for each in FORMS),
            Ask(**no_such_form),
        ],
        # Pages.
        ("GET HEAD", "/pages/"): [Ask("/pages/")],
        ("GET HEAD", "/pages/dashboard/"): [Ask("/pages/dashboard/")],
        ("GET HEAD", "/pages/dashboard/{name}.csv"): [
            *(Ask(f"/pages/dashboard/{name}.csv") for name in CSV_FILES),
            Ask("/pages/dashboard/none.csv", then=404),
        ],
        ("GET HEAD", "/pages/find/"): [Ask("/pages/find/")],
        ("GET HEAD", "/pages/approvals/"): [Ask("/pages/approvals/")],
        ("GET HEAD", "/pages/attention/"): [Ask("/pages/attention/")],
        ("GET HEAD", "/pages/gateways/"): [Ask("/pages/gateways/")],
        ("GET HEAD", "/pages/gateways/{code}/"): [
            Ask("/pages/gateways/razorpay/", Role.OWNER),
            Ask("/pages/gateways/none/", Role.OWNER, 404),
        ],
        ("POST", "/pages/gateways/{code}/"): [
            Ask("/pages/gateways/razorpay/", Role.OWNER, 422, data={"none": "1"}),
            Ask("/pages/gateways/none/", Role.OWNER, 404, data={}),
        ],
        ("GET HEAD", "/pages/staff/"): [Ask("/pages/staff/", Role.OWNER)],
        ("GET HEAD", "/pages/audit/"): [Ask("/pages/audit/", Role.FINANCE)],
        ("GET HEAD", "/pages/customers/{id}/"): [
            Ask("/pages/customers/asha/"), Ask("/pages/customers/none/", then=404),
        ],
        ("GET HEAD", "/pages/orders/{id}/"): [
            Ask(f"/pages/orders/{order}/"), Ask("/pages/orders/none/", then=404),
        ],
        ("GET HEAD", "/pages/security/"): [Ask("/pages/security/")],
        ("POST", "/pages/security/"): [
            Ask("/pages/security/", then=400, data={"action": "none"}),
        ],
    }  # fmt: skip


def example_of(form):
    """Fields that are well-formed, of things that there are not."""
    values = {
        "amount": "1", "currency": "INR", "state": "disabled", "decision": "approve",
        "direction": "debit", "status": "won", "role": "viewer", "reason_code": "goodwill",
    }  # fmt: skip
    if form.word is Word.CREATE_STAFF:
        values["name"] = "viewer"  # there is one
    schema = form.model.model_json_schema()
    return {name: values.get(name, "none-such") for name in schema.get("required", [])} | {
        name: values[name] for name in schema["properties"] if name in values
    }


# --- the panel's own routes ----------------------------------------------------------------------

WRAPPERS = (Entrance, AuthenticationMiddleware)
ROUTERS = (AdminRouter, FastAPI, Starlette, Router)


def routes_of(app, path="") -> Iterable[tuple[str, str]]:
    """Methods and path of everything that ``app`` answers. What it doesn't know is a failure."""
    if isinstance(app, WRAPPERS):
        yield from routes_of(app.app, path)
    elif isinstance(app, StaticFiles):
        yield "MOUNT", path
    else:
        assert isinstance(app, ROUTERS), f"nobody has said what {app!r} at {path} answers"
        for route in app.routes:
            if isinstance(route, Mount):
                yield from routes_of(route.app, path + route.path)
            else:
                assert isinstance(route, Route) or type(route).__name__ == "APIRoute", route
                yield " ".join(sorted(route.methods)), path + route.path


# --- one shop an engine --------------------------------------------------------------------------


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(shop_url):
    limits = {"login_limit_name": 1_000, "login_limit_address": 1_000}
    async with open_office(shop_url, **limits) as office:
        yield office


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cookies(office):
    """The session's cookie of each caller; a stranger has none."""
    found = {STRANGER: {}}
    for name, caller in CALLERS.items():
        found[name] = {"batua_session": await begin(office.batua, name, caller)}
    return found


async def begin(batua, name, caller):
    """A session as a login begins it: what a password proves is for ``test_doors.py``."""
    sessions = Sessions(batua.database, now=batua.now, new_id=batua.new_id)
    async with batua.database.transaction() as transaction:
        await transaction.execute(
            "insert into batua_staff (username, password, email, active, admin, superuser, role,"
            " has_one_time_password) values ($1, 'x', $1, $2, $2, $2, $3, $4)",
            name, True, str(caller.account_role), caller.has_one_time_password,
        )  # fmt: skip
    account = await batua.database.fetch_one("select * from batua_staff where username = $1", name)
    token = await sessions.begin(
        account, address="127.0.0.1", has_second_factor=caller.has_second_factor
    )
    if caller.is_disabled:  # and their session was left over
        async with batua.database.transaction() as transaction:
            await transaction.execute(
                "update batua_staff set active = $2 where username = $1", name, False
            )
    return token


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lines(office, cookies):
    """The table, of a shop with an order."""
    batua = office.batua
    new = NewOrder(
        id=batua.new_id("ord"), reference="R-1", customer_id="asha", money=Money(100, "INR"),
        description="", items="[]", created_by="customer:asha",
    )  # fmt: skip
    await batua.orders.create(new, claim(), pay=False)
    found = table(await keys_of_rows(batua.database), new.id)
    if batua.database.dialect is Dialect.POSTGRES:
        # Of each route once there: who may is decided alike, and only what is read differs.
        return {route: asks[:1] for route, asks in found.items()}
    return found


async def keys_of_rows(database):
    found = {}
    for each in LISTS:
        if each.name in {"orders", "ledger", "staff", "staff_sessions", "audit_head"}:
            row = await database.fetch_one(f"select {each.key} from {each.tablename} limit 1")
            found[each.name] = row[each.key]
    return found


async def written(database):
    """What no refusal may change."""
    return [
        await database.fetch(f"select * from {table}")
        for table in ("batua_audit_head", "batua_ledger", "batua_staff", "batua_order")
    ]


async def test_every_route_has_a_line_and_every_line_a_route(office, lines):
    panel = create_panel(
        office.batua, addresses=ClientAddresses(""), production=False, allowed_hosts=()
    )
    built = sorted(routes_of(panel))
    assert set(built) ^ set(lines) == set()
    assert built == sorted(lines)


async def test_every_route_answers_everybody_as_the_table_says(office, lines, cookies):
    before = await written(office.batua.database)
    found = await asyncio.gather(
        *(wrong_answers(office, lines, caller, cookie) for caller, cookie in cookies.items())
    )
    assert list(chain.from_iterable(found)) == []
    assert await written(office.batua.database) == before


async def wrong_answers(office, lines, caller, cookie):
    """What ``caller`` is told that the table doesn't say."""
    found = []
    async with office.browser() as http:
        http.cookies.update(cookie)
        for (methods, path), asks in lines.items():
            if path == "/public/logout/":
                continue  # it would end what the others need
            for method, ask in requests(methods, asks):
                answer = await http.request(method, ask.at, json=ask.json, data=ask.data)
                if answer.status_code != ask.answer(caller):
                    found.append((caller, method, ask.at, answer.status_code, answer.text[:200]))
    return found


def requests(methods, asks):
    """Each of what is asked by each method; of HEAD, which is GET, once a route is enough."""
    for number, ask in enumerate(asks):
        for method in methods.replace("MOUNT", "GET HEAD").split():
            if method != "HEAD" or number == 0:
                yield method, ask


async def test_no_route_takes_another_method_or_a_write_without_the_token(office, lines, cookies):
    before = await written(office.batua.database)
    known = defaultdict(set)
    for (methods, _), asks in lines.items():
        for ask in asks[:1]:
            known[ask.at].update(methods.replace("MOUNT", "GET HEAD").split())
    async with office.browser() as http:
        http.cookies.update(cookies["owner"])
        for at, methods in known.items():
            for method in {"OPTIONS", "TRACE", *WRITES.split()} - methods:
                answer = await http.request(method, at)
                assert answer.status_code in {404, 405}, (method, at)
        del http.headers["X-CSRFToken"]
        for (methods, _), asks in lines.items():
            for method in set(methods.split()) & set(WRITES.split()):
                for ask in asks[:1]:
                    answer = await http.request(method, ask.at, json=ask.json, data=ask.data)
                    assert (answer.status_code, "CSRF" in answer.text) == (403, True), ask.at
    assert await written(office.batua.database) == before


async def test_whoever_signs_out_is_out_and_nobody_else(office, cookies):
    """The last of all: it ends what the others need."""
    async with office.browser() as http:
        for caller in (STRANGER, "owner who was disabled", "viewer"):
            http.cookies.update(cookies[caller])
            assert (await http.post("/public/logout/")).status_code == 200, caller
        for caller, status in (("viewer", 401), ("support", 200)):
            http.cookies.update(cookies[caller])
            assert (await http.get("/api/user/")).status_code == status
