"""The WhatsApp notifier against the simulator, over real HTTP."""

import asyncio
import contextlib
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import requests
from litestar import Litestar, asgi

from batua.certificates import trusted_certificates
from batua.contract import (
    DeliveryStatus,
    Notification,
    NotifierRejected,
    NotifierUnavailable,
    Template,
    Transport,
    WebhookRejected,
    WebhookRequest,
)
from batua.notifiers.whatsapp import WhatsAppNotifier, WhatsAppSettings
from batua.notifiers.whatsapp.codes import CODES, Verdict
from batua.testing.serving import serving
from batua.testing.simulators.whatsapp import WhatsAppSimulator

VECTORS = Path(__file__).parents[1] / "vectors" / "whatsapp"
EXAMPLES = json.loads((VECTORS / "send_template_examples.json").read_text())["requests"]
TOKEN = "EAAGsimulated"
SECRET = "app-secret"
PHONE = "+919876543210"
SETTINGS = WhatsAppSettings(phone_number_id="1122334455667", access_token=TOKEN, app_secret=SECRET)
TEMPLATES = {"wallet_top_up": 3, "wallet_order_paid": 4, "wallet_refund": 4}
PARAMETERS = {"name": "Asha", "reference": "A-17", "amount": "₹500.00", "balance": "₹900.00"}


async def until(reached) -> None:
    async with asyncio.timeout(5):
        # What is waited for is seen through public doors only, and none of them rings.
        while not reached():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


@dataclass
class Listener:
    """Receives webhooks, and refuses the first ``refusals`` of them."""

    refusals: int = 0
    tries: int = 0
    requests: list[WebhookRequest] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            event = await receive()
            body, more = body + event.get("body", b""), event.get("more_body", False)
        self.tries += 1
        taken = self.tries > self.refusals
        if taken:
            headers = {name.decode(): value.decode() for name, value in scope["headers"]}
            self.requests.append(
                WebhookRequest(body=body, headers=headers, received_at=datetime.now(UTC))
            )
        status = 200 if taken else 503
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def wait_for(self, count: int) -> list[WebhookRequest]:
        await until(lambda: len(self.requests) >= count)
        return self.requests


def simulator(**changes) -> WhatsAppSimulator:
    parts = {
        "phone_number_id": SETTINGS.phone_number_id,
        "access_token": TOKEN,
        "app_secret": SECRET,
        "webhook_url": None,
        "store": None,
        "templates": TEMPLATES,
    }
    return WhatsAppSimulator(**{**parts, **changes})


def transport(http: httpx.AsyncClient) -> Transport:
    return Transport(
        http=http,
        session=requests.Session(),
        run_blocking=asyncio.to_thread,
        timeout_s=2.0,
        now=lambda: datetime.now(UTC),
    )


@dataclass
class World:
    """A simulator that is served, a notifier that talks to it, and a client for its controls."""

    simulator: WhatsAppSimulator
    notifier: WhatsAppNotifier
    http: httpx.AsyncClient
    transport: Transport
    url: str

    async def faults(self, **faults) -> None:
        response = await self.http.post(f"{self.url}/_control/faults", json=faults)
        assert response.status_code == 200, response.text

    async def messages(self) -> list[dict]:
        response = await self.http.get(f"{self.url}/_control/messages")
        return response.json()["messages"]

    async def post(self, body, *, token=TOKEN, phone_id=SETTINGS.phone_number_id):
        return await self.http.post(
            f"{self.url}/v23.0/{phone_id}/messages",
            content=body if isinstance(body, bytes) else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {token}"},
        )

    def notifier_with(self, **changes) -> WhatsAppNotifier:
        settings = msgspec.structs.replace(SETTINGS, base_url=self.url, **changes)
        return WhatsAppNotifier(settings, self.transport)


@asynccontextmanager
async def world(*, timeout_s: float = 2.0, prefix: str = "", **changes):
    running = simulator(**changes)
    await running.start()
    try:
        async with (
            serving(mounted(running, prefix) if prefix else running.app) as url,
            httpx.AsyncClient(
                verify=trusted_certificates(), trust_env=False, timeout=timeout_s
            ) as http,
        ):
            settings = msgspec.structs.replace(SETTINGS, base_url=url + prefix)
            link = transport(http)
            try:
                yield World(running, WhatsAppNotifier(settings, link), http, link, url + prefix)
            finally:
                link.session.close()
                await running.stop()
    finally:
        await running.stop()


def mounted(running: WhatsAppSimulator, prefix: str) -> Litestar:
    @asgi(prefix, is_mount=True, copy_scope=True)
    async def mount(scope: Any, receive: Any, send: Any) -> None:
        await running.app(scope, receive, send)

    return Litestar([mount], logging_config=None, openapi_config=None)


def notification(template=Template.TOP_UP_SUCCEEDED, **changes) -> Notification:
    parts = {
        "id": "ntf_1",
        "template": template,
        "phone": PHONE,
        "language": "",
        "parameters": PARAMETERS,
    }
    return Notification(**{**parts, **changes})


# --- sending -----------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["", "/simulators/whatsapp"])
async def test_each_template_arrives_with_its_words(prefix):
    async with world(prefix=prefix) as at:
        sent = [await at.notifier.send(notification(template)) for template in Template]
        messages = await at.messages()
        page = await at.http.get(f"{at.url}/")
    assert [message["id"] for message in messages] == [s.provider_reference for s in sent]
    assert [message["text"] for message in messages] == [
        "Hi Asha, ₹500.00 was added to your wallet. Balance ₹900.00.",
        "Hi Asha, order A-17 of ₹500.00 is paid from your wallet or card. Wallet balance ₹900.00.",
        "Hi Asha, ₹500.00 was refunded for A-17. Wallet balance ₹900.00.",
    ]
    first = messages[0]
    assert first["id"].startswith("wamid.")
    assert first["to"] == "919876543210"
    assert first["template"] == "wallet_top_up"
    assert first["language"] == "en"
    assert first["parameters"] == ["Asha", "₹500.00", "₹900.00"]
    assert first["biz_opaque_callback_data"] == "ntf_1"
    assert datetime.fromisoformat(first["created_at"]).tzinfo is not None
    assert page.status_code == 200
    assert page.text.index("was added") < page.text.index("was refunded")


async def test_notifications_language_wins_over_the_settings():
    async with world() as at:
        await at.notifier.send(notification(language="hi"))
        assert (await at.messages())[0]["language"] == "hi"


async def test_page_escapes_what_comes_from_outside_and_loads_nothing():
    async with world() as at:
        assert "No messages yet" in (await at.http.get(f"{at.url}/")).text
        parameters = {**PARAMETERS, "name": "<script>alert(1)</script>"}
        await at.notifier.send(notification(parameters=parameters))
        page = await at.http.get(f"{at.url}/")
    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "//" not in page.text
    assert '<meta http-equiv="refresh" content="3">' in page.text
    assert page.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("name", ["Send Message Template Text",
                                  "Send Sample Shipping Confirmation Template",
                                  "Send Catalog Template Message"])  # fmt: skip
async def test_metas_own_examples_are_accepted_by_the_simulator(name):
    async with world(templates=None) as at:
        response = await at.post({**EXAMPLES[name], "to": "16505551234"})
    assert response.status_code == 200, response.text
    assert response.json()["messages"][0]["id"].startswith("wamid.")


# --- refusals ----------------------------------------------------------------------------------

ONE_OF_EACH = sorted({*CODES} - {*range(201, 300)})


async def test_every_code_of_the_table_becomes_its_error():
    async with world() as at:
        for code in ONE_OF_EACH:
            await at.faults(next_error=code)
            with pytest.raises((NotifierRejected, NotifierUnavailable)) as caught:
                await at.notifier.send(notification())
            fatal = CODES[code].verdict in {Verdict.NEVER, Verdict.OPTED_OUT}
            assert isinstance(caught.value, NotifierRejected if fatal else NotifierUnavailable)
            assert getattr(caught.value, "opted_out", False) is (code == 131050)
            assert getattr(caught.value, "retry_after_s", None) == CODES[code].wait_s
            assert PHONE[1:] not in str(caught.value)
            assert TOKEN not in str(caught.value)
        assert await at.messages() == []


async def test_wrong_credentials_are_refused():
    async with world() as at:
        with pytest.raises(NotifierRejected, match="190"):
            await at.notifier_with(access_token="other").send(notification())
        with pytest.raises(NotifierRejected, match="100"):
            await at.notifier_with(phone_number_id="999").send(notification())
        with pytest.raises(NotifierRejected, match="132001"):
            await at.notifier_with(top_up_template="unheard_of").send(notification())
        with pytest.raises(NotifierRejected, match="132000"):
            await at.notifier_with(top_up_template="wallet_refund").send(notification())


def valid() -> dict[str, Any]:
    body = {"type": "body", "parameters": [{"type": "text", "text": t} for t in "abc"]}
    return {
        "messaging_product": "whatsapp",
        "to": "919876543210",
        "type": "template",
        "template": {"name": "wallet_top_up", "language": {"code": "en"}, "components": [body]},
    }


def with_template(**changes) -> dict[str, Any]:
    return {**valid(), "template": {**valid()["template"], **changes}}


def with_parameters(*parameters) -> dict[str, Any]:
    return with_template(components=[{"type": "body", "parameters": list(parameters)}])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", 100), (b"[]", 100), (b"\xff", 100), ({}, 100),
        ({**valid(), "messaging_product": "sms"}, 100),
        ({**valid(), "type": "text"}, 100),
        ({k: v for k, v in valid().items() if k != "to"}, 131008),
        ({**valid(), "to": 919876543210}, 100),
        ({**valid(), "to": "12"}, 131009),
        ({k: v for k, v in valid().items() if k != "template"}, 131008),
        (with_template(name=""), 100),
        (with_template(language={}), 100),
        (with_template(language={"policy": "deterministic"}), 131008),
        (with_template(components="x"), 100),
        (with_template(components=[{"type": "body", "parameters": "x"}]), 100),
        (with_template(components=[]), 132000),
        (with_template(name="other"), 132001),
        (with_parameters({"type": "text"}), 131008),
        (with_parameters({"type": "text", "text": ""}), 100),
        (with_parameters({"type": "text", "text": "a\nb"}), 100),
        (with_parameters({"type": "text", "text": "a\tb"}), 100),
        (with_parameters({"type": "text", "text": "a     b"}), 100),
        (with_parameters({"type": "image"}), 100),
        ({**valid(), "biz_opaque_callback_data": 1}, 100),
        ({**valid(), "biz_opaque_callback_data": "x" * 513}, 100),
    ],
)  # fmt: skip
def test_simulator_refuses_malformed_bodies_with_metas_codes(body, code):
    async def run():
        async with world() as at:
            assert (await at.post(valid())).status_code == 200
            return await at.post(body)

    response = asyncio.run(run())
    error = response.json()["error"]
    assert response.status_code >= 400
    assert error["code"] == code
    assert error["type"] == "OAuthException"
    assert error["error_data"]["messaging_product"] == "whatsapp"


async def test_token_that_is_not_ascii_is_refused():
    async with world() as at:
        response = await at.http.post(
            f"{at.url}/v23.0/1122334455667/messages",
            content=b"{}",
            headers={"Authorization": "Bearer é".encode()},
        )
    assert response.status_code == 401
    assert response.json()["error"]["code"] == 190


# --- faults ------------------------------------------------------------------------------------


async def test_error_lasts_as_often_as_told():
    async with world() as at:
        await at.faults(next_error=130429, times=2)
        for _ in range(2):
            with pytest.raises(NotifierUnavailable):
                await at.notifier.send(notification())
        await at.notifier.send(notification())
        await at.faults(next_error=130429, times=9)
        told = (await at.http.get(f"{at.url}/_control/faults")).json()
        assert (told["next_error"], told["times"]) == (130429, 9)
        await at.faults()
        await at.notifier.send(notification())


async def test_timed_out_send_is_unavailable_though_it_was_taken():
    async with world(timeout_s=0.3) as at:
        await at.faults(timeout_after_accept=True)
        with pytest.raises(NotifierUnavailable, match="ReadTimeout"):
            await at.notifier.send(notification())
        [message] = await at.messages()
        assert message["biz_opaque_callback_data"] == "ntf_1"
        await at.notifier.send(notification())
        _, last = await at.messages()
        newest = await at.http.get(f"{at.url}/_control/messages", params={"newest": 1})
        assert newest.json()["messages"] == [last]


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'{"next_eror": 1}', b'{"next_error": "1"}', b'{"times": 0}',
     b'{"timeout_after_accept": 1}', b'{"statuses": ["flown"]}', b"\xff"],
)  # fmt: skip
async def test_faults_are_read_strictly(body):
    async with world() as at:
        response = await at.http.post(f"{at.url}/_control/faults", content=body)
    assert response.status_code == 400


async def test_nobody_at_the_other_end_is_unavailable():
    async with world() as at:
        notifier = at.notifier
    async with httpx.AsyncClient(verify=trusted_certificates(), trust_env=False) as http:
        link = transport(http)
        again = WhatsAppNotifier(notifier._settings, link)
        with pytest.raises(NotifierUnavailable, match="ConnectError"):
            await again.send(notification())
        link.session.close()


# --- webhooks ----------------------------------------------------------------------------------


async def test_statuses_come_signed_in_order_with_our_id():
    listener = Listener()
    async with serving(listener) as url, world(webhook_url=f"{url}/webhooks/whatsapp") as at:
        sent = await at.notifier.send(notification())
        received = await listener.wait_for(3)
        deliveries = [d for r in received for d in await at.notifier.verify_webhook(r)]
        [message] = await at.messages()
        tampered = msgspec.structs.replace(SETTINGS, app_secret="other")
        with pytest.raises(WebhookRejected):
            await WhatsAppNotifier(tampered, at.transport).verify_webhook(received[0])
        foreign = at.notifier_with(phone_number_id="999")
        assert await foreign.verify_webhook(received[0]) == ()
    assert [delivery.status for delivery in deliveries] == ["sent", "delivered", "read"]
    assert {delivery.provider_reference for delivery in deliveries} == {sent.provider_reference}
    assert {delivery.notification_id for delivery in deliveries} == {"ntf_1"}
    assert all(delivery.occurred_at for delivery in deliveries)
    assert message["status"] == "read"


async def test_failed_status_carries_the_code_and_an_opt_out():
    listener = Listener()
    async with serving(listener) as url, world(webhook_url=url) as at:
        await at.faults(fail_status=131050)
        await at.notifier.send(notification())
        received = await listener.wait_for(2)
        deliveries = [d for r in received for d in await at.notifier.verify_webhook(r)]
        await at.faults(statuses=["delivered"])
        await at.notifier.send(notification(id="ntf_2"))
        last = (await listener.wait_for(3))[2]
        [skipped] = await at.notifier.verify_webhook(last)
    assert [delivery.status for delivery in deliveries] == ["sent", "failed"]
    assert deliveries[1].failure_code == "131050"
    assert deliveries[1].failure_message
    assert deliveries[1].opted_out
    assert skipped.status is DeliveryStatus.DELIVERED
    assert skipped.notification_id == "ntf_2"


async def test_refused_webhook_is_sent_again():
    listener = Listener(refusals=2)
    async with serving(listener) as url, world(webhook_url=url) as at:
        await at.notifier.send(notification())
        await listener.wait_for(3)
    assert listener.tries == 5


async def test_messages_and_unsent_reports_survive_a_restart(tmp_path):
    store = tmp_path / "whatsapp.sqlite"
    deaf, listener = Listener(refusals=1_000_000), Listener()
    async with serving(deaf) as url, world(store=store, webhook_url=url) as at:
        sent = await at.notifier.send(notification())
        await until(lambda: deaf.tries)
    async with serving(listener) as url, world(store=store, webhook_url=url) as at:
        [message] = await at.messages()
        assert message["id"] == sent.provider_reference
        assert len(await listener.wait_for(3)) == 3
        await at.notifier.send(notification(id="ntf_2"))
        ids = [message["biz_opaque_callback_data"] for message in await at.messages()]
    assert ids == ["ntf_1", "ntf_2"]


async def test_memory_forgets_at_restart_and_start_and_stop_may_be_repeated():
    running = simulator()
    await running.start()
    await running.start()
    assert running.messages() == []
    await running.stop()
    await running.stop()
    with pytest.raises(RuntimeError, match="not started"):
        running.messages()


async def test_stop_leaves_no_task_behind():
    before = asyncio.all_tasks()
    async with world(webhook_url="http://127.0.0.1:9/") as at:
        await at.faults(timeout_after_accept=True)
        held = asyncio.create_task(at.notifier.send(notification()))
        await until(at.simulator.messages)
        await at.simulator.stop()
        with contextlib.suppress(NotifierUnavailable):
            await held
    await asyncio.sleep(0)
    assert asyncio.all_tasks() <= before
