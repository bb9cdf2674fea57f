"""The Stripe simulator, asked over real HTTP the way Stripe would be."""

import asyncio
import hmac
import json
import re
from contextlib import asynccontextmanager
from hashlib import sha256

import httpx
import pytest
from litestar import Litestar, Request, asgi, post
from litestar.types import Receive, Scope, Send

from batua.certificates import trusted_certificates
from batua.testing.serving import serving
from batua.testing.simulators.stripe import StripeSimulator

# Loading certificates takes longer than a test.
AUTH = {"authorization": "Bearer sk_test_simulator"}
INTENT = {"amount": "50000", "currency": "inr", "metadata[order]": "7"}
BACK = "https://shop.example/back?order=7"


class Clock:
    def __init__(self):
        self.now = 1_800_000_000.0

    def __call__(self):
        return self.now


class Hook:
    """Takes webhooks, each with its headers."""

    def __init__(self):
        self.taken = []
        self.refusals = 0
        self.has_taken = asyncio.Event()

        @post("/hook", status_code=200)
        async def hook(request: Request) -> None:
            self.taken.append((request.headers["stripe-signature"], await request.body()))
            self.has_taken.set()
            if self.refusals:
                self.refusals -= 1
                raise RuntimeError

        self.app = Litestar([hook], logging_config=None, openapi_config=None)

    async def wait_for(self, count):
        async with asyncio.timeout(3):
            while len(self.taken) < count:
                self.has_taken.clear()
                await self.has_taken.wait()
        return [json.loads(body) for _, body in self.taken]


@asynccontextmanager
async def running(**settings):
    settings = {"webhook_backoff_s": 0.02, "hang_s": 3.0} | settings
    simulator = StripeSimulator(**settings)
    async with serving(simulator.app) as url:
        try:
            async with httpx.AsyncClient(
                base_url=url, headers=AUTH, trust_env=False, verify=trusted_certificates()
            ) as http:
                yield simulator, http
        finally:
            await simulator.stop()


@pytest.fixture
async def http():
    async with running() as (_, client):
        yield client


async def made(http, key=None, **changes):
    headers = {"idempotency-key": key} if key else {}
    answer = await http.post("/v1/payment_intents", data=INTENT | changes, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def control(http, path, **body):
    answer = await http.post(f"/_control/{path}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def error(answer):
    return answer.status_code, answer.json()["error"]["type"]


async def test_wrong_key_is_401_and_basic_will_do(http):
    for header in ({}, {"authorization": ""}, {"authorization": "Bearer sk_test_other"}):
        answer = await http.get("/v1/refunds", headers={"authorization": "", **header})
        assert error(answer) == (401, "invalid_request_error")
    answer = await http.get(
        "/v1/refunds", headers={"authorization": ""}, auth=("sk_test_simulator", "")
    )
    assert answer.json() == {"object": "list", "data": [], "has_more": False, "url": "/v1/refunds"}


async def test_unknown_thing_and_unknown_address_are_404(http):
    missing = await http.get("/v1/payment_intents/pi_unknown")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "resource_missing")
    for method, path in (("GET", "/v1/nothing"), ("POST", "/v1/payment_intents/pi_1/melt")):
        assert error(await http.request(method, path)) == (404, "invalid_request_error")


async def test_form_is_read_into_nested_fields(http):
    intent = await made(http, **{"automatic_payment_methods[enabled]": "true", "metadata[a]": "b"})
    assert intent["metadata"] == {"order": "7", "a": "b"}
    assert (intent["amount"], intent["currency"], intent["livemode"]) == (50_000, "inr", False)
    assert intent["status"] == "requires_payment_method"
    assert intent["client_secret"].startswith(f"{intent['id']}_secret_")
    assert (await http.get(f"/v1/payment_intents/{intent['id']}")).json() == intent


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": ""},
        {"amount": "0"},
        {"amount": "-5"},
        {"amount": "1.5"},
        {"currency": "INR"},
        {"currency": "zzz"},
        {"colour": "red"},
        {"metadata": "x"},
        {"metadata[a]": "x" * 501},
        {"amount[": "1"},
    ],
)
async def test_body_that_is_wrong_is_refused_and_not_kept(http, changes):
    key = {"idempotency-key": "k1"}
    refused = await http.post("/v1/payment_intents", data=INTENT | changes, headers=key)
    assert error(refused) == (400, "invalid_request_error")
    await made(http, "k1")


async def test_key_repeats_its_first_answer(http):
    first = await made(http, "k1")
    answer = await http.post("/v1/payment_intents", data=INTENT, headers={"idempotency-key": "k1"})
    assert answer.json() == first
    assert answer.headers["idempotent-replayed"] == "true"
    assert (await made(http, "k2"))["id"] != first["id"]


@pytest.mark.parametrize("status", [400, 409])
async def test_key_with_other_parameters_is_an_idempotency_error(http, status):
    await control(http, "faults", idempotency_status=status)
    await made(http, "k1")
    for path, body in (("payment_intents", INTENT | {"amount": "1"}), ("customers", {})):
        answer = await http.post(f"/v1/{path}", data=body, headers={"idempotency-key": "k1"})
        assert error(answer) == (status, "idempotency_error")


async def test_key_is_forgotten_after_a_day():
    clock = Clock()
    async with running(clock=clock) as (_, http):
        first = await made(http, "k1")
        clock.now += 24 * 3600 - 1
        assert (await made(http, "k1"))["id"] == first["id"]
        clock.now += 1
        assert (await made(http, "k1"))["id"] != first["id"]


@pytest.mark.parametrize(("crash", "count"), [("before", 0), ("after", 1)])
async def test_crash_is_kept_under_its_key(http, crash, count):
    await control(http, "faults", crash=crash)
    key = {"idempotency-key": "k1"}
    for switch in (crash, "never"):
        await control(http, "faults", crash=switch)
        answer = await http.post("/v1/payment_intents", data=INTENT, headers=key)
        assert error(answer) == (500, "api_error")
    assert len((await http.get("/v1/payment_intents")).json()["data"]) == count


async def test_declined_try_is_kept_under_its_key(http):
    customer = (await http.post("/v1/customers", data={"name": "Asha"})).json()["id"]
    body = INTENT | {"confirm": "true", "payment_method": "pm_card_chargeDeclined"}
    for _ in range(2):
        answer = await http.post(
            "/v1/payment_intents",
            data=body | {"customer": customer, "off_session": "true"},
            headers={"idempotency-key": "k1"},
        )
        assert error(answer) == (402, "card_error")
        assert answer.json()["error"]["payment_intent"]["status"] == "requires_payment_method"
    assert len((await http.get("/v1/charges")).json()["data"]) == 1


async def test_key_is_in_use_while_its_answer_hangs():
    async with running() as (simulator, http):
        in_progress = simulator.app.state.idempotency.in_progress
        await control(http, "faults", api={"next": "timeout_after_effect"})
        key = {"idempotency-key": "k1"}
        hanging = asyncio.create_task(http.post("/v1/payment_intents", data=INTENT, headers=key))
        await until(lambda: "k1" in in_progress)
        busy = await http.post("/v1/payment_intents", data=INTENT, headers=key)
        assert (busy.status_code, busy.json()["error"]["code"]) == (409, "idempotency_key_in_use")
        hanging.cancel()
        await until(lambda: not in_progress)
        await made(http, "k1")
        assert len((await http.get("/v1/payment_intents")).json()["data"]) == 1


async def until(holds):
    for _ in range(600):
        if holds():
            return
        await asyncio.sleep(0.005)
    pytest.fail("it never came to be")


async def test_authorization_is_captured_in_part_and_only_once(http):
    intent = await made(http, capture_method="manual")
    await control(http, "pay", reference=intent["id"], outcome="authorized")
    url = f"/v1/payment_intents/{intent['id']}/capture"
    assert error(await http.post(url, data={"amount_to_capture": "50001"}))[0] == 400
    captured = (await http.post(url, data={"amount_to_capture": "20000"})).json()
    assert (captured["status"], captured["amount_received"]) == ("succeeded", 20_000)
    again = (await http.post(url)).json()["error"]
    assert again["code"] == "payment_intent_unexpected_state"
    charge = (await http.get(f"/v1/charges/{captured['latest_charge']}")).json()
    assert (charge["amount_captured"], charge["amount_refunded"]) == (20_000, 30_000)


async def test_paid_intent_takes_no_second_try(http):
    intent = await made(http)
    await control(http, "pay", reference=intent["id"], outcome="captured")
    answer = await http.post(
        "/_control/pay", json={"reference": intent["id"], "outcome": "captured"}
    )
    assert answer.status_code == 400
    cancel = await http.post(f"/v1/payment_intents/{intent['id']}/cancel")
    assert cancel.json()["error"]["code"] == "payment_intent_unexpected_state"


async def test_server_that_confirms_must_say_where_to_return(http):
    intent = await made(http, **{"automatic_payment_methods[enabled]": "true"})
    url = f"/v1/payment_intents/{intent['id']}/confirm"
    token = {"payment_method_data[type]": "card", "payment_method_data[card][token]": "tok_visa"}
    refused = await http.post(url, data=token)
    assert refused.json()["error"]["param"] == "return_url"
    paid = await http.post(url, data=token | {"return_url": BACK})
    assert paid.json()["status"] == "succeeded"


async def test_token_is_used_once(http):
    token = {
        "payment_method_data[type]": "card",
        "payment_method_data[card][token]": "tok_1N3T00LkdIwHu7ixt44h1F8k",
    }
    outcomes = []
    for _ in range(2):
        url = f"/v1/payment_intents/{(await made(http))['id']}/confirm"
        outcomes.append((await http.post(url, data=token)).status_code)
    assert outcomes == [200, 400]


async def test_refunds_never_exceed_what_was_captured(http):
    intent = await made(http)
    body = {"payment_intent": intent["id"]}
    assert error(await http.post("/v1/refunds", data=body))[0] == 400
    await control(http, "pay", reference=intent["id"], outcome="captured")
    await http.post("/v1/refunds", data=body | {"amount": "20000"})
    assert error(await http.post("/v1/refunds", data=body | {"amount": "30001"}))[0] == 400
    rest = (await http.post("/v1/refunds", data=body)).json()
    assert (rest["amount"], rest["status"]) == (30_000, "succeeded")
    assert (await http.post("/v1/refunds", data=body)).json()["error"]["code"] == (
        "charge_already_refunded"
    )


async def test_failed_refund_gives_its_amount_free_again(http):
    intent = await made(http)
    await control(http, "pay", reference=intent["id"], outcome="captured")
    await control(http, "faults", refund_outcome="pending")
    refund = await control(http, "refund", payment=intent["id"], amount=50_000)
    assert refund["status"] == "pending"
    await control(http, "settle_refund", refund=refund["id"], status="failed")
    await control(http, "refund", payment=intent["id"], amount=50_000)


async def test_ledger_speaks_the_words_of_every_simulator(http):
    intent = await made(http)
    await control(http, "pay", reference=intent["id"], outcome="captured")
    await control(http, "faults", refund_outcome="requires_action")
    refund = await control(http, "refund", payment=intent["id"], amount=10_000)
    dispute = await control(http, "dispute", payment=intent["id"], status="open", amount=5_000)
    (capture,) = (await http.get("/_control/ledger")).json()["captures"]
    assert capture == {
        "id": intent["id"],
        "reference": intent["id"],
        "amount": 50_000,
        "currency": "INR",
        "refunds": [{"id": refund["id"], "amount": 10_000, "status": "pending"}],
        "disputes": [{"id": dispute["id"], "amount": 5_000, "status": "open"}],
    }
    (payment,) = (await http.get("/_control/payments")).json()["payments"]
    assert payment["charges"][0]["refunds"][0]["id"] == refund["id"]


async def test_control_that_can_not_be_done_says_why(http):
    for path, body in (
        ("pay", {"reference": "pi_unknown", "outcome": "captured"}),
        ("refund", {"payment": "pi_unknown", "amount": 1}),
        ("settle_refund", {"refund": "re_unknown", "status": "failed"}),
        ("dispute", {"payment": "pi_unknown", "status": "open"}),
    ):
        answer = await http.post(f"/_control/{path}", json=body)
        assert answer.status_code == 400
        assert "unknown" in answer.json()["error"]


async def test_list_is_newest_first_page_after_page():
    clock = Clock()
    async with running(clock=clock) as (_, http):
        ids = []
        for _ in range(5):
            ids.append((await made(http))["id"])
            clock.now += 10
        first = (await http.get("/v1/payment_intents", params={"limit": 2})).json()
        assert [one["id"] for one in first["data"]] == [ids[4], ids[3]]
        assert first["has_more"]
        rest = await http.get("/v1/payment_intents", params={"limit": 3, "starting_after": ids[3]})
        assert [one["id"] for one in rest.json()["data"]] == [ids[2], ids[1], ids[0]]
        assert not rest.json()["has_more"]
        start = 1_800_000_000
        asked = {"created[gte]": start + 10, "created[lt]": start + 30}
        narrowed = (await http.get("/v1/payment_intents", params=asked)).json()
        assert [one["id"] for one in narrowed["data"]] == [ids[2], ids[1]]


@pytest.mark.parametrize(("search", "found"), [("on", 1), ("late", 0), ("off", None)])
async def test_search_is_on_late_or_off(http, search, found):
    await made(http)
    await made(http, **{"metadata[order]": "8"})
    await control(http, "faults", search=search)
    answer = await http.get("/v1/payment_intents/search", params={"query": "metadata['order']:'7'"})
    if found is None:
        assert error(answer) == (400, "invalid_request_error")
    else:
        assert len(answer.json()["data"]) == found


async def test_events_are_listed_by_type(http):
    intent = await made(http)
    await control(http, "pay", reference=intent["id"], outcome="captured")
    asked = {"types[]": ["payment_intent.succeeded", "charge.failed"]}
    (event,) = (await http.get("/v1/events", params=asked)).json()["data"]
    assert event["type"] == "payment_intent.succeeded"
    assert event["data"]["object"]["id"] == intent["id"]


@pytest.mark.parametrize("old", [False, True])
async def test_webhook_is_signed_over_its_bytes_and_time(old):
    hook = Hook()
    clock = Clock()
    async with (
        serving(hook.app) as url,
        running(webhook_url=f"{url}/hook", clock=clock) as (_, http),
    ):
        if old:
            await control(http, "faults", webhooks={"old_secret": True})
        await made(http)
        (event,) = await hook.wait_for(1)
        header, body = hook.taken[0]
        secret = b"whsec_simulator_old" if old else b"whsec_simulator"
        digest = hmac.new(secret, b"1800000000." + body, sha256).hexdigest()
        assert header.startswith(f"t=1800000000,v1={digest},v0=")
        assert (event["type"], event["livemode"]) == ("payment_intent.created", False)


async def test_unanswered_webhook_is_tried_again_with_the_same_id():
    hook = Hook()
    hook.refusals = 2
    async with serving(hook.app) as url, running(webhook_url=f"{url}/hook") as (_, http):
        await made(http)
        events = await hook.wait_for(3)
        assert len({event["id"] for event in events}) == 1


async def test_twin_events_tell_one_change_twice():
    hook = Hook()
    async with serving(hook.app) as url, running(webhook_url=f"{url}/hook") as (_, http):
        await control(http, "faults", twin_events=True)
        await made(http)
        one, other = await hook.wait_for(2)
        assert one["id"] != other["id"]
        assert one["data"] == other["data"]


async def test_live_key_makes_live_things():
    async with running(secret_key="sk_live_simulator") as (simulator, http):
        http.headers["authorization"] = "Bearer sk_live_simulator"
        assert (await made(http))["livemode"] is True
        assert simulator.settings()["BATUA_STRIPE_PUBLISHABLE_KEY"] == "pk_live_simulator"


async def test_books_survive_a_restart(tmp_path):
    store = tmp_path / "stripe.db"
    async with running(store=store) as (_, http):
        intent = await made(http, "k1")
    async with running(store=store) as (_, http):
        assert (await made(http, "k1"))["id"] == intent["id"]


async def opened(http, intent, **changes):
    query = {"payment_intent": intent["id"], "publishable_key": "pk_test_simulator"} | changes
    return await http.get("/checkout", params=query)


@pytest.mark.parametrize(
    ("capture_method", "outcome", "status", "redirect"),
    [
        ("automatic", "pay", "succeeded", "succeeded"),
        ("manual", "pay", "requires_capture", "succeeded"),
        ("automatic", "fail", "requires_payment_method", "failed"),
    ],
)
async def test_person_pays_or_fails_and_goes_back(http, capture_method, outcome, status, redirect):
    intent = await made(http, capture_method=capture_method)
    page = await opened(http, intent, return_url=BACK)
    assert "Pay ₹500.00" in page.text
    assert "no real money" in page.text
    left = await http.post(str(page.url), data={"outcome": outcome})
    assert f"payment_intent={intent['id']}" in left.text
    assert f"redirect_status={redirect}" in left.text
    found = (await http.get(f"/v1/payment_intents/{intent['id']}")).json()
    assert found["status"] == status


async def test_page_of_what_is_paid_or_unknown_has_no_button(http):
    intent = await made(http)
    await control(http, "pay", reference=intent["id"], outcome="captured")
    assert "Already paid" in (await opened(http, intent)).text
    unknown = await opened(http, {"id": "pi_<b>"})
    assert unknown.status_code == 400
    assert "<b>" not in unknown.text
    other_key = await opened(http, intent, publishable_key="pk_test_other")
    assert other_key.status_code == 400


async def test_person_leaves_and_a_wild_address_is_no_way_back(http):
    intent = await made(http)
    page = await opened(http, intent, return_url="javascript:alert(1)")
    left = await http.post(str(page.url), data={"outcome": "cancel"})
    assert "Cancelled" in left.text
    assert "href='javascript" not in left.text
    assert "default-src 'none'" in left.headers["content-security-policy"]


async def test_front_page_leads_to_the_checkout(http):
    assert "No payment yet" in (await http.get("/")).text
    intent = await made(http)
    shown = (await http.get("/")).text
    (path,) = re.findall(r"href='(checkout[^']+)'", shown)
    assert intent["id"] in path
    assert "Pay ₹500.00" in (await http.get("/" + path.replace("&amp;", "&"))).text


async def test_mounted_below_a_prefix_it_works_as_well():
    simulator = StripeSimulator()

    @asgi("/stripe", is_mount=True, copy_scope=True)
    async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
        await simulator.app(scope, receive, send)

    async with (
        serving(Litestar([mounted], openapi_config=None, logging_config=None)) as url,
        httpx.AsyncClient(
            base_url=url, headers=AUTH, trust_env=False, verify=trusted_certificates()
        ) as http,
    ):
        answer = await http.post("/stripe/v1/payment_intents", data=INTENT)
        intent = answer.json()
        assert (await http.get(f"/stripe/v1/payment_intents/{intent['id']}")).json() == intent
        listed = await http.get("/stripe/v1/payment_intents")
        assert listed.json()["data"] == [intent]
    await simulator.stop()
