"""The panel's lists: what is read on them, what is typed to find, and what leads where."""

import re
from datetime import timedelta
from itertools import chain

import httpx
import pytest
import pytest_asyncio
from piccolo.columns import BigInt
from starlette.applications import Starlette

from batua.bootstrap import TABLES
from batua.contract import Money, format_money
from batua.database import Dialect, migrate
from batua.errors import DatabaseUnavailable
from batua.identity import Role
from batua.wallets import AdjustmentKind
from batua_admin.lists import LISTS, list_routes
from batua_admin.lists.catalogue import find
from batua_admin.lists.columns import AMOUNTS, Kind
from batua_admin.lists.finding import Found, find_rows
from batua_admin.lists.reading import DEPTH, Reading
from batua_admin.lists.typed import Unreadable, parse_amount, parse_time
from batua_admin.sessions import SignedIn
from batua_admin.tables import STAFF_TABLES
from tests.support.clock import START, FakeClock
from tests.support.databases import opened
from tests.support.shop import open_shop

pytestmark = pytest.mark.asyncio(loop_scope="module")

COUNTS = frozenset({
    "account_id", "account_seq", "attempts", "changed_in", "credit_account", "debit_account", "id",
    "joined", "last_step", "number", "orders", "polls", "response_status", "reverses", "seq",
    "spenders", "total", "transfer_seq", "version", "waiting", "waiting_since",
})  # fmt: skip
"""Whole numbers that are no money; the ``total`` of a figure may be seconds."""
HOSTILE = (
    "=cmd|'/c calc'!A1 <img src=x onerror=alert(1)><svg onload=alert(2)> \u202egnirts"
    + "w" * 10_000
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(shop_url):
    """A shop in which everything has happened once."""
    async with opened(shop_url) as database:
        await migrate(database)
    async with open_shop(shop_url, FakeClock()) as shop:
        await shop.run(
            "insert into batua_customer"
            " (id, name, phone, language, created_at, updated_at, version)"
            " values ('asha', 'Asha Rao', '+915550000001', 'en', $1, $1, 1)", START,
        )  # fmt: skip
        shop.clock.advance(1)
        await shop.topped_up(250_000)
        shop.order = (await shop.create_order(30_000, pay=True, reference="A-100"))["id"]
        await shop.refund(shop.order, "wallet", 10_000)
        await shop.give(2_500, "kenji", "JPY")
        await shop.give(2_500, "noor", "KWD")
        shop.hostile = (await shop.create_order(100, reference="=1+1", pay=True))["id"]
        await shop.run(
            "update batua_order set description = $1 where id = $2", HOSTILE, shop.hostile
        )
        shop.split = (await shop.create_order(400_000, reference="A-101"))["id"]
        opened_payment = await shop.pay_split(shop.split)
        await shop.provider.pay(opened_payment["payment"]["provider_reference"])
        await shop.hear()
        bonus = shop.adjustment(
            500, kind=AdjustmentKind.BONUS, expires_at=START + timedelta(days=30)
        )
        await shop.batua.engine.submit(bonus)
        yield shop


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ask(shop):
    """Asks the lists as somebody of a role who has signed in."""
    routes = list_routes(shop.batua)

    async def signed_in(scope, receive, send):
        role = Role(dict(scope["headers"]).get(b"role", b"viewer").decode())
        scope["user"] = SignedIn(
            staff_id=1, username=role, account_role=role, role=role, held_back="",
            address="127.0.0.1", session_id="ses_1", has_second_factor=True,
            has_one_time_password=False,
        )  # fmt: skip
        await app(scope, receive, send)

    app = Starlette()
    app.mount("/tables", routes)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(signed_in), base_url="http://panel/tables"
    ) as http:

        async def asking(path, *, role="viewer", expect=200, method="GET", **params):
            params = {name.removeprefix("q_"): value for name, value in params.items()}
            answer = await http.request(method, path, params=params, headers={"role": role})
            assert answer.status_code == expect, answer.text
            return answer.json() if expect == 200 else answer.text

        yield asking


async def rows(ask, name, **params):
    return (await ask(f"/{name}/", **params))["rows"]


async def test_every_table_is_a_list_and_every_list_is_drawn(ask):
    listed = {each.table for each in LISTS}
    assert listed == {*TABLES, *STAFF_TABLES}
    grouped = (await ask("/grouped/", role="owner"))["grouped"]
    assert sorted(chain.from_iterable(grouped.values())) == sorted(each.name for each in LISTS)
    for each in LISTS:
        schema = await ask(f"/{each.name}/schema/", role="owner")
        shown = schema["extra"]["visible_column_names"]
        assert set(shown) <= set(schema["properties"]), each.name
        assert schema["extra"]["link_column_name"] in shown, each.name
        count = (await ask(f"/{each.name}/count/", role="owner"))["count"]
        found = await rows(ask, each.name, role="owner")
        assert len(found) == min(count, 25), each.name
        for row in found[:3]:
            assert set(row) >= {*shown, each.key}
            whole = await ask(f"/{each.name}/{row[each.key]}/", role="owner")
            assert whole.keys() >= row.keys()


async def test_every_whole_number_is_known_to_be_money_or_not():
    for each in LISTS:
        for column in each.table._meta.columns:
            if isinstance(column, BigInt):
                assert column._meta.name in AMOUNTS | COUNTS, (each.name, column._meta.name)


async def test_secrets_and_staff_are_shown_to_nobody_who_may_not(ask):
    for each in LISTS:
        for column in each.table._meta.columns:
            assert not (column._meta.secret and column._meta.name in each.columns)
    await ask("/staff/", role="finance", expect=403)
    assert "staff" not in str(await ask("/grouped/", role="finance"))


async def test_amounts_times_and_names_are_read_as_people_write_them(ask, shop):
    (order,) = await rows(ask, "orders", reference="A-100")
    assert order["amount"] == "₹300.00"
    assert order["refunded"] == "₹100.00"
    assert order["customer_id"] == "asha"
    assert order["customer_id_readable"] == "Asha Rao (asha)"
    assert order["created_at"] == f"{START + timedelta(seconds=1):%Y-%m-%d %H:%M:%S} UTC"
    schema = await ask("/orders/schema/")
    choice = schema["properties"]["status"]["extra"]["choices"][order["status"]]
    assert choice["display_name"] == "Partially refunded"
    held = {row["key"]: row["posted"] for row in await rows(ask, "accounts")}
    assert held["wallet:kenji:JPY"] == "JP¥2,500"
    assert held["wallet:noor:KWD"] == "KWD2.500"
    assert held["gateway:razorpay:INR"].startswith("-₹")
    # An entry has no currency of its own: it is its account's.
    (account,) = await rows(ask, "accounts", key="wallet:kenji:JPY")
    (entry,) = await rows(ask, "entries", account_id=account["id"])
    assert (entry["amount"], entry["currency"]) == ("JP¥2,500", "JPY")
    assert entry["account_id_readable"] == "wallet:kenji:JPY"


async def test_nothing_is_written_through_a_list(ask, shop):
    before = await shop.rows("order", order="id")
    for each in LISTS:
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            for path in (f"/{each.name}/", f"/{each.name}/{shop.order}/", f"/{each.tablename}/1/"):
                said = await ask(path, method=method, role="owner", expect=405)
                assert "read-only" in said
    assert await shop.rows("order", order="id") == before


@pytest.mark.parametrize(
    ("typed", "references"),
    [
        ("300", ["A-100"]),
        ("₹300.00", ["A-100"]),
        ("INR 300", ["A-100"]),
        (">300", ["A-101"]),
        (">= 300", ["A-101", "A-100"]),
        ("1..300", ["=1+1", "A-100"]),
        ("₹1.00 .. ₹300.00", ["=1+1", "A-100"]),
        ("4,000.00", ["A-101"]),
        ("300.001", []),
        ("JPY 30000", []),
        ("three hundred", []),
    ],
)
async def test_an_amount_is_found_as_it_is_meant(ask, typed, references):
    found = await rows(ask, "orders", amount=typed, amount__operator="e")
    assert [row["reference"] for row in found] == references
    counted = await ask("/orders/count/", amount=typed, amount__operator="e")
    assert counted["count"] == len(references)


async def test_what_means_nothing_finds_nothing_and_says_why(ask):
    answer = await ask("/orders/", amount="three hundred")
    assert answer["rows"] == []
    assert "is no amount in INR" in answer["detail"]
    for params in ({"created_at": "yesterday"}, {"status": "lost"}, {"version": "x"}):
        assert (await ask("/orders/", **params))["detail"]


async def test_times_words_texts_and_numbers_are_found(ask):
    day = f"{START:%Y-%m-%d}"

    async def found(listed, **params):
        return (await ask(f"/{listed}/count/", **params))["count"]

    assert await found("orders", created_at=day) == 3
    assert await found("orders", created_at=f"<{day}") == 0
    assert await found("orders", created_at=f"{day}..{day}") == 3
    assert await found("orders", created_at=day, created_at__operator="gt") == 0
    assert await found("orders", status="paid", status__operator="e") == 2
    assert await found("orders", status="paid", status__operator="ne") == 1
    assert await found("orders", paid_at__operator="is_null") == 0
    assert await found("orders", paid_at__operator="not_null") == 3
    assert await found("customers", name="RAO", name__match="contains") == 1
    assert await found("customers", name="100%", name__match="contains") == 0
    assert await found("customers", id="as", id__match="starts") == 1
    assert await found("orders", reference="A-1") == 0, "a reference is found whole"
    assert await found("orders", reference="A-1", reference__match="starts") == 2
    assert await found("accounts", may_overdraw="true", kind="wallet") == 0
    assert await found("transfers", seq=">1") == await found("transfers") - 1


async def test_lists_are_ordered_by_number_and_pages_do_not_overlap(ask):
    async def references(**params):
        return [row["reference"] for row in await rows(ask, "orders", **params)]

    assert await references(q___order="amount") == ["=1+1", "A-100", "A-101"]
    assert await references(q___order="-amount") == ["A-101", "A-100", "=1+1"]
    pages = [await references(q___page_size=1, q___page=page, q___order="customer_id")
             for page in (1, 2, 3)]  # fmt: skip
    assert sorted(chain.from_iterable(pages)) == ["=1+1", "A-100", "A-101"]
    for refused in ({"q___order": "nothing"}, {"q___order": "-id,(select 1)"},
                    {"q___visible_fields": "password"}, {"nothing": "1"},
                    {"q___page": 1 + DEPTH, "q___page_size": 1000}, {"q___page_size": 1001},
                    {"amount": "1", "amount__operator": "like"}):  # fmt: skip
        await ask("/orders/", expect=400, **refused)
    # What no index knows is not offered on what grows with every payment.
    await ask("/entries/", expect=400, q___order="-amount")
    await ask("/transfers/", expect=400, reason="order")
    schema = await ask("/transfers/schema/")
    assert "amount" not in schema["extra"]["visible_filter_names"]


async def follow(ask, name, key, to):
    """The rows of ``to`` that a click away belong to this row."""
    offered = (await ask(f"/{name}/references/"))["references"]
    found = []
    for reference in offered:
        if reference["tableName"] == to:
            found += await rows(ask, to, **{reference["columnName"]: key})
    return found


async def test_what_belongs_together_is_a_click_apart(ask, shop):
    (order,) = await rows(ask, "orders", reference="A-101")
    (payment,) = await follow(ask, "orders", order["id"], "payments")
    (capture,) = await follow(ask, "payments", payment["id"], "captures")
    webhooks = await follow(ask, "payments", payment["id"], "webhook_events")
    assert {row["payment_id"] for row in webhooks} == {payment["id"]}
    transfers = await follow(ask, "orders", order["id"], "transfers")
    assert len(transfers) == 2, "the wallet's share and the gateway's"
    of_payment = await follow(ask, "payments", payment["id"], "transfers")
    assert {row["seq"] for row in of_payment} <= {row["seq"] for row in transfers}
    assert of_payment
    for transfer in transfers:
        debit, credit = sorted(await follow(ask, "transfers", transfer["seq"], "entries"),
                               key=lambda row: row["id"])  # fmt: skip
        assert (debit["account_id"], credit["account_id"]) == (
            transfer["debit_account"], transfer["credit_account"],
        )  # fmt: skip
        again = await follow(ask, "accounts", credit["account_id"], "entries")
        assert credit in again
        assert [row["id"] for row in again] == sorted((row["id"] for row in again), reverse=True)
    assert capture["payment_id"] == payment["id"]
    messages = await follow(ask, "orders", order["id"], "notifications")
    assert [row["template"] for row in messages] == ["order_paid"]
    for name in ("orders", "top_ups", "payments", "captures", "refunds", "notifications"):
        of_customer = await follow(ask, "customers", "asha", name)
        assert of_customer, name
        assert {row["customer_id_readable"] for row in of_customer} == {"Asha Rao (asha)"}
    (wallet,) = await follow(ask, "customers", "asha", "accounts")
    assert wallet["key"] == "wallet:asha:INR"
    (refund,) = await follow(ask, "orders", shop.order, "refunds")
    (back,) = await follow(ask, "refunds", refund["id"], "transfers")
    assert back["kind"] == "refund_to_wallet"
    (lot,) = await follow(ask, "accounts", wallet["id"], "lots")
    assert await follow(ask, "lots", lot["id"], "lot_entries")


async def test_a_row_that_there_is_not_is_not_found(ask):
    for path in ("/orders/none/", "/orders/a%2Fb/", "/orders/%00/", "/accounts/0/", "/accounts/x/",
                 f"/accounts/{'9' * 18}/", f"/staff/{'9' * 18}/", f"/transfers/{'9' * 40}/",
                 "/nothing/", "/nothing/schema/"):  # fmt: skip
        await ask(path, role="owner", expect=404)
    assert await rows(ask, "staff", role="owner", id="9" * 18) == []
    assert await rows(ask, "entries", account_id="x") == []


async def test_what_takes_too_long_is_given_up(shop):
    database = shop.batua.database
    if database.dialect is not Dialect.POSTGRES:
        return  # a shop in a file is small, and its readers wait for nobody
    orders, reading = find("orders"), Reading(database, seconds_max=0.05)
    async with database.transaction() as writes:
        await writes.execute("lock table batua_order in access exclusive mode")
        with pytest.raises(DatabaseUnavailable, match="statement timeout"):
            await reading.count(orders, Found(database.dialect))
    assert await Reading(database).count(orders, Found(database.dialect)) == 3
    assert (await database.fetch_one("show statement_timeout"))["statement_timeout"] == "0"


async def test_more_than_can_be_counted_is_estimated(shop):
    database = shop.batua.database
    found = find_rows(
        find("entries"), [("account_id", "1")], dialect=database.dialect, shop_currency="INR"
    )
    exactly = await Reading(database).count(find("entries"), found)
    assert exactly > 2
    roughly = await Reading(database, depth=1).count(find("entries"), found)
    # SQLite counts them all; PostgreSQL guesses, and never less than what was counted.
    assert roughly == exactly if database.dialect is Dialect.SQLITE else roughly >= 2


async def test_rows_to_find_by_are_chosen_by_name(ask):
    assert await ask("/customers/ids/", search="rao", limit=6) == {"asha": "Asha Rao (asha)"}
    assert len(await ask("/orders/ids/", limit=2, offset=1)) == 2
    assert list((await ask("/orders/ids/", search="A-100")).values()) == ["A-100"]
    assert await ask("/orders/ids/", search="nothing of the kind") == {}


async def test_what_is_exported_adds_up_and_runs_nothing(ask, shop):
    found = await rows(ask, "orders", q___page_size=1000, q___readable="true")
    by_reference = {row["reference"]: row for row in found}
    assert by_reference["A-100"]["amount"] == "300.00"
    assert by_reference["A-100"]["currency"] == "INR"
    assert by_reference["'=1+1"]["description"] == f"'{HOSTILE}"
    named = await rows(ask, "orders", q___page_size=1000, q___visible_fields="amount")
    assert set(named[0]) == {"id", "amount", "currency"}
    accounts = await rows(ask, "accounts", q___page_size=1000)
    assert {row["posted"] for row in accounts} >= {"2500", "2.500"}
    assert all(float(row["posted"]) < 0 for row in accounts if row["key"].startswith("gateway:"))


async def test_a_long_text_is_whole_on_its_row_and_short_as_a_name(ask, shop):
    assert (await ask(f"/orders/{shop.hostile}/"))["description"] == HOSTILE
    assert "description" not in (await rows(ask, "orders"))[0]
    await shop.run("update batua_customer set name = $1 where id = 'noor'", HOSTILE)
    (row,) = await rows(ask, "adjustments", customer_id="noor")
    assert len(row["customer_id_readable"]) < 80
    assert (await ask("/customers/noor/"))["name"] == HOSTILE


@pytest.mark.parametrize(("amount", "currency"), [
    (0, "INR"), (5, "INR"), (-250_000, "INR"), (123_456_789, "USD"), (2_500, "JPY"), (-1, "KWD"),
    (9_000_000_000_000_000, "INR"), (7, "XOF"),
])  # fmt: skip
async def test_what_a_list_shows_can_be_typed_to_find_it(amount, currency):
    span = parse_amount(format_money(amount, currency), "e", "EUR")
    assert (span.low, span.currency) == (amount, currency)
    assert Money(span.low, span.currency)


async def test_a_span_of_time_ends_with_what_was_named():
    for typed, low, high in (
        ("2026", "2026-01-01", "2027-01-01"), ("2026-12", "2026-12-01", "2027-01-01"),
        ("2026-02-28", "2026-02-28", "2026-03-01"),
        ("2026-11-28 12:03", "2026-11-28 12:03", "2026-11-28 12:04"),
        ("2026-11-28 12:03:13 UTC", "2026-11-28 12:03:13", "2026-11-28 12:03:14"),
        ("2026-11..2026-12-02", "2026-11-01", "2026-12-03"),
    ):  # fmt: skip
        span = parse_time(typed, "e")
        assert (str(span.low)[: len(low)], str(span.high)[: len(high)]) == (low, high), typed
    for typed in ("", "28-11-2026", "2026-13", "2026-02-30", "9999-12-31", "now", "²026"):
        with pytest.raises(Unreadable):
            parse_time(typed, "e")


async def test_every_word_that_the_database_allows_can_be_chosen(shop):
    if shop.batua.database.dialect is not Dialect.SQLITE:
        return  # the same migrations, and SQLite keeps their words
    tables = await shop.batua.database.fetch("select name, sql from sqlite_master")
    written = {row["name"]: row["sql"] for row in tables}
    compared = 0
    for each in LISTS:
        for name, words in re.findall(r"check \((\w+) in \(([^)]+)\)\)", written[each.tablename]):
            column = each.columns[name]
            if column.kind is Kind.WORD:
                assert {f"'{word}'" for word in column.words} == set(words.split(", ")), name
                compared += 1
    assert compared > 20
