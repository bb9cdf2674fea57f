"""Many at once, over real HTTP: never more than there is, and one effect for one key."""

import asyncio
from collections import Counter

import pytest

from tests.postgres import run_apart
from tests.support.clients import JWT_SECRET, ShopClient, assert_sound, new_name, order_of
from tests.support.databases import read_rows
from tests.support.ports import free_port
from tests.support.processes import (
    clean_environ,
    gateway_at,
    run_batua,
    running_serve,
    running_simulator,
)

VARIABLES = {
    "BATUA_JWT_SECRET": JWT_SECRET,
    "BATUA_RATE_LIMIT": "off",
    "BATUA_CUSTOMER_ORDERS": "on",
}


@pytest.fixture(scope="module")
def processes(shop_url, tmp_path_factory):
    """The production server with its worker, and a provider."""
    cwd, port = tmp_path_factory.mktemp("shop"), free_port()
    migrated = run_batua("migrate", environ=clean_environ(shop_url), cwd=cwd)
    assert migrated.returncode == 0, migrated.stderr
    hook = f"http://127.0.0.1:{port}/api/v1/webhooks/razorpay"
    with running_simulator(cwd=cwd, webhook_url=hook) as simulator:
        variables = VARIABLES | gateway_at(simulator)
        with running_serve(shop_url, cwd=cwd, port=port, with_worker=True, **variables) as server:
            yield server, simulator
            run_apart(assert_sound(server.database_url))


@pytest.fixture
async def shop(processes):
    async with ShopClient(*processes) as shop:
        yield shop


@pytest.fixture(scope="module")
def two_servers(postgres_server, tmp_path_factory):
    """Two production servers on one database."""
    cwd, url = tmp_path_factory.mktemp("shops"), postgres_server.create()
    with (
        running_serve(url, cwd=cwd, **VARIABLES) as one,
        running_serve(url, cwd=cwd, **VARIABLES) as other,
    ):
        yield one, other
        run_apart(assert_sound(one.database_url))
    postgres_server.drop(url)


@pytest.fixture
async def two_shops(two_servers):
    async with ShopClient(two_servers[0]) as one, ShopClient(two_servers[1]) as other:
        yield [one, other]


def codes_of(answers):
    return Counter((answer.status_code, answer.json().get("code", "")) for answer in answers)


async def orders_of(shop, who):
    return await read_rows(
        shop.program.database_url,
        "select status, amount from batua_order where customer_id = $1",
        who,
    )


# --- more than there is -------------------------------------------------------------------------


async def race_for_a_wallet(shops, who, times):
    """``times`` payments of 1000 at once on a wallet of 10000."""
    await shops[0].give(who, 10_000)
    for shop in shops:
        shop.token(who)
    answers = await asyncio.gather(
        *(
            shops[i % len(shops)].call(
                who, "POST", "/orders", order_of(1_000) | {"pay_with": "wallet"}
            )
            for i in range(times)
        )
    )
    assert codes_of(answers) == {(201, ""): 10, (402, "insufficient_funds"): times - 10}
    assert await shops[0].balance(who) == 0
    assert [tuple(row.values()) for row in await orders_of(shops[0], who)] == [("paid", 1_000)] * 10
    balances = [entry["balance_after"] for entry in await shops[0].statement(who)]
    assert balances == [*range(0, 10_000, 1_000), 10_000]


async def test_200_payments_at_once_on_a_wallet_for_ten_pay_ten(shop, soak):
    await race_for_a_wallet([shop], "asim", 2_000 if soak else 200)


async def test_the_same_through_two_servers_on_one_database(two_shops, soak):
    await race_for_a_wallet(two_shops, "asim", 2_000 if soak else 200)


async def test_payments_of_one_order_at_once_pay_it_once(shop):
    await shop.give("bina", 100_000)
    order = await shop.order("bina", 10_000)
    path = f"/orders/{order['id']}/payments"
    answers = await asyncio.gather(
        *(shop.call("bina", "POST", path, {"method": "wallet"}) for _ in range(40))
    )
    assert codes_of(answers) == {(201, ""): 1, (409, "order_not_pending"): 39}
    assert await shop.balance("bina") == 90_000


async def test_one_reference_at_once_is_one_order(shop):
    await shop.give("chand", 100_000)
    wanted = order_of(1_000, reference="the-same") | {"pay_with": "wallet"}
    answers = await asyncio.gather(
        *(shop.call("chand", "POST", "/orders", wanted) for _ in range(40))
    )
    assert codes_of(answers) == {(201, ""): 1, (409, "order_reference_exists"): 39}
    assert await shop.balance("chand") == 99_000


# --- one key ------------------------------------------------------------------------------------


def one_answer(answers):
    """All say the same, byte for byte, and all but the first say that they repeat it."""
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    replayed = Counter(answer.headers.get("Idempotency-Replayed") for answer in answers)
    assert replayed == {None: 1, "true": len(answers) - 1}


async def race_for_a_key(shops, who):
    await shops[0].give(who, 10_000)
    wanted, key = order_of(1_000) | {"pay_with": "wallet"}, new_name("key")
    answers = await asyncio.gather(
        *(
            # Half of them quote it: it is the same key.
            shops[i % len(shops)].call(
                who, "POST", "/orders", wanted, key=key if i % 4 < 2 else f'"{key}"'
            )
            for i in range(100)
        )
    )
    one_answer(answers)
    assert await shops[0].balance(who) == 9_000
    assert len(await orders_of(shops[0], who)) == 1
    for shop in shops:
        other = await shop.call(who, "POST", "/orders", wanted | {"amount": 1_001}, key=key)
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert await shops[0].balance(who) == 9_000


async def test_one_key_sent_100_times_at_once_has_one_effect_and_one_answer(shop):
    await race_for_a_key([shop], "devi")


async def test_the_same_key_through_two_servers_on_one_database(two_shops):
    await race_for_a_key(two_shops, "devi")


async def test_one_key_for_a_request_that_talks_to_the_provider_makes_one_order_there(shop):
    wanted = {"amount": 50_000, "currency": "INR", "gateway": "razorpay"}
    answers = await asyncio.gather(
        *(shop.call("esha", "POST", "/topups", wanted, key="a-top-up") for _ in range(100))
    )
    one_answer(answers)
    made = await read_rows(
        shop.program.database_url,
        "select p.id from batua_payment p join batua_top_up t on t.id = p.top_up_id"
        " where t.customer_id = 'esha'",
    )
    assert len(made) == 1
    orders = await shop.provider_orders(made[0]["id"])
    assert [order["id"] for order in orders] == [
        answers[0].json()["checkout"]["provider_reference"]
    ]
    other = await shop.call("esha", "POST", "/topups", wanted | {"amount": 1}, key="a-top-up")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_a_refusal_is_an_answer_too_and_is_replayed_after_the_wallet_was_filled(shop):
    wanted = order_of(1_000) | {"pay_with": "wallet"}
    answers = await asyncio.gather(
        *(shop.call("farid", "POST", "/orders", wanted, key="too-poor") for _ in range(20))
    )
    assert {answer.status_code for answer in answers} == {402}
    await shop.give("farid", 10_000)
    again = await shop.call("farid", "POST", "/orders", wanted, key="too-poor")
    assert (again.status_code, again.content) == (402, answers[0].content)
    assert (await shop.call("farid", "POST", "/orders", wanted)).status_code == 201


# --- refunds ------------------------------------------------------------------------------------


async def refund_in_parts(shop, order, to):
    path, part = f"/orders/{order['id']}/refunds", {"to": to, "reason": "race", "amount": 1_000}
    answers = await asyncio.gather(*(shop.call("staff", "POST", path, part) for _ in range(20)))
    assert codes_of(answers) == {(201, ""): 10, (409, "refund_exceeds_refundable"): 10}
    await shop.until_status("staff", f"/orders/{order['id']}", "refunded")
    order = await shop.get("staff", f"/orders/{order['id']}")
    assert (order["refunded"], order["refund_reserved"]) == (10_000, 0)


async def test_partial_refunds_at_once_never_exceed_what_the_wallet_paid(shop):
    await shop.give("gita", 10_000)
    order = await shop.buy("gita", 10_000)
    await refund_in_parts(shop, order, "wallet")
    assert await shop.balance("gita") == 10_000


async def test_partial_refunds_at_once_never_exceed_what_the_gateway_took(shop):
    order = await shop.order("hari", 10_000)
    paid = await shop.pay(await shop.pay_by_gateway("hari", order["id"]))
    await shop.until_status("hari", f"/orders/{order['id']}", "paid")
    await refund_in_parts(shop, order, "auto")
    payment = (await shop.books())[paid["razorpay_payment_id"]]
    assert [refund["amount"] for refund in payment["refunds"]] == [1_000] * 10
    assert payment["amount_refunded"] == 10_000
    assert await shop.balance("hari") == 0


# --- commands beside the server -----------------------------------------------------------------


async def test_commands_run_beside_a_busy_server(shop):
    program = shop.program
    await shop.give("indu", 100_000)

    async def buy():
        for _ in range(30):
            await shop.buy("indu", 10)

    buying = [asyncio.create_task(buy()) for _ in range(4)]
    commands = (("verify",), ("migrate",))
    done = await asyncio.gather(
        *(
            asyncio.to_thread(run_batua, *command, environ=program.environ, cwd=program.cwd)
            for command in commands
        )
    )
    await asyncio.gather(*buying)
    assert [(each.returncode, each.stderr[-300:]) for each in done if each.returncode] == []
    assert await shop.balance("indu") == 100_000 - 4 * 30 * 10
