"""What every simulator is made of, seen by a real client: faults, webhooks and books."""

import asyncio
import hmac
import json
import time
from contextlib import asynccontextmanager
from hashlib import sha256

import httpx
import pytest
from litestar import Litestar, Request, Response, post

from batua.certificates import trusted_certificates
from batua.testing.serving import serving
from batua.testing.simulators.kit.control import control_routes
from batua.testing.simulators.kit.delivery import _forged
from batua.testing.simulators.kit.faults import Broken, FaultChange, Faults
from batua.testing.simulators.kit.page import is_web, with_query
from batua.testing.simulators.kit.simulator import Simulator
from batua.testing.simulators.kit.store import Store
from tests.support.clock import FakeClock

NEW, OLD = b"new-secret", b"old-secret"


async def until(is_so):
    """Wait for what nobody announces."""
    async with asyncio.timeout(3):
        while not is_so():  # noqa: ASYNC110 - the simulator has no event for it
            await asyncio.sleep(0.005)


class Counting(Simulator):
    """The smallest provider: it counts, and tells every count by a signed webhook."""

    code = "counting"
    webhook_timeout_s = 1.0
    webhook_give_up_s = 60.0

    def __init__(self, **settings):
        defaults = {
            "webhook_url": None,
            "store": None,
            "public_url": "http://counting.test/",
            "clock": time.time,
            "webhook_backoff_s": 0.02,
            "hang_s": 0.6,
        }
        self.hanging = []
        super().__init__(Faults(), **(defaults | settings))

    def build(self):
        @post("/api/count", status_code=200)
        async def count() -> dict:
            with self.store.transaction():
                number = len(self.store.all("count")) + 1
                self.store.put("count", {"id": str(number)})
                body = json.dumps({"count": number, "amount": 500})
                self.webhooks.emit(f"evt_{number}", "counted", body)
            return {"count": number}

        control = control_routes(
            self,
            pay=lambda asked: {"paid": asked.reference},
            refund=lambda asked: {"refunded": asked.amount},
            settle=lambda asked: {"status": asked.status},
            dispute=lambda asked: {"status": asked.status, "amount": asked.amount},
            payments=lambda: self.store.all("count"),
            ledger=list,
        )
        return Litestar(
            [count, *control],
            middleware=[self.spoiling],
            on_startup=[self.start],
            on_shutdown=[self.stop],
            logging_config=None,
            openapi_config=None,
        )

    def sign(self, event_id, body, old_secret):
        digest = hmac.new(OLD if old_secret else NEW, body, sha256).hexdigest()
        return {"x-signature": digest, "x-event": event_id}

    def settings(self):
        return {"BATUA_COUNTING_BASE_URL": self.public_url}

    @property
    def broken(self):
        return Broken(
            b'{"error":"trouble"}',
            b'{"error":"too many"}',
            lambda scope, hangs: self.hanging.append((scope["path"], hangs)),
        )

    def is_api(self, path):
        return path.startswith("/api/")


class Shop:
    """Takes genuine webhooks with 200 and answers 401 to the others."""

    def __init__(self, *secrets):
        self.secrets = secrets or (NEW,)
        self.taken = []
        self.refused = []

        @post("/hook", status_code=200)
        async def hook(request: Request) -> None:
            body, sent = await request.body(), request.headers["x-signature"]
            digests = [hmac.new(key, body, sha256).hexdigest() for key in self.secrets]
            where = self.taken if sent in digests else self.refused
            where.append((request.headers["x-event"], body, time.monotonic()))
            if where is self.refused:
                raise PermissionDenied

        self.app = Litestar(
            [hook],
            exception_handlers={PermissionDenied: lambda *_: Response({}, status_code=401)},
            logging_config=None,
            openapi_config=None,
        )

    def ids(self):
        return [event_id for event_id, _, _ in self.taken]

    async def wait_for(self, count):
        await until(lambda: len(self.taken) >= count)
        return self.ids()


class PermissionDenied(Exception):
    pass


@asynccontextmanager
async def running(shop=None, **settings):
    async with serving((shop or Shop()).app) as hook:
        simulator = Counting(**({"webhook_url": f"{hook}/hook" if shop else None} | settings))
        async with (
            serving(simulator.app) as url,
            httpx.AsyncClient(
                base_url=url, trust_env=False, verify=trusted_certificates(), timeout=0.3
            ) as http,
        ):
            try:
                yield simulator, http
            finally:
                await simulator.stop()


async def change(http, **body):
    answer = await http.post("/_control/faults", json=body)
    assert answer.status_code == 200, answer.text
    assert (await http.get("/_control/faults")).json() == answer.json()
    return answer.json()


async def count(http, **options):
    return await http.post("/api/count", **options)


async def test_faults_before_the_effect_leave_no_trace():
    async with running() as (simulator, http):
        for fault, status, body in (
            ("429", 429, {"error": "too many"}),
            ("500", 500, {"error": "trouble"}),
        ):
            await change(http, api={"next": fault})
            answer = await count(http)
            assert (answer.status_code, answer.json()) == (status, body)
        assert simulator.store.all("count") == []
        assert (await count(http)).json() == {"count": 1}


async def test_faults_after_the_effect_lose_the_answer_and_keep_the_effect():
    async with running() as (simulator, http):
        await change(http, api={"next": "500_after_effect"})
        answer = await count(http)
        assert (answer.status_code, answer.json()) == (500, {"error": "trouble"})
        await change(http, api={"next": "html"})
        answer = await count(http)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html")
        assert b"Bad Gateway" in answer.content
        await change(http, api={"next": "connection_reset"})
        with pytest.raises(httpx.RemoteProtocolError):
            await count(http)
        assert len(simulator.store.all("count")) == 3


async def test_timed_out_answer_hangs_until_its_reader_leaves():
    async with running(hang_s=30) as (simulator, http):
        await change(http, api={"next": "timeout_after_effect"})
        with pytest.raises(httpx.ReadTimeout):
            await count(http)
        assert len(simulator.store.all("count")) == 1
        await until(lambda: len(simulator.hanging) == 2)
        assert simulator.hanging == [("/api/count", True), ("/api/count", False)]


async def test_timed_out_answer_is_a_504_to_a_patient_reader():
    async with running(hang_s=0.05) as (_, http):
        await change(http, api={"next": "timeout_after_effect"})
        assert (await count(http, timeout=2)).status_code == 504


async def test_slow_drip_keeps_a_read_timeout_happy_and_is_whole_in_the_end():
    async with running() as (simulator, http):
        await change(http, api={"next": "slow_drip"})
        begun = time.monotonic()
        answer = await count(http)
        assert answer.json() == {"count": 1}
        assert time.monotonic() - begun >= 0.35  # longer than the timeout of one read
        await change(http, api={"next": "slow_drip"})
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.25):
                await count(http)
        assert len(simulator.store.all("count")) == 2


async def test_stopping_ends_a_hanging_answer_at_once():
    async with running(hang_s=30) as (simulator, http):
        await change(http, api={"next": "timeout_after_effect"})
        asking = asyncio.create_task(count(http, timeout=5))
        await until(lambda: simulator.hanging)
        await simulator.stop()
        assert (await asyncio.wait_for(asking, 2)).status_code == 504


async def test_fault_is_taken_by_matching_paths_and_as_often_as_told():
    async with running() as (_, http):
        await change(http, api={"next": "500", "times": 2, "path": "/elsewhere"})
        assert (await count(http)).status_code == 200
        await change(http, api={"next": "500", "times": 2, "path": "/count"})
        assert [(await count(http)).status_code for _ in range(3)] == [500, 500, 200]
        shown = await change(http, api={"next": "500", "times": 0})
        assert shown["api"] is None


async def test_forged_copies_are_altered_under_the_genuine_signature():
    shop = Shop()
    async with running(shop) as (simulator, http):
        await change(http, webhooks={"forge": 2})
        await count(http)
        await shop.wait_for(1)
        (_, genuine, _) = shop.taken[0]
        forged = [body for _, body, _ in shop.refused]
        assert forged == [genuine.replace(b'"amount": 500', b'"amount": 900')] * 2
        await until(lambda: simulator.webhooks.events()[0]["state"] == "delivered")
        assert simulator.webhooks.events()[0]["forged_answers"] == [401, 401]


@pytest.mark.parametrize(
    ("body", "other"),
    [
        (b'{"amount": 12}', b'{"amount": 92}'),
        (b'{"amount":9}', b'{"amount":8}'),
        (b"txnid=1&amount=10.00", b"txnid=1&amount=90.00"),
        (b"{'Amount': '3'}", b"{'Amount': '9'}"),
        (b"nothing", b"nothing "),
    ],
)
def test_forgery_changes_the_amount_where_there_is_one(body, other):
    assert _forged(body) == other


async def test_duplicates_are_sent_at_the_same_time():
    shop = Shop()
    async with running(shop) as (_, http):
        await change(http, webhooks={"duplicate": 4})
        await count(http)
        assert await shop.wait_for(5) == ["evt_1"] * 5
        assert len({body for _, body, _ in shop.taken}) == 1


async def test_reordered_webhooks_come_newest_first():
    shop, clock = Shop(), FakeClock()
    async with running(shop, clock=clock.unix) as (_, http):
        await change(http, webhooks={"reorder": True})
        for _ in range(3):
            await count(http)
        clock.advance(0.1)
        assert await shop.wait_for(3) == ["evt_3", "evt_2", "evt_1"]


async def test_delayed_webhook_comes_later():
    shop, clock = Shop(), FakeClock()
    async with running(shop, clock=clock.unix) as (_, http):
        await change(http, webhooks={"delay_s": 0.15})
        begun = time.monotonic()
        await count(http)
        await asyncio.sleep(0.15)
        assert shop.taken == []
        clock.advance(0.15)
        await shop.wait_for(1)
        assert shop.taken[0][2] - begun >= 0.14


async def test_lost_webhook_is_kept_and_sent_when_asked():
    shop = Shop()
    async with running(shop) as (simulator, http):
        await change(http, webhooks={"lose": True})
        await count(http)
        await change(http)
        await count(http)
        assert await shop.wait_for(1) == ["evt_2"]
        assert simulator.webhooks.events()[0]["state"] == "lost"
        assert (await http.post("/_control/send_webhooks")).json() == {"events": 2}
        assert sorted(await shop.wait_for(3)) == ["evt_1", "evt_2", "evt_2"]


async def test_old_secret_signs_and_is_retried_until_it_is_taken():
    shop = Shop(NEW)
    async with running(shop) as (_, http):
        await change(http, webhooks={"old_secret": True})
        await count(http)
        await until(lambda: len(shop.refused) >= 2)
        assert shop.taken == []
        shop.secrets = (NEW, OLD)
        assert await shop.wait_for(1) == ["evt_1"]


async def test_webhook_that_nobody_can_take_is_lost_and_a_strange_address_is_no_answer():
    async with running(webhook_url=None) as (simulator, http):
        assert simulator.webhook_url is None
        await count(http)
        assert simulator.webhooks.events()[0]["state"] == "lost"
        simulator.webhook_url = "http://["
        await count(http)
        await until(lambda: simulator.webhooks.events()[1]["attempts"] >= 2)


async def test_control_routes_ask_and_refuse_in_one_way():
    async with running() as (_, http):
        for path, body, expected in (
            ("pay", {"reference": "r", "outcome": "captured"}, {"paid": "r"}),
            ("refund", {"payment": "p", "amount": 5}, {"refunded": 5}),
            ("settle_refund", {"refund": "r", "status": "failed"}, {"status": "failed"}),
            ("settle_refund", {"refund": "r", "status": "succeeded"}, {"status": "succeeded"}),
            ("settle_refund", {"refund": "r", "status": "processed"}, {"status": "succeeded"}),
            ("dispute", {"payment": "p", "status": "lost"}, {"status": "lost", "amount": None}),
        ):
            answer = await http.post(f"/_control/{path}", json=body)
            assert (answer.status_code, answer.json()) == (200, expected)
        for path, body in (
            ("pay", {"reference": "r", "outcome": "captured", "currency": "rupees"}),
            ("pay", {"reference": "r", "outcome": "captured", "amount": 0}),
            ("dispute", {"payment": "p", "status": "odd"}),
            ("faults", {"webhooks": {"duplicate": "two"}}),
            ("faults", {"rain": True}),
        ):
            answer = await http.post(f"/_control/{path}", json=body)
            assert answer.status_code == 400
            assert "can't be used" in answer.json()["error"]
        await count(http)
        assert (await http.get("/_control/payments")).json() == {"payments": [{"id": "1"}]}
        assert (await http.get("/_control/ledger")).json() == {"captures": []}
        (event,) = (await http.get("/_control/webhooks")).json()["webhooks"]
        assert (event["id"], event["event"]) == ("evt_1", "counted")


class Switched(FaultChange, frozen=True, forbid_unknown_fields=True):
    strict: bool = False


def test_switches_change_apart_and_are_reset_together():
    faults = Faults(Switched, strict=False)
    faults.change(Switched(strict=True))
    assert faults["strict"] is True
    assert faults.shown()["strict"] is True
    faults.change(Switched())
    assert faults["strict"] is False


def test_store_takes_all_or_nothing_and_survives_its_closing(tmp_path):
    store = Store(tmp_path / "books.sqlite")

    def put_and_fail():
        with store.transaction():
            store.put("thing", {"id": "1"})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        put_and_fail()
    assert store.get("thing", "1") is None
    store.put("thing", {"id": "2", "n": 1}, parent="a")
    store.put("thing", {"id": "2", "n": 2}, parent="b")
    store.close()
    store.close()
    assert store.all("thing", "a") == [{"id": "2", "n": 2}]
    assert store.all("thing", "b") == []
    store.close()


def test_address_of_a_shop_keeps_its_query_and_must_be_of_the_web():
    assert with_query("https://s.test/b?x=", {"y": "1 2"}) == "https://s.test/b?x=&y=1+2"
    assert is_web("https://s.test/")
    for url in ("javascript:alert(1)", "/b", "http://[", ""):
        assert not is_web(url)


def test_settings_name_where_the_simulator_is_reached():
    assert Counting().settings() == {"BATUA_COUNTING_BASE_URL": "http://counting.test"}


def test_one_that_forgot_serves_another_loop_as_new():
    shop, simulator = Shop(), Counting()

    async def serve_a_count():
        async with (
            serving(shop.app) as hook,
            serving(simulator.app) as url,
            httpx.AsyncClient(
                base_url=url, trust_env=False, verify=trusted_certificates(), timeout=0.3
            ) as http,
        ):
            simulator.webhook_url = f"{hook}/hook"
            assert (await count(http)).json() == {"count": 1}
            await shop.wait_for(1)
            await change(http, api={"next": "500", "times": 9}, webhooks={"lose": True})

    for _ in range(2):
        asyncio.run(serve_a_count())
        assert shop.ids() == ["evt_1"]
        simulator.forget()
        shop.taken.clear()
        assert simulator.webhook_url is None
        assert simulator.store.counts() == {}
