"""The rules of money, one by one."""

from __future__ import annotations

import pytest

from batua.contract import AMOUNT_MAX
from batua.errors import Conflict, InsufficientFunds, InvariantViolated
from batua.ledger import available, require_active, require_available
from batua.ledger.rules import check_amount, require_same_currency


def account(**values):
    return {"key": "wallet:asha:INR", "owner": "asha", "currency": "INR", "posted": 100,
            "held": 30, "may_overdraw": False, "status": "active"} | values  # fmt: skip


def test_available_is_posted_minus_held():
    assert available(account()) == 70
    assert available(account(posted=-5, held=0)) == -5


@pytest.mark.parametrize("amount", [1, 100, AMOUNT_MAX])
def test_a_whole_number_above_zero_may_move(amount):
    check_amount(amount)


@pytest.mark.parametrize("amount", [0, -1, AMOUNT_MAX + 1, 1.5, 1.0, True, "1", None, 10**30])
def test_nothing_else_may_move(amount):
    with pytest.raises(InvariantViolated, match="must be a whole number above zero"):
        check_amount(amount)


def test_what_is_available_may_be_spent_to_the_last_unit():
    require_available(account(), 70)
    with pytest.raises(InsufficientFunds, match="has 70 INR available") as refused:
        require_available(account(), 71)
    assert refused.value.is_final
    assert (refused.value.code, refused.value.amount) == ("insufficient_funds", 71)


def test_an_account_that_may_overdraw_is_never_short():
    require_available(account(may_overdraw=True), 10**12)


def test_both_accounts_and_the_transfer_have_one_currency():
    require_same_currency(account(), account(), "INR")
    for debit, credit, currency in (("USD", "INR", "INR"), ("INR", "USD", "INR"),
                                    ("INR", "INR", "USD"), ("USD", "USD", "INR")):  # fmt: skip
        with pytest.raises(InvariantViolated, match=f"a transfer of {currency} between"):
            require_same_currency(account(currency=debit), account(currency=credit), currency)


def test_a_frozen_account_is_refused_to_requests():
    require_active(account())
    with pytest.raises(Conflict, match="'asha' is frozen") as refused:
        require_active(account(status="frozen"))
    assert refused.value.code == "wallet_frozen"
