"""Redaction: what is hidden, and what is let alone."""

from __future__ import annotations

import json

import pytest

from batua.redaction import CARD, SECRET, has_card_number, hide_cards, learn, redact

CARDS = (
    "4111111111111111",
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "4111.1111.1111.1111",
    "4222222222222",
    "378282246310005",
    "3782 822463 10005",
    "5555555555554444",
    "2223003122003222",
    "30569309025904",
    "6011111111111117",
    "3530111333300000",
    "6200000000000005",
    "४१११११११११११११११",
    "card4111111111111111x",
    "4111 1111 1111 1111 12/27",
    "+4111111111111111",
)
NO_CARDS = (
    "4111111111111112",  # a wrong check digit
    "1764302749000",  # milliseconds
    "1764302749000123456",
    "+4915112345678",
    "ord_01kb2abcdefghjkmnpqrstvwxyz0",
    "41111111-1111-4111-8111-1111a1111111",
    "a4111111111111111bcdef0123456789",
    "9999999999999999",
    "2026-11-28 04:05:49.123456",
    "41111111111111111111111111111111",
    "4111111X11111111",
)


@pytest.mark.parametrize("text", CARDS)
def test_a_cards_number_is_found_and_hidden(text):
    assert has_card_number(text)
    assert has_card_number([{"nested": {"note": text}}])
    assert has_card_number({text: 1})
    hidden = redact(f"before {text} after")
    assert CARD in hidden
    assert not any(digits in hidden for digits in ("1111", "2222", "8224", "5555", "१११"))
    assert hidden.startswith("before ")
    assert hidden.endswith(" after")


@pytest.mark.parametrize("text", NO_CARDS)
def test_other_numbers_are_let_alone(text):
    assert not has_card_number(text)
    assert redact(text) == text


def test_a_long_text_is_looked_at_to_its_end():
    many = "4111 " * 2_000
    assert not has_card_number(many)
    assert has_card_number(many + "x 4111 1111 1111 1111")
    ids = "a4111111111111111bcdef0123456789 " * 2_000
    assert not has_card_number(ids)
    assert has_card_number(ids + "4111111111111111")
    assert hide_cards(ids) == ids


def test_a_secret_that_begins_another_leaves_nothing_of_it():
    learn(["correct-horse"])
    learn(["correct-horse-battery-staple"])
    assert redact("it is correct-horse-battery-staple.") == f"it is {SECRET}."


def test_a_number_in_free_json_may_be_a_cards():
    assert has_card_number({"sku": 4111111111111111})
    assert has_card_number([4111111111111111.0])
    assert not has_card_number({"amount": 30_000, "flag": True, "none": None})


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abcdefghijk", "abcdefghijk"),
        ("{'authorization': 'Basic dXNlcjpwYXNz'}", "dXNlcjpwYXNz"),
        ("{'Cookie': 'a=first; id=second'}", "second"),
        ("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl", "eyJzdWIiOiJ4In0"),
        ("key batua_sk_0123456789abcdef", "0123456789abcdef"),
        ("postgresql://batua:correct-horse@db/shop", "correct-horse"),
        ('{"client_secret": "s3cr3tvalue", "b": 1}', "s3cr3tvalue"),
        ("BATUA_STRIPE_WEBHOOK_SECRET=whsec_abcdefgh", "abcdefgh"),
        ('{"event": "x \\"api_key\\": \\"abcdefghi\\" y"}', "abcdefghi"),
        ('{"cvv": "123"}', "123"),
        ("cvc=9876", "9876"),
    ],
)
def test_what_looks_secret_is_hidden_and_json_stays_json(text, secret):
    hidden = redact(text)
    assert secret not in hidden
    assert SECRET in hidden
    if text.startswith('{"'):
        json.loads(hidden)


def test_the_settings_secrets_are_hidden_wherever_they_stand():
    learn(
        [
            "plain-looking words",
            'with "quotes" and \\',
            "first-of-two,second-of-two",
            "postgresql://batua:p%40ss-word@db/shop",
            "tiny",
        ]
    )
    for shown in (
        "x plain-looking words y",
        "plain-looking%20words",
        json.dumps('with "quotes" and \\'),
        "second-of-two",
        "p@ss-word",
        "p%40ss-word",
    ):
        hidden = redact(shown)
        assert SECRET in hidden
        assert not any(part in hidden for part in ("plain", "quotes", "second", "ss-word"))
    assert redact("a tiny word, a postgresql://batua@db/shop") == (
        "a tiny word, a postgresql://batua@db/shop"
    )
