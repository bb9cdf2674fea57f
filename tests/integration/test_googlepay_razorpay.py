"""Google Pay by UPI in front of the real Razorpay adapter, over HTTP against its simulator."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import pytest
import requests

from batua.certificates import trusted_certificates
from batua.contract import (
    ConfirmRequest,
    GatewayRejected,
    Mode,
    Money,
    PaymentLookup,
    PaymentRequest,
    ProviderPaymentStatus,
    Transport,
)
from batua.gateways.googlepay import GooglePayGateway
from batua.gateways.googlepay.settings import GooglePaySettings
from batua.gateways.googlepay.upi import check_pay_link
from batua.gateways.razorpay import RazorpayGateway
from batua.gateways.razorpay.settings import RazorpaySettings
from batua.settings import read_plugin_settings
from batua.testing.serving import serving
from batua.testing.simulators.razorpay import RazorpaySimulator

# Loading certificates takes longer than a test.
OUR_ID = "pmt_0123456789abcdefghjkmnpqrs"
RUPEES = Money(50_000, "INR")
FORGED = '{"Status": "SUCCESS", "responseCode": "00", "amount": "500.00"}'
PAYER = {
    "BATUA_RAZORPAY_PAYER_EMAIL": "payments@shop.example",
    "BATUA_RAZORPAY_PAYER_PHONE": "+919876543210",
}


@asynccontextmanager
async def opened(payer=None):
    """The simulator as a script sees it, and Google Pay in front of Razorpay's adapter."""
    simulator = RazorpaySimulator()
    async with (
        serving(simulator.app) as url,
        httpx.AsyncClient(
            base_url=url, verify=trusted_certificates(), timeout=5, trust_env=False
        ) as script,
    ):
        simulator.public_url = url
        with ThreadPoolExecutor(2) as threads, requests.Session() as session:
            session.trust_env = False

            async def run_blocking(call):
                return await asyncio.get_running_loop().run_in_executor(threads, call)

            transport = Transport(
                http=script,
                session=session,
                run_blocking=run_blocking,
                timeout_s=2.0,
                now=lambda: datetime.now(UTC),
            )
            plain = {
                name: value for name, value in simulator.settings().items() if name not in PAYER
            }
            environ = plain | (PAYER if payer is None else payer)
            settings = read_plugin_settings(RazorpaySettings, "razorpay", environ)
            gateway = GooglePayGateway(GooglePaySettings(processor="razorpay"), transport)
            gateway.connect(RazorpayGateway(settings, transport))
            yield script, gateway


async def create(gateway, amount=RUPEES):
    return await gateway.create_payment(
        PaymentRequest(payment_id=OUR_ID, amount=amount, return_url="https://shop.example/back")
    )


def confirming(created, **proof):
    return ConfirmRequest(
        payment_id=OUR_ID,
        provider_reference=created.provider_reference,
        amount=RUPEES,
        proof=proof,
    )


async def captures(script):
    return (await script.get("/_control/ledger")).json()["captures"]


async def pay(script, created):
    answer = await script.post(
        "/_control/pay", json={"reference": created.provider_reference, "outcome": "captured"}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_checkout_has_razorpays_order_and_a_link_of_its_amount():
    async with opened() as (_script, gateway):
        assert gateway.mode is Mode.TEST
        created = await create(gateway)
        assert created.provider_reference == created.checkout["order_id"]
        check_pay_link(created.checkout["upi_link"], RUPEES)
        assert created.checkout["upi_qr"] == created.checkout["upi_link"]
        assert "/checkout?" in created.url
        assert "google_pay" not in created.checkout


async def test_the_same_payment_again_begins_no_further_attempt():
    async with opened() as (script, gateway):
        first = await create(gateway)
        assert await create(gateway) == first
        assert len((await script.get("/_control/payments")).json()["payments"]) == 1


async def test_a_forged_result_moves_nothing_and_a_payment_is_told_as_razorpay_tells_it():
    async with opened() as (script, gateway):
        created = await create(gateway)
        told = await gateway.confirm(confirming(created, upi=FORGED))
        assert told.status is ProviderPaymentStatus.PENDING
        assert await captures(script) == []
        await pay(script, created)
        told = await gateway.confirm(confirming(created, upi='{"Status": "FAILURE"}'))
        assert (told.status, told.amount) == (ProviderPaymentStatus.CAPTURED, RUPEES)
        (taken,) = await captures(script)
        assert (taken["id"], taken["amount"]) == (told.provider_payment_id, 50_000)
        lookup = PaymentLookup(
            payment_id=OUR_ID, provider_reference=created.provider_reference, amount=RUPEES
        )
        assert told in (await gateway.fetch_payment(lookup)).attempts


async def test_a_payer_of_razorpays_own_page_is_confirmed_by_its_proof():
    async with opened() as (script, gateway):
        created = await create(gateway)
        proof = await pay(script, created)
        given = {name: value for name, value in proof.items() if name.startswith("razorpay_")}
        told = await gateway.confirm(confirming(created, **given))
        assert told.status is ProviderPaymentStatus.CAPTURED
        with pytest.raises(GatewayRejected):
            await gateway.confirm(confirming(created, **given | {"razorpay_signature": "0" * 64}))


async def test_a_card_token_is_refused_because_razorpay_takes_none():
    async with opened() as (script, gateway):
        created = await create(gateway)
        with pytest.raises(GatewayRejected, match="takes no Google Pay tokens"):
            await gateway.confirm(confirming(created, payment_data="{}"))
        assert await captures(script) == []


async def test_other_currencies_and_a_missing_contact_are_refused():
    async with opened(payer={}) as (_script, gateway):
        with pytest.raises(GatewayRejected, match="rupees only"):
            await create(gateway, Money(50_000, "USD"))
        with pytest.raises(GatewayRejected, match="payer_email"):
            await create(gateway)
