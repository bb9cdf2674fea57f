"""The Google Pay gateway in front of small processors that take the money."""

import asyncio
import json
import logging
from datetime import timedelta

import httpx
import pytest

from batua.contract import (
    CreatedPayment,
    FetchedPayment,
    Fronts,
    GatewayError,
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayUnavailable,
    Mode,
    Money,
    PaymentLookup,
    PaymentResult,
    WebhookRejected,
    WebhookRequest,
    check_gateway,
)
from batua.gateways.googlepay import GooglePayGateway
from batua.gateways.googlepay.settings import GooglePaySettings
from batua.gateways.googlepay.upi_checkout import UpiCheckout
from tests.support.googlepay import (
    DOLLARS,
    NOW,
    OTHER_ID,
    OUR_ID,
    RUPEES,
    STATUS,
    Bank,
    Both,
    Cards,
    Clock,
    Nothing,
    Upi,
    asking,
    confirming,
    data,
    direct,
    front,
    manifest,
    transport,
)

# --- connecting -----------------------------------------------------------------------------


def test_what_it_declares_it_implements():
    check_gateway(GooglePayGateway)


def test_it_is_a_front():
    gateway = front(Cards())
    assert isinstance(gateway, Fronts)
    assert gateway.processor == "bank"
    assert gateway.mode is Mode.TEST


def test_a_processor_that_serves_neither_cards_nor_upi_is_refused():
    with pytest.raises(ValueError, match="bank takes neither Google Pay's card tokens nor UPI"):
        front(Bank())


def test_what_a_processor_does_not_declare_is_not_used():
    class Undeclared(Cards):
        manifest = manifest()

    with pytest.raises(ValueError, match="takes neither"):
        front(Undeclared())


def test_another_gateway_than_the_one_that_is_set_is_refused():
    with pytest.raises(ValueError, match="other is set"):
        front(Cards(), processor="other")
    with pytest.raises(ValueError, match="not googlepay itself"):
        front(Cards(), processor="googlepay")


def test_a_front_is_no_processor():
    class Fronting(Cards):
        processor = "other"

        def connect(self, processor):
            raise NotImplementedError

    with pytest.raises(ValueError, match="can't be the processor"):
        front(Fronting())


def test_a_second_processor_is_refused():
    gateway = front(Cards())
    with pytest.raises(ValueError, match="already"):
        gateway.connect(Cards())


def test_without_a_processor_nothing_works():
    gateway = GooglePayGateway(GooglePaySettings(processor="bank"), transport())
    with pytest.raises(RuntimeError, match="was not given its processor"):
        _ = gateway.mode


def test_a_processor_that_names_no_gateway_is_refused():
    class Nameless(Cards):
        card_token_parameters = {"publishableKey": "pk"}  # noqa: RUF012

    with pytest.raises(ValueError, match="for which gateway"):
        front(Nameless())


def test_opening_tokens_needs_a_processor_that_takes_numbers():
    for processor in (Cards(), Upi(), Bank()):
        with pytest.raises(ValueError, match="takes no card numbers"):
            front(processor, **direct())


def test_live_cards_need_a_merchant_id():
    class Live(Cards):
        mode = Mode.LIVE

    with pytest.raises(ValueError, match="merchant_id"):
        front(Live())
    assert front(Live(), merchant_id="1").mode is Mode.LIVE


def test_other_settings_than_its_own_are_refused():
    with pytest.raises(TypeError, match="GooglePaySettings expected"):
        GooglePayGateway(Nothing(), transport())


# --- creating -------------------------------------------------------------------------------


async def test_a_card_checkout_is_the_processors_and_google_pays():
    processor = Cards()
    created = await front(processor).create_payment(asking())
    assert created.provider_reference == "ref_0"
    assert created.url == "https://bank.example/pay"
    assert created.checkout["key"] == "public"
    assert created.checkout["google_pay_environment"] == "TEST"
    assert "upi_link" not in created.checkout
    request = json.loads(created.checkout["google_pay"])
    assert request["transactionInfo"]["totalPrice"] == "500.00"
    assert request["allowedPaymentMethods"][0]["tokenizationSpecification"] == {
        "type": "PAYMENT_GATEWAY",
        "parameters": {"gateway": "bank", "gatewayMerchantId": "shop"},
    }
    assert processor.moved == {}


async def test_a_live_processor_means_googles_production():
    class Live(Cards):
        mode = Mode.LIVE

    created = await front(Live(), merchant_id="1").create_payment(asking())
    assert created.checkout["google_pay_environment"] == "PRODUCTION"


async def test_the_same_payment_again_is_the_same_one():
    gateway = front(Cards())
    assert await gateway.create_payment(asking()) == await gateway.create_payment(asking())


async def test_a_upi_checkout_has_a_link_and_what_to_draw():
    processor = Upi()
    created = await front(processor).create_payment(asking())
    assert created.checkout == {
        "key": "public",
        "amount": 50_000,
        "upi_link": Upi.link,
        "upi_qr": Upi.link,
        "upi_google_pay": Upi.link.replace("upi://pay", "gpay://upi/pay"),
    }
    assert (processor.opened.payment_id, processor.opened.provider_reference) == (OUR_ID, "ref_0")
    assert processor.opened.amount == RUPEES


async def test_a_payment_created_again_soon_keeps_its_link():
    clock, processor = Clock(), Upi()
    gateway = front(processor, clock=clock)
    first = await gateway.create_payment(asking())
    clock.now += timedelta(seconds=299)
    processor.link = Upi.link + "&mode=15"
    assert await gateway.create_payment(asking()) == first
    assert processor.openings == 1
    await gateway.create_payment(asking(payment_id=OTHER_ID))
    assert processor.openings == 2
    clock.now += timedelta(seconds=1)
    created = await gateway.create_payment(asking())
    assert created.checkout["upi_link"] == processor.link
    assert processor.openings == 3


async def test_only_so_many_links_are_kept():
    processor = Upi()
    checkout = UpiCheckout(processor, Clock(), most=1)
    for reference in ("ref_0", "ref_0", "ref_1", "ref_0"):
        await checkout.open(asking(), CreatedPayment(provider_reference=reference))
    assert processor.openings == 3


async def test_upi_takes_rupees_only():
    processor = Upi()
    with pytest.raises(GatewayRejected, match="rupees only") as refused:
        await front(processor).create_payment(asking(DOLLARS))
    assert refused.value.failure_code == "unsupported_currency"
    assert processor.created == {}
    created = await front(Both()).create_payment(asking(DOLLARS))
    assert "google_pay" in created.checkout
    assert "upi_link" not in created.checkout


async def test_a_link_of_another_amount_reaches_no_payer():
    processor = Upi()
    processor.link = Upi.link.replace("500.00", "5.00")
    with pytest.raises(GatewayRejected, match="another amount") as refused:
        await front(processor).create_payment(asking())
    assert refused.value.failure_code == "upi_link_invalid"


async def test_where_cards_are_left_a_missing_link_does_not_stop_the_payment(caplog):
    processor = Both()
    processor.trouble = GatewayUnavailable("bank is busy")
    with caplog.at_level(logging.WARNING):
        created = await front(processor).create_payment(asking())
    assert "google_pay" in created.checkout
    assert "upi_link" not in created.checkout
    assert f"no UPI link for {OUR_ID}: bank is busy" in caplog.text


async def test_where_upi_is_all_there_is_a_missing_link_is_told():
    processor = Upi()
    processor.trouble = GatewayOutcomeUnknown("no answer")
    with pytest.raises(GatewayOutcomeUnknown, match="no answer"):
        await front(processor).create_payment(asking())


async def test_an_amount_that_google_cannot_show_is_refused_before_the_processor_is_asked():
    processor = Cards()
    with pytest.raises(GatewayRejected, match="can't show"):
        await front(processor).create_payment(asking(Money(1_234, "KWD")))
    assert processor.created == {}


@pytest.mark.parametrize("page", ["https://shop.example/gp", "https://shop.example/gp?x=1"])
async def test_a_page_of_the_shops_own_gets_the_request(page):
    created = await front(Cards(), checkout_url=page).create_payment(asking())
    query = httpx.URL(created.url).params
    assert created.url.startswith(page)
    assert query["request"] == created.checkout["google_pay"]
    assert query["return_url"] == "https://shop.example/back?a=b"
    assert (await front(Upi(), checkout_url=page).create_payment(asking())).url == (
        "https://bank.example/pay"
    )


# --- confirming: tokens for the processor ---------------------------------------------------


async def test_a_token_is_charged_for_its_payment():
    processor = Cards()
    result = await front(processor).confirm(confirming(payment_data=data()))
    assert result.status is STATUS.CAPTURED
    (request,) = processor.requests
    assert (request.payment_id, request.provider_reference) == (OUR_ID, "ref_0")
    assert (request.amount, request.kind, request.token) == (
        RUPEES,
        "google_pay",
        '{"id": "tok_1"}',
    )


async def test_a_token_pays_no_second_payment():
    processor = Cards()
    gateway = front(processor)
    await gateway.confirm(confirming(payment_data=data()))
    with pytest.raises(GatewayRejected, match="another payment") as refused:
        await gateway.confirm(confirming(OTHER_ID, "ref_1", payment_data=data()))
    assert refused.value.failure_code == "token_used"
    assert list(processor.moved) == [OUR_ID]


async def test_the_same_token_for_the_same_payment_is_charged_once():
    processor = Cards()
    gateway = front(processor)
    first = await gateway.confirm(confirming(payment_data=data()))
    assert await gateway.confirm(confirming(payment_data=data())) == first
    assert len(processor.moved) == 1


async def test_two_payments_at_once_share_no_token():
    processor = Cards()
    gateway = front(processor)
    answers = await asyncio.gather(
        gateway.confirm(confirming(payment_data=data())),
        gateway.confirm(confirming(OTHER_ID, "ref_1", payment_data=data())),
        return_exceptions=True,
    )
    assert sorted(type(answer).__name__ for answer in answers) == [
        "GatewayRejected",
        "PaymentResult",
    ]
    assert len(processor.moved) == 1


@pytest.mark.parametrize(
    "trouble",
    [GatewayOutcomeUnknown("lost"), GatewayUnavailable("busy"), GatewayRejected("declined")],
    ids=lambda trouble: type(trouble).__name__,
)
async def test_the_processors_troubles_are_passed_on(trouble):
    processor = Cards()
    processor.trouble = trouble
    with pytest.raises(GatewayError) as raised:
        await front(processor).confirm(confirming(payment_data=data()))
    assert raised.value is trouble


async def test_after_a_lost_answer_the_same_token_may_be_brought_again():
    processor = Cards()
    gateway = front(processor)
    processor.trouble = GatewayOutcomeUnknown("lost")
    with pytest.raises(GatewayOutcomeUnknown):
        await gateway.confirm(confirming(payment_data=data()))
    processor.trouble = None
    result = await gateway.confirm(confirming(payment_data=data()))
    assert result == processor.moved[OUR_ID]
    assert len(processor.moved) == 1


@pytest.mark.parametrize(
    "proof",
    [
        {},
        {"payment_data": ""},
        {"payment_data": data(tokenization="DIRECT")},
        {"payment_data": data(), "upi": "{}"},
        {"upi": "{}"},
        {"token": "tok_1"},
    ],
)
async def test_a_proof_that_is_none_moves_nothing(proof):
    processor = Cards()
    with pytest.raises(GatewayRejected) as refused:
        await front(processor).confirm(confirming(**proof))
    assert refused.value.failure_code == "proof_invalid"
    assert (processor.moved, processor.requests) == ({}, [])


async def test_a_payment_whose_reference_is_not_known_yet_is_not_charged():
    processor = Cards()
    with pytest.raises(GatewayUnavailable, match="try again"):
        await front(processor).confirm(confirming(reference="", payment_data=data()))
    assert processor.moved == {}


async def test_a_proof_of_the_processors_own_page_is_the_processors():
    class Confirming(Cards):
        manifest = manifest(card_tokens=True, confirm=True)

        async def confirm(self, request):
            self.confirmed = request
            return self.take(request.payment_id, request.provider_reference, request.amount)

    processor = Confirming()
    request = confirming(bank_signature="s")
    assert (await front(processor).confirm(request)).status is STATUS.CAPTURED
    assert processor.confirmed is request


# --- confirming: UPI ------------------------------------------------------------------------

FORGED = (
    '{"Status": "SUCCESS", "responseCode": "00", "txnRef": "t", "amount": "500.00"}',
    "Status=SUCCESS&responseCode=00",
    "",
)


@pytest.mark.parametrize("claim", FORGED)
async def test_a_forged_upi_result_moves_nothing(claim):
    processor = Upi()
    with pytest.raises(GatewayUnavailable, match="heard of no UPI payment"):
        await front(processor).confirm(confirming(upi=claim))
    assert processor.moved == {}
    assert processor.asked == 1


async def test_a_claim_of_failure_does_not_hide_what_the_processor_took():
    processor = Upi()
    processor.take(OUR_ID, "ref_0", RUPEES)
    result = await front(processor).confirm(confirming(upi='{"Status": "FAILURE"}'))
    assert (result.status, result.amount) == (STATUS.CAPTURED, RUPEES)


@pytest.mark.parametrize("order", [1, -1])
async def test_the_try_that_got_furthest_is_told(order):
    class Tries(Upi):
        async def fetch_payment(self, request):
            took = self.take(request.payment_id, "ref_0", request.amount)
            statuses = (STATUS.FAILED, STATUS.CAPTURED, STATUS.PENDING)[::order]
            return FetchedPayment(
                provider_reference="ref_0",
                attempts=tuple(
                    PaymentResult(
                        provider_payment_id=f"try_{status}",
                        provider_reference="ref_0",
                        status=status,
                        amount=took.amount,
                        mode=took.mode,
                    )
                    for status in statuses
                ),
            )

    result = await front(Tries()).confirm(confirming(upi="x"))
    assert result.provider_payment_id == "try_captured"


async def test_silence_about_a_upi_payment_is_passed_on():
    processor = Upi()
    processor.trouble = GatewayUnavailable("busy")
    with pytest.raises(GatewayUnavailable, match="busy"):
        await front(processor).confirm(confirming(upi="x"))


async def test_a_card_token_is_no_proof_of_upi():
    with pytest.raises(GatewayRejected, match="takes no Google Pay tokens"):
        await front(Upi()).confirm(confirming(payment_data=data()))


# --- fetching and webhooks ------------------------------------------------------------------


async def test_only_the_processor_is_asked_for_a_payment():
    processor = Cards()
    processor.take(OUR_ID, "ref_0", RUPEES)
    lookup = PaymentLookup(payment_id=OUR_ID, provider_reference="ref_0", amount=RUPEES)
    assert await front(processor).fetch_payment(lookup) == await processor.fetch_payment(lookup)


@pytest.mark.parametrize("body", [b"", b"{}", data().encode()])
async def test_every_webhook_is_refused(body):
    request = WebhookRequest(body=body, headers={"x-google-signature": "s"}, received_at=NOW)
    with pytest.raises(WebhookRejected, match=r"no webhook.*/api/v1/webhooks/bank"):
        await front(Cards()).verify_webhook(request)
