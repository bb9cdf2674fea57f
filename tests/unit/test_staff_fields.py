"""What staff type for an amount is read as they mean it, or not at all."""

import pytest

from batua.errors import InvalidRequest
from batua_admin.forms.fields import amount_of


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("250", "INR", 25_000),
        ("250.5", "INR", 25_050),
        ("₹2,50,000.05", "INR", 25_000_005),
        ("INR 1,000", "INR", 100_000),
        ("1,000,000.00", "USD", 100_000_000),
        ("$9.99", "USD", 999),
        ("250", "JPY", 250),
        ("1.234", "KWD", 1_234),
        (" 1 ", "INR", 100),
    ],
)
def test_an_amount_as_people_write_it(text, currency, amount):
    assert amount_of(text, currency) == amount


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("", "INR"), ("0", "INR"), ("-1", "INR"), ("+1", "INR"), ("1.555", "INR"), ("1.5", "JPY"),
        ("1,0", "INR"), ("1,00", "INR"), ("1.000,00", "EUR"), ("1e3", "INR"), ("٣", "INR"),
        ("$5", "INR"), ("5 USD", "INR"), ("NaN", "INR"), ("9" * 17, "INR"), ("1 000", "INR"),
    ],
)  # fmt: skip
def test_what_is_no_amount_is_refused_with_an_example(text, currency):
    with pytest.raises(InvalidRequest, match="write it as") as refused:
        amount_of(text, currency)
    assert refused.value.code == "invalid_amount"
