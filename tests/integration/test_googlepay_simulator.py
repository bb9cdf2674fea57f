"""Google Pay's simulator over real HTTP, and the gateway that opens its tokens."""

import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import pytest
import requests

from batua.certificates import trusted_certificates
from batua.contract import (
    Capabilities,
    ConfirmRequest,
    CreatedPayment,
    Gateway,
    GatewayRejected,
    GatewayUnavailable,
    Manifest,
    Mode,
    Money,
    PaymentRequest,
    PaymentResult,
    PluginSettings,
    ProviderPaymentStatus,
    Transport,
)
from batua.gateways.googlepay import GooglePayGateway
from batua.gateways.googlepay.settings import GooglePaySettings
from batua.settings import read_plugin_settings
from batua.testing.serving import serving
from batua.testing.simulators.googlepay import GooglePaySimulator

# Loading certificates takes longer than a test.
OUR_ID = "pmt_0123456789abcdefghjkmnpqrs"
RUPEES = Money(50_000, "INR")
BACK = "https://shop.example/back?a=b"


class Nothing(PluginSettings, frozen=True, kw_only=True):
    pass


class Bank(Gateway):
    """Charges tokens of its own kind, and numbers."""

    manifest = Manifest(
        code="bank",
        name="Bank",
        summary="",
        version="1",
        author="us",
        category="Payments",
        settings=Nothing,
        capabilities=Capabilities(
            currencies=frozenset({"INR"}), card_tokens=True, network_tokens=True
        ),
    )
    mode = Mode.TEST
    card_token_parameters = {"gateway": "stripe", "stripe:version": "1"}  # noqa: RUF012

    def __init__(self):
        self.charged = []

    async def create_payment(self, _request):
        return CreatedPayment(provider_reference="ref_1", url="https://bank.example")

    async def fetch_payment(self, request):
        raise NotImplementedError

    async def verify_webhook(self, request):
        raise NotImplementedError

    async def charge_card_token(self, request):
        return self._charge(request)

    async def charge_network_token(self, request):
        return self._charge(request)

    def _charge(self, request):
        self.charged.append(request)
        return PaymentResult(
            provider_payment_id="try_1",
            provider_reference=request.provider_reference,
            status=ProviderPaymentStatus.CAPTURED,
            amount=request.amount,
            mode=self.mode,
        )


async def run_blocking(call):
    return call()


@asynccontextmanager
async def opened(**options):
    """The simulator, a client of it, and a gateway with its settings in front of a bank."""
    simulator = GooglePaySimulator(processor="bank", hang_s=0.3, **options)
    async with (
        serving(simulator.app) as url,
        httpx.AsyncClient(base_url=url, verify=trusted_certificates(), trust_env=False) as browser,
        httpx.AsyncClient(verify=trusted_certificates(), timeout=0.2, trust_env=False) as http,
    ):
        simulator.public_url = url
        transport = Transport(
            http=http,
            session=requests.Session(),
            run_blocking=run_blocking,
            timeout_s=0.2,
            now=lambda: datetime.now(UTC),
        )
        settings = read_plugin_settings(GooglePaySettings, "googlepay", simulator.settings())
        gateway, bank = GooglePayGateway(settings, transport), Bank()
        gateway.connect(bank)
        yield simulator, browser, gateway, bank


async def checkout(gateway):
    return await gateway.create_payment(
        PaymentRequest(payment_id=OUR_ID, amount=RUPEES, return_url=BACK)
    )


def confirming(payment_data):
    return ConfirmRequest(
        payment_id=OUR_ID,
        provider_reference="ref_1",
        amount=RUPEES,
        proof={"payment_data": payment_data},
    )


async def approve(browser, gateway):
    """What a script does instead of a person: the payment data for a new checkout."""
    created = await checkout(gateway)
    answer = await browser.post(
        "/_control/payment_data", json={"google_pay": created.checkout["google_pay"]}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["payment_data"]


async def test_a_person_pays_on_the_page_and_the_processor_is_given_its_token():
    async with opened() as (_, browser, gateway, bank):
        created = await checkout(gateway)
        sheet = await browser.get(created.url)
        assert "INR 500.00" in sheet.text
        assert "Demo shop" in sheet.text
        approved = await browser.post(created.url, data={"outcome": "pay"})
        (href,) = [
            part.split("'")[0].replace("&amp;", "&") for part in approved.text.split("href='")[1:]
        ]
        back = httpx.URL(href)
        assert str(back).startswith("https://shop.example/back?a=b&")
        assert bank.charged == []
        result = await gateway.confirm(confirming(back.params["payment_data"]))
        assert result.status is ProviderPaymentStatus.CAPTURED
        (request,) = bank.charged
        assert json.loads(request.token)["id"].startswith("tok_")
        assert (request.amount, request.kind) == (RUPEES, "google_pay")


async def test_a_person_may_leave_without_paying():
    async with opened() as (_, browser, gateway, _bank):
        created = await checkout(gateway)
        left = await browser.post(created.url, data={"outcome": "cancel"})
        assert "without paying" in left.text
        assert "payment_data" not in left.text


async def test_tokens_for_the_shop_itself_are_sealed_and_opened():
    async with opened(direct=True) as (_, browser, gateway, bank):
        result = await gateway.confirm(confirming(await approve(browser, gateway)))
        assert result.status is ProviderPaymentStatus.CAPTURED
        (request,) = bank.charged
        assert request.number == "4111111111111111"
        assert request.cryptogram
        assert request.eci == "05"


@pytest.mark.parametrize(
    "fault",
    [
        "expired_message",
        "expired_intermediate",
        "wrong_recipient",
        "bad_tag",
        "downgrade",
        "swapped_keys",
    ],
)
async def test_faulty_tokens_move_nothing(fault):
    async with opened(direct=True) as (_, browser, gateway, bank):
        shown = (await browser.post("/_control/faults", json={"token": fault})).json()
        assert shown["token"] == fault
        with pytest.raises(GatewayRejected):
            await gateway.confirm(confirming(await approve(browser, gateway)))
        assert bank.charged == []
        assert (await browser.post("/_control/faults", json={})).json()["token"] is None
        await gateway.confirm(confirming(await approve(browser, gateway)))
        assert len(bank.charged) == 1


@pytest.mark.parametrize(
    "fault", ["429", "500", "timeout_after_effect", "html", "connection_reset"]
)
async def test_root_keys_that_do_not_come_move_nothing_and_are_asked_for_again(fault):
    async with opened(direct=True) as (_, browser, gateway, bank):
        payment_data = await approve(browser, gateway)
        await browser.post("/_control/faults", json={"api": {"next": fault}})
        with pytest.raises(GatewayUnavailable, match="Google's root keys"):
            await gateway.confirm(confirming(payment_data))
        assert bank.charged == []
        await gateway.confirm(confirming(payment_data))
        assert len(bank.charged) == 1


async def test_root_keys_are_fetched_once_while_they_may_be_kept():
    for max_age_s, works in ((3600, True), (0, False)):
        async with opened(direct=True, root_keys_max_age_s=max_age_s) as (_, browser, gateway, _b):
            await gateway.confirm(confirming(await approve(browser, gateway)))
            await browser.post("/_control/faults", json={"api": {"next": "500", "times": 9}})
            again = confirming(await approve(browser, gateway))
            if works:
                await gateway.confirm(again)
            else:
                with pytest.raises(GatewayUnavailable, match="HTTP 500"):
                    await gateway.confirm(again)


async def test_it_takes_no_money_and_sends_no_webhooks():
    async with opened() as (_, browser, gateway, _bank):
        await approve(browser, gateway)
        assert (await browser.get("/_control/ledger")).json() == {"captures": []}
        assert (await browser.get("/_control/payments")).json() == {"payments": []}
        assert (await browser.get("/_control/webhooks")).json() == {"webhooks": []}
        for name, body in {
            "pay": {"reference": "ref_1", "outcome": "captured"},
            "refund": {"payment": "try_1", "amount": 1},
            "settle_refund": {"refund": "r", "status": "failed"},
            "dispute": {"payment": "try_1", "status": "open"},
        }.items():
            answer = await browser.post(f"/_control/{name}", json=body)
            assert answer.status_code == 400
            assert "takes no money" in answer.json()["error"]
        assert "sends no webhooks" in (await browser.get("/")).text


@pytest.mark.parametrize(
    "change",
    [
        lambda request: request.clear(),
        lambda request: request.update(apiVersion=1),
        lambda request: request["transactionInfo"].update(totalPrice="500"),
        lambda request: request["transactionInfo"].update(totalPrice=500),
        lambda request: request["transactionInfo"].update(totalPrice="500.0"),
        lambda request: request["transactionInfo"].update(totalPriceStatus="ESTIMATED"),
        lambda request: request["allowedPaymentMethods"].clear(),
        lambda request: request["allowedPaymentMethods"][0].update(type="PAYPAL"),
        lambda request: request["allowedPaymentMethods"][0]["tokenizationSpecification"].update(
            parameters={}
        ),
        lambda request: request["allowedPaymentMethods"][0]["tokenizationSpecification"].update(
            type="DIRECT"
        ),
        lambda request: request["allowedPaymentMethods"][0]["tokenizationSpecification"].update(
            type="OTHER"
        ),
        lambda request: request["allowedPaymentMethods"][0]["tokenizationSpecification"].update(
            type="DIRECT", parameters={"protocolVersion": "ECv2", "publicKey": "AAAA"}
        ),
        lambda request: request["allowedPaymentMethods"][0]["parameters"].update(
            allowedCardNetworks=[]
        ),
    ],
    ids=range(13),
)
async def test_a_request_that_google_would_refuse_gets_no_token(change):
    async with opened() as (_, browser, gateway, _bank):
        request = json.loads((await checkout(gateway)).checkout["google_pay"])
        change(request)
        text = json.dumps(request)
        answer = await browser.post("/_control/payment_data", json={"google_pay": text})
        is_whole_price = request.get("transactionInfo", {}).get("totalPrice") == "500"
        assert answer.status_code == (200 if is_whole_price else 400)
        if not is_whole_price:
            assert answer.json()["error"]
            posted = await browser.post("/pay", params={"request": text}, data={"outcome": "pay"})
            assert posted.status_code == 400
            assert "payment_data" not in posted.text


async def test_the_page_says_why_there_is_nothing_to_pay():
    async with opened() as (_, browser, _gateway, _bank):
        shown = await browser.get("/pay")
        assert shown.status_code == 400
        assert "not a PaymentDataRequest" in shown.text


async def test_the_page_escapes_what_it_is_given():
    async with opened() as (_, browser, gateway, _bank):
        request = json.loads((await checkout(gateway)).checkout["google_pay"])
        request["merchantInfo"]["merchantName"] = "<script>alert(1)</script>"
        page = await browser.get("/pay", params={"request": json.dumps(request)})
        assert page.status_code == 200
        assert "<script>" not in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]
        evil = {"request": json.dumps(request), "return_url": "javascript:alert(1)"}
        posted = await browser.post("/pay", params=evil, data={"outcome": "pay"})
        assert "href='javascript" not in posted.text
