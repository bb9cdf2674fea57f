"""UPI links: in rupees, encoded, of exactly one amount."""

import pytest

from batua.contract import Money
from batua.gateways.googlepay.upi import check_pay_link, google_pay_link, pay_link

TEN = Money(1_001, "INR")
LINK = "upi://pay?pa=shop%40bank&pn=A%20Shop&tr=pmt_1&am=10.01&cu=INR"


def test_every_value_is_encoded():
    link = pay_link(
        address="shop@bank",
        name="Asha & Söhne",
        amount=TEN,
        reference="pmt_1",
        note="50% off/now?#",
        category="5411",
        url="https://shop.example/a?b=c",
    )
    assert link == (
        "upi://pay?pa=shop%40bank&pn=Asha%20%26%20S%C3%B6hne&mc=5411&tr=pmt_1"
        "&tn=50%25%20off%2Fnow%3F%23&am=10.01&cu=INR"
        "&url=https%3A%2F%2Fshop.example%2Fa%3Fb%3Dc"
    )


@pytest.mark.parametrize(
    ("paise", "rupees"),
    [(1, "0.01"), (10, "0.10"), (100, "1.00"), (50_000, "500.00"), (123_456_789, "1234567.89")],
)
def test_amounts_are_rupees_with_two_decimals(paise, rupees):
    amount = Money(paise, "INR")
    link = pay_link(address="shop@bank", name="Shop", amount=amount, reference="r")
    assert f"&am={rupees}&" in link
    check_pay_link(link, amount)


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": Money(1_001, "USD")},
        {"amount": Money(0, "INR")},
        {"amount": Money(-1, "INR")},
        {"name": ""},
        {"reference": ""},
        {"address": ""},
        {"address": "shop"},
        {"address": "a b@bank"},
        {"address": "shop@bank@bank"},
        {"note": "x" * 2_048},
    ],
    ids=range(10),
)
def test_a_link_that_nobody_could_pay_is_not_made(changes):
    given = {"address": "shop@bank", "name": "Shop", "amount": TEN, "reference": "r"} | changes
    with pytest.raises(ValueError, match="UPI"):
        pay_link(**given)


@pytest.mark.parametrize(
    "link",
    [
        LINK,
        "upi://pay?pa=shop@bank&pn=S&am=10.01",
        "upi://pay/?pa=shop@bank&pn=S&am=10.01",
        LINK + "&mam=10.01",
        LINK + "&mam=",
        LINK + "&sign=MEUC%2Fabc&mode=15",
        LINK + "&tn=a note for Söhne",
    ],
)
def test_a_link_of_this_amount_is_good(link):
    check_pay_link(link, TEN)


def test_an_amount_may_be_written_short():
    check_pay_link("upi://pay?pa=a@b&am=5", Money(500, "INR"))
    check_pay_link("upi://pay?pa=a@b&am=5.1", Money(510, "INR"))


@pytest.mark.parametrize(
    "link",
    [
        "",
        "https://shop.example/?pa=shop@bank&am=10.01",
        "UPI://pay?pa=shop@bank&am=10.01",
        "upi://collect?pa=shop@bank&am=10.01",
        "upi://pay/x?pa=shop@bank&am=10.01",
        "upi://pay@evil?pa=shop@bank&am=10.01",
        "upi://pay?pn=S&am=10.01",
        "upi://pay?pa=shop@bank",
        "upi://pay?pa=shop@bank&am=10.1",
        "upi://pay?pa=shop@bank&am=1001",
        "upi://pay?pa=shop@bank&am=10.010",
        "upi://pay?pa=shop@bank&am=-10.01",
        "upi://pay?pa=shop@bank&am=1e3",
        "upi://pay?pa=shop@bank&am=%D9%A1%D9%A0.01",
        LINK + "&cu=INR",
        LINK.replace("cu=INR", "cu=USD"),
        LINK + "&am=1.00",
        LINK + "&mam=1.00",
        LINK + "&mam=x",
        LINK + "#am=1",
        LINK + "&x",
        " " + LINK,
        LINK + "\n",
        LINK.replace("=10.01", "=10.01 "),
        LINK + "&tn=" + "x" * 2_048,
    ],
    ids=range(25),
)
def test_any_other_link_is_refused(link):
    with pytest.raises(ValueError):  # noqa: PT011 - some of the texts are the parser's own
        check_pay_link(link, TEN)


def test_a_link_of_another_amount_or_currency_is_refused():
    for amount in (Money(1_000, "INR"), Money(1_001, "USD")):
        with pytest.raises(ValueError, match=r"amount|rupees"):
            check_pay_link(LINK, amount)


def test_google_pays_own_link_pays_the_same():
    assert google_pay_link(LINK) == LINK.replace("upi://pay", "gpay://upi/pay")
    with pytest.raises(ValueError, match="no UPI link"):
        google_pay_link("https://shop.example")
