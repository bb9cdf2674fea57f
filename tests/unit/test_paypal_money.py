"""PayPal's amounts: decimal strings, exact both ways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batua.contract import AMOUNT_MAX, GatewayRejected, Money, minor_digits
from batua.gateways.paypal.codes import CURRENCIES, DIGITS, MINIMUMS
from batua.gateways.paypal.money import money, money_value, refuse_uncollectable, signed_money
from batua.gateways.paypal.reading import Unreadable


def usd(value):
    return {"currency_code": "USD", "value": value}


@pytest.mark.parametrize(
    ("amount", "currency", "value"),
    [
        (1, "USD", "0.01"),
        (10, "USD", "0.10"),
        (123_456, "EUR", "1234.56"),
        (500, "JPY", "500"),
        (50_000, "HUF", "500"),
        (50_000, "TWD", "500"),
        (100, "HUF", "1"),
        (AMOUNT_MAX, "USD", "90000000000000.00"),
    ],
)
def test_an_amount_is_written_with_the_decimals_that_paypal_allows(amount, currency, value):
    assert money_value(Money(amount, currency)) == {"currency_code": currency, "value": value}


def test_the_exponents_are_paypals_own():
    places = {
        currency: len(money_value(Money(10_000, currency))["value"].partition(".")[2])
        for currency in CURRENCIES
    }
    assert {currency for currency, digits in places.items() if digits == 0} == set(DIGITS)
    assert set(places.values()) == {0, 2}


@pytest.mark.parametrize(("amount", "currency"), [(50_001, "HUF"), (99, "TWD"), (-1, "USD")])
def test_what_paypal_can_not_write_is_refused(amount, currency):
    with pytest.raises(GatewayRejected):
        money_value(Money(amount, currency))


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        (50_000, "INR", "CURRENCY_NOT_SUPPORTED"),
        (50_000, "KWD", "CURRENCY_NOT_SUPPORTED"),
        (0, "USD", "CANNOT_BE_ZERO_OR_NEGATIVE"),
        (99, "HUF", "CANNOT_BE_ZERO_OR_NEGATIVE"),
        (150, "TWD", "DECIMALS_NOT_SUPPORTED"),
    ],
)
def test_what_paypal_would_not_take_is_refused_before_anything_is_sent(amount, currency, code):
    with pytest.raises(GatewayRejected) as refused:
        refuse_uncollectable(Money(amount, currency))
    assert refused.value.failure_code == code


def test_rupees_are_refused_with_the_reason():
    assert "INR" not in CURRENCIES
    with pytest.raises(GatewayRejected, match="nobody in India can be paid in INR"):
        refuse_uncollectable(Money(50_000, "INR"))


@pytest.mark.parametrize(
    ("value", "amount"),
    [("1", 100), ("1.5", 150), ("1.05", 105), (".50", 50), ("1.000", 100), ("007.00", 700)],
)
def test_a_plain_decimal_is_read_to_the_cent(value, amount):
    assert money(usd(value)) == Money(amount, "USD")


def test_a_zero_digit_currency_is_read_in_our_minor_units():
    assert money({"currency_code": "HUF", "value": "500"}) == Money(50_000, "HUF")
    assert money({"currency_code": "JPY", "value": "500.00"}) == Money(500, "JPY")
    with pytest.raises(Unreadable):
        money({"currency_code": "JPY", "value": "500.5"})


@pytest.mark.parametrize(
    "value",
    ["", ".", "-", "1.", "1e3", "\uff11", "\u0663", " 1", "1 ", "1\n", "+1", "1,00", "1_0", "0x1",
     "NaN", "Infinity", "1.005", "--1", "9" * 17, "99999999999999999999.00",
     1, 1.5, True, None, ["1"]],
)  # fmt: skip
def test_an_odd_amount_is_unreadable(value):
    with pytest.raises(Unreadable):
        money(usd(value))


@pytest.mark.parametrize(
    "amount",
    [None, "1.00", [], {}, {"value": "1.00"}, {"currency_code": "usd", "value": "1.00"},
     {"currency_code": "XYZ", "value": "1.00"}, {"currency_code": 840, "value": "1.00"},
     {"currency_code": "USD", "value": "-1.00"}],
)  # fmt: skip
def test_an_amount_without_its_currency_or_below_zero_is_unreadable(amount):
    with pytest.raises(Unreadable):
        money(amount)


def test_the_transaction_search_writes_what_left_with_a_minus():
    assert signed_money(usd("-0.99")) == Money(-99, "USD")


@given(st.sampled_from(sorted(CURRENCIES)), st.integers(0, AMOUNT_MAX))
def test_every_amount_that_can_be_written_is_read_back_as_it_was(currency, amount):
    step = 10 ** (minor_digits(currency) - DIGITS.get(currency, minor_digits(currency)))
    amount -= amount % step
    assert amount >= 0
    assert money(money_value(Money(amount, currency))) == Money(amount, currency)
    assert step == MINIMUMS.get(currency, 1)


@given(st.text(max_size=12))
def test_no_text_is_read_as_another_amount_than_it_says(value):
    try:
        read = money(usd(value))
    except Unreadable:
        return
    whole, _, part = value.partition(".")
    assert value.isascii()
    assert (whole + part).isdigit()
    assert read.amount * 10 ** len(part) == int(whole + part) * 100
