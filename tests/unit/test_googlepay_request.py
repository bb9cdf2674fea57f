"""What the browser is given for Google Pay, what it brings back, and the settings behind it."""

import json

import pytest

from batua.contract import GatewayRejected, Mode, Money
from batua.gateways.googlepay.payment_data import token_of
from batua.gateways.googlepay.request import payment_data_request, total_price
from batua.gateways.googlepay.settings import (
    GooglePaySettings,
    check_live,
    check_settings,
    recipient_id,
)

FOR_STRIPE = {"type": "PAYMENT_GATEWAY", "parameters": {"gateway": "stripe"}}
PAYMENT_DATA = {
    "apiVersion": 2,
    "apiVersionMinor": 0,
    "email": "asha@example.com",
    "paymentMethodData": {
        "type": "CARD",
        "description": "Visa •••• 1111",
        "info": {"cardNetwork": "VISA", "cardDetails": "1111"},
        "tokenizationData": {"type": "PAYMENT_GATEWAY", "token": '{"id": "tok_1"}'},
    },
}


def settings(**changes):
    return GooglePaySettings(**{"processor": "stripe"} | changes)


# --- the request ----------------------------------------------------------------------------


def test_the_request_is_what_google_documents():
    written = payment_data_request(
        Money(50_000, "INR"), FOR_STRIPE, settings(merchant_id="123", merchant_name="Söhne")
    )
    assert json.loads(written) == {
        "apiVersion": 2,
        "apiVersionMinor": 0,
        "merchantInfo": {"merchantId": "123", "merchantName": "Söhne"},
        "allowedPaymentMethods": [
            {
                "type": "CARD",
                "parameters": {
                    "allowedAuthMethods": ["PAN_ONLY", "CRYPTOGRAM_3DS"],
                    "allowedCardNetworks": ["AMEX", "MASTERCARD", "VISA"],
                },
                "tokenizationSpecification": FOR_STRIPE,
            }
        ],
        "transactionInfo": {
            "totalPriceStatus": "FINAL",
            "totalPrice": "500.00",
            "currencyCode": "INR",
            "countryCode": "IN",
        },
    }


def test_a_merchant_without_an_id_has_none_in_the_request():
    assert (
        json.loads(payment_data_request(Money(1, "INR"), FOR_STRIPE, settings()))["merchantInfo"]
        == {}
    )


@pytest.mark.parametrize(
    ("amount", "price"),
    [
        (Money(1, "INR"), "0.01"),
        (Money(50_005, "USD"), "500.05"),
        (Money(500, "JPY"), "500"),
        (Money(1_230, "KWD"), "1.23"),
        (Money(1_000, "KWD"), "1.00"),
        (Money(9_000_000_000_000_000, "INR"), "90000000000000.00"),
    ],
)
def test_a_price_is_written_in_the_digits_of_its_currency(amount, price):
    assert total_price(amount) == price


@pytest.mark.parametrize("amount", [Money(1_234, "KWD"), Money(0, "INR"), Money(-1, "JPY")])
def test_a_price_that_google_cannot_show_is_refused(amount):
    with pytest.raises(GatewayRejected) as refused:
        total_price(amount)
    assert refused.value.failure_code == "amount_invalid"


# --- the payment data -----------------------------------------------------------------------


def changed(**changes):
    data = json.loads(json.dumps(PAYMENT_DATA))
    for path, value in changes.items():
        *parents, name = path.split("__")
        part = data
        for parent in parents:
            part = part[parent]
        if value is None:
            del part[name]
        else:
            part[name] = value
    return json.dumps(data)


def test_the_token_is_found():
    assert token_of(json.dumps(PAYMENT_DATA), "PAYMENT_GATEWAY") == '{"id": "tok_1"}'


@pytest.mark.parametrize(
    "data",
    [
        "",
        "[]",
        "{'apiVersion': 2}",
        json.dumps(PAYMENT_DATA)[:-1] + ', "apiVersion": 2}',
        changed(email="x" * 40_000),
        changed(apiVersion=None),
        changed(apiVersion=1),
        changed(apiVersion="2"),
        changed(apiVersion=2.0),
        changed(apiVersion=True),
        changed(paymentMethodData=None),
        changed(paymentMethodData=[]),
        changed(paymentMethodData__type="PAYPAL"),
        changed(paymentMethodData__type=None),
        changed(paymentMethodData__tokenizationData=None),
        changed(paymentMethodData__tokenizationData="x"),
        changed(paymentMethodData__tokenizationData__type="DIRECT"),
        changed(paymentMethodData__tokenizationData__token=None),
        changed(paymentMethodData__tokenizationData__token=""),
        changed(paymentMethodData__tokenizationData__token={"id": "tok_1"}),
    ],
    ids=range(20),
)
def test_payment_data_that_lacks_something_is_refused(data):
    with pytest.raises(GatewayRejected, match="payment_data can't be used") as refused:
        token_of(data, "PAYMENT_GATEWAY")
    assert refused.value.failure_code == "proof_invalid"
    assert "tok_1" not in str(refused.value)
    assert refused.value.__context__ is None


# --- the settings ---------------------------------------------------------------------------

DIRECT = {"tokenization": "DIRECT", "merchant_id": "123", "private_keys": "secret"}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"country": "India"}, "country"),
        ({"country": ""}, "country"),
        ({"card_networks": ""}, "card_networks"),
        ({"card_networks": "VISA,RUPAY"}, "card_networks"),
        ({"auth_methods": "pan_only"}, "auth_methods"),
        ({"checkout_url": "shop.example"}, "checkout_url"),
        ({"checkout_url": "https://"}, "checkout_url"),
        ({"root_keys_url": "ftp://a"}, "root_keys_url"),
        (DIRECT | {"merchant_id": ""}, "recipient_id"),
        (DIRECT | {"private_keys": ""}, "private_keys"),
        (DIRECT | {"recipient_id": "gateway:us"}, "gateway_merchant_id"),
        (DIRECT | {"root_keys": "{}", "root_keys_url": "https://a.example"}, "root_keys"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes, why):
    with pytest.raises(ValueError, match=why):
        check_settings(settings(**changes))


def test_settings_that_can_work_are_taken():
    check_settings(settings())
    check_settings(settings(card_networks="VISA, JCB"))
    check_settings(settings(**DIRECT))
    check_settings(settings(**DIRECT, recipient_id="gateway:us", gateway_merchant_id="shop"))
    assert recipient_id(settings(**DIRECT)) == "merchant:123"
    assert recipient_id(settings(**DIRECT, recipient_id="gateway:us")) == "gateway:us"


def test_private_keys_are_not_shown():
    assert "secret" not in repr(settings(**DIRECT))


def test_real_money_needs_a_merchant_id_and_https():
    check_live(settings(), Mode.TEST, cards=True)
    check_live(settings(), Mode.LIVE, cards=False)
    with pytest.raises(ValueError, match="merchant_id"):
        check_live(settings(), Mode.LIVE, cards=True)
    for name in ("checkout_url", "root_keys_url"):
        plain = settings(merchant_id="1", **{name: "http://shop.example"})
        check_live(plain, Mode.TEST, cards=True)
        with pytest.raises(ValueError, match=f"{name} must be https"):
            check_live(plain, Mode.LIVE, cards=True)
        check_live(settings(merchant_id="1", **{name: "https://a.b"}), Mode.LIVE, cards=True)
