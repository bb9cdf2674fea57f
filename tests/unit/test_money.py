"""Money: whole minor units beside a currency in use, and nothing else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batua.contract import (
    AMOUNT_MAX,
    Money,
    active_currencies,
    format_money,
    is_currency,
    minor_digits,
)


@pytest.mark.parametrize("amount", [0, 1, -1, AMOUNT_MAX, -AMOUNT_MAX])
def test_whole_numbers_within_range_are_amounts(amount):
    assert Money(amount, "INR").amount == amount


@pytest.mark.parametrize("amount", [1.0, True, "1", None, b"1"])
def test_nothing_but_an_int_is_an_amount(amount):
    with pytest.raises(TypeError, match=f"must be an int, got {type(amount).__name__}"):
        Money(amount, "INR")


@pytest.mark.parametrize("amount", [AMOUNT_MAX + 1, -AMOUNT_MAX - 1, 2**63])
def test_amounts_out_of_range_are_refused(amount):
    with pytest.raises(ValueError, match="must be within"):
        Money(amount, "INR")


@pytest.mark.parametrize("currency", ["inr", "IN", "INRR", "", "XXX", "XTS", "DEM", "₹", "INR "])
def test_a_currency_is_in_use_and_in_capitals(currency):
    assert not is_currency(currency)
    with pytest.raises(ValueError, match="ISO 4217 code in use"):
        Money(1, currency)


def test_currencies_in_use_are_known():
    assert {"INR", "USD", "EUR", "JPY", "KWD", "NPR"} <= active_currencies()
    assert all(is_currency(code) for code in active_currencies())


@pytest.mark.parametrize(("currency", "digits"), [("INR", 2), ("USD", 2), ("JPY", 0), ("KWD", 3)])
def test_minor_digits(currency, digits):
    assert minor_digits(currency) == digits


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        (250000, "INR", "₹2,500.00"),
        (12345678900, "INR", "₹12,34,56,789.00"),
        (1, "INR", "₹0.01"),
        (-5, "INR", "-₹0.05"),
        (500, "JPY", "JP¥500"),
        (AMOUNT_MAX, "INR", "₹9,00,00,00,00,00,000.00"),
    ],
)
def test_amounts_are_written_as_people_write_them(amount, currency, written):
    assert format_money(amount, currency) == written
    assert str(Money(amount, currency)) == written


def test_another_place_writes_them_differently():
    assert format_money(250000, "EUR", "de_DE").replace("\xa0", " ") == "2.500,00 €"


def test_money_can_not_be_changed_or_ordered():
    money = Money(5, "INR")
    with pytest.raises(AttributeError):
        money.amount = 6
    with pytest.raises(TypeError):
        assert money < Money(6, "INR")
    assert money == Money(5, "INR")
    assert money != Money(5, "USD")
    assert len({money, Money(5, "INR")}) == 1


@given(st.integers(-AMOUNT_MAX, AMOUNT_MAX))
def test_every_amount_survives_a_json_reader_that_only_knows_floats(amount):
    assert int(json.loads(json.dumps(amount), parse_int=float)) == amount


@given(st.integers(-AMOUNT_MAX, AMOUNT_MAX))
def test_writing_loses_no_digit(amount):
    digits = "".join(filter(str.isdigit, format_money(amount, "INR")))
    assert int(digits) == abs(amount)
