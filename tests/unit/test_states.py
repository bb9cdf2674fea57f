"""Every step between two states of a payment and of a refund, and every one that is none."""

import pytest

from batua.payments.states import PaymentStatus, RefundStatus, advance_payment, advance_refund

# One row for what a payment is, one column for what is heard: x moves, . stays.
PAYMENT = """
             created pending authorized succeeded failed expired cancelled
created      .       x       x          x         x      x       x
pending      .       .       x          x         x      x       x
authorized   .       .       .          x         x      .       x
succeeded    .       .       .          .         .      .       .
failed       .       .       x          x         .      x       .
expired      .       .       x          x         .      .       .
cancelled    .       .       x          x         .      .       .
"""

REFUND = """
                   awaiting_approval pending unknown succeeded failed rejected
awaiting_approval  .                 x       .       x         .      x
pending            .                 .       x       x         x      .
unknown            .                 x       .       x         x      .
succeeded          .                 .       .       .         x      .
failed             .                 .       .       .         .      .
rejected           .                 .       .       .         .      .
"""


def steps(table):
    heads, *rows = [line.split() for line in table.strip().splitlines()]
    return [
        (row[0], head, mark == "x")
        for row in rows
        for head, mark in zip(heads, row[1:], strict=True)
    ]


@pytest.mark.parametrize(("current", "heard", "moves"), steps(PAYMENT))
def test_payment(current, heard, moves):
    assert advance_payment(current, PaymentStatus(heard)) == (heard if moves else current)


@pytest.mark.parametrize(("current", "heard", "moves"), steps(REFUND))
def test_refund(current, heard, moves):
    assert advance_refund(current, RefundStatus(heard)) == (heard if moves else current)


@pytest.mark.parametrize(("table", "states"), [(PAYMENT, PaymentStatus), (REFUND, RefundStatus)])
def test_the_tables_have_every_state_against_every_other(table, states):
    assert {(current, heard) for current, heard, _ in steps(table)} == {
        (current, heard) for current in states for heard in states
    }


def test_money_that_arrives_is_never_refused():
    for status in set(PaymentStatus) - {PaymentStatus.SUCCEEDED}:
        assert advance_payment(status, PaymentStatus.SUCCEEDED) is PaymentStatus.SUCCEEDED


def test_a_word_that_is_no_state_is_a_bug():
    with pytest.raises(ValueError, match="paid"):
        advance_payment("paid", PaymentStatus.SUCCEEDED)
