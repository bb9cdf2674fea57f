"""What an opened token must say to be a card for one payment."""

import json
from pathlib import Path

import pytest

from batua.gateways.googlepay.tokens.messages import parse_message
from batua.gateways.googlepay.tokens.shape import (
    TokenRefused,
)
from batua.testing.simulators.googlepay import CardDetails

VECTORS = Path(__file__).parents[1] / "vectors" / "googlepay"
YOYO = json.loads((VECTORS / "vectors_yoyowallet_ecv2.json").read_text())
(CARD,) = (vector for vector in YOYO["vectors"] if vector["name"] == "yoyo_valid_pan_only")
NOW_MS = 1_700_000_000_000
METHODS = frozenset({"PAN_ONLY", "CRYPTOGRAM_3DS"})
MESSAGE = json.loads(CARD["expect"]["plaintext"])


def read(message, **changes):
    given = {"auth_methods": METHODS, "gateway_merchant_id": "", "now_ms": NOW_MS} | changes
    return parse_message(message if isinstance(message, str) else json.dumps(message), **given)


def with_details(**changes):
    details = MESSAGE["paymentMethodDetails"] | changes
    return MESSAGE | {
        "paymentMethodDetails": {name: value for name, value in details.items() if value != "gone"}
    }


def test_the_published_card_is_read():
    card = read(MESSAGE)
    assert card.number == "4111111111111111"
    assert (card.expiry_month, card.expiry_year, card.cryptogram, card.eci) == (12, 2026, "", "")
    assert card.message_id == MESSAGE["messageId"]


@pytest.mark.parametrize(
    "message",
    [
        "plaintext",
        {name: value for name, value in MESSAGE.items() if name != "messageExpiration"},
        {name: value for name, value in MESSAGE.items() if name != "messageId"},
        {name: value for name, value in MESSAGE.items() if name != "paymentMethod"},
        {name: value for name, value in MESSAGE.items() if name != "paymentMethodDetails"},
        MESSAGE | {"messageExpiration": 32_506_264_800_000},
        MESSAGE | {"messageExpiration": "-1"},
        MESSAGE | {"messageExpiration": "٣"},
        MESSAGE | {"messageExpiration": str(NOW_MS)},
        MESSAGE | {"messageId": ""},
        MESSAGE | {"messageId": "x" * 513},
        MESSAGE | {"messageId": 5},
        MESSAGE | {"paymentMethod": "TOKENIZED_CARD"},
        MESSAGE | {"paymentMethodDetails": []},
        with_details(pan=4111111111111111),
        with_details(pan="4111 1111 1111 1111"),
        with_details(pan="41111111111"),
        with_details(pan="4" * 20),
        with_details(pan="gone"),
        with_details(expirationMonth=0),
        with_details(expirationMonth=13),
        with_details(expirationMonth="12"),
        with_details(expirationMonth=True),
        with_details(expirationYear=26),
        with_details(authMethod="gone"),
        with_details(authMethod="NONE"),
        with_details(authMethod="CRYPTOGRAM_3DS"),
        with_details(authMethod="CRYPTOGRAM_3DS", cryptogram=""),
    ],
    ids=range(28),
)
def test_a_message_that_lacks_something_is_refused(message):
    with pytest.raises(TokenRefused) as refused:
        read(message)
    assert "4111" not in str(refused.value)


def test_only_a_way_to_authenticate_that_was_asked_for_is_taken():
    with pytest.raises(TokenRefused, match="not asked for"):
        read(MESSAGE, auth_methods=frozenset({"CRYPTOGRAM_3DS"}))


def test_a_gateway_takes_messages_for_its_merchant_only():
    message = MESSAGE | {"gatewayMerchantId": "shop"}
    assert read(message, gateway_merchant_id="shop").number == "4111111111111111"
    for other_message in (message | {"gatewayMerchantId": "other"}, MESSAGE):
        with pytest.raises(TokenRefused, match="another merchant"):
            read(other_message, gateway_merchant_id="shop")


def test_neither_a_card_nor_an_error_shows_the_number():
    card = read(MESSAGE)
    assert "4111" not in repr(card)
    assert "4111" not in repr(CardDetails())
    with pytest.raises(TokenRefused) as refused:
        read(json.dumps(MESSAGE)[:-1])
    assert refused.value.__context__ is None
    assert "4111" not in str(refused.value)
