"""``<batua-wallet>`` in a real browser, in the page of a shop of another origin."""

import re
import time

import pytest
from playwright.sync_api import expect

from batua.contract import format_money
from batua_api.frontend import FOLDER
from tests.browser.conftest import AXE, RULES
from tests.browser.visiting import WAIT_MS, Visiting, visits
from tests.support.ports import free_port
from tests.support.processes import running_demo
from tests.support.shop_page import serving_shop

ELEMENT = "/batua/dist/batua-wallet.js"
PAGE = """<!doctype html>
<html lang="{lang}"><head><meta charset="utf-8"><title>A shop</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
<script type="module" src="{element}"></script></head>
<body><main><h1>A shop</h1>
<batua-wallet api="{api}" token-url="/wallet-token" {attributes}></batua-wallet>
</main></body></html>
"""
SIZES = """[...document.querySelector('batua-wallet').shadowRoot
    .querySelectorAll('button:not([hidden])')].map((each) => each.getBoundingClientRect().height)"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder, port = tmp_path_factory.mktemp("demo"), free_port()
    origin = f"http://127.0.0.1:{port}"
    url = f"sqlite:///{folder}/shop.sqlite"
    with (
        running_demo(url, cwd=folder, BATUA_ALLOWED_ORIGINS=origin) as demo,
        serving_shop(demo.base, {"/batua/": FOLDER}, port=port) as page,
    ):
        page.demo = demo
        yield page


class Customer(Visiting):
    """Somebody in the page of the shop."""

    shots = "wallet"

    def __init__(self, shop, browser, name, **context):
        self.shop, self.posted, self.keys = shop, [], []
        wanted = {"viewport": {"width": 480, "height": 900}} | context
        super().__init__(shop.demo, browser, name, (shop.base, shop.demo.base), **wanted)
        self.page = self.open()

    def asked(self, request):
        if request.method == "POST" and "/api/v1/" in request.url:
            self.posted.append(request.url.partition("/api/v1")[2])
            self.keys.append(request.headers.get("idempotency-key"))

    def open(self, lang="en", **attributes):
        self.shop.token = self.token
        words = " ".join(f'{name}="{value}"' for name, value in attributes.items())
        api = f"{self.shop.demo.base}/api/v1"
        self.shop.pages["/shop"] = PAGE.format(
            lang=lang, api=api, attributes=words, element=ELEMENT
        )
        page = self.context.new_page()
        page.goto(f"{self.shop.base}/shop")
        return page

    def reopen(self, **attributes):
        self.page.close()
        self.page = self.open(**attributes)
        return self.page

    def balance(self, currency="INR"):
        return self.api.get("/wallet", params={"currency": currency}).json()["balance"]

    def order(self, amount, currency="INR"):
        body = {"reference": f"W-{time.monotonic_ns()}", "amount": amount, "currency": currency}
        return self.api.post("/orders", json=body).raise_for_status().json()["id"]

    def status(self, order):
        return self.api.get(f"/orders/{order}").json()["status"]


@pytest.fixture
def visit(shop, browser):
    yield from visits(lambda name, **context: Customer(shop, browser, name, **context))


def balance_of(page):
    return page.locator("batua-wallet .balance")


def told(page):
    return page.locator("batua-wallet .told")


def choose(page, name):
    page.get_by_role("radio", name=name, exact=True).check()


def press(page, name):
    page.get_by_role("button", name=re.compile(name)).click()


def rupees(amount):
    return format_money(amount, "INR")


def opens(page, name):
    with page.expect_popup() as found:
        press(page, name)
    return found.value


def test_money_is_added_at_each_gateway_and_the_balance_moves(visit):
    meera = visit("meera")
    page = meera.page
    expect(balance_of(page)).to_have_text("₹0.00")
    meera.keep("empty")
    for count, gateway in enumerate(["Razorpay", "Google Pay"], start=1):
        choose(page, "₹500.00")
        choose(page, gateway)
        meera.keep(f"adding-{gateway.split()[0].lower()}")
        window = opens(page, "^Add ₹500.00")
        window.get_by_role("button", name=re.compile("Pay ₹500")).click()
        expect(balance_of(page)).to_have_text(["", "₹500.00", "₹1,000.00"][count])
        expect(told(page)).to_have_text("₹500.00 was added to your wallet.")
        assert meera.balance() == 50_000 * count
        assert window.is_closed()
    meera.keep("added")
    page = meera.reopen(currency="USD")
    expect(balance_of(page)).to_have_text("$0.00")
    choose(page, "$100.00")
    choose(page, "PayPal")
    window = opens(page, "^Add")
    window.get_by_role("button", name=re.compile("^Pay")).click()
    expect(told(page)).to_have_text("$100.00 was added to your wallet.")
    expect(balance_of(page)).to_have_text("$100.00")
    assert meera.balance("USD") == 10_000
    assert meera.posted.count("/topups") == 3


def test_an_order_is_paid_with_one_tap_however_often_it_is_tapped(visit):
    asha = visit("asha")
    order = asha.order(30_000)
    before = asha.balance()
    page = asha.reopen(order=order)
    asha.keep("to-pay")
    page.get_by_role("button", name="Pay ₹300.00 from the wallet").dblclick()
    expect(told(page)).to_have_text("₹300.00 was paid. Thank you!")
    expect(balance_of(page)).to_have_text(rupees(before - 30_000))
    asha.keep("paid")
    assert asha.balance() == before - 30_000
    assert asha.status(order) == "paid"
    assert asha.posted == [f"/orders/{order}/payments"]


@pytest.mark.soak
def test_what_the_wallet_lacks_is_offered_and_paid_at_a_gateway(visit):
    ravi = visit("ravi")
    before = ravi.balance()
    order = ravi.order(before + 20_000)
    page = ravi.reopen(order=order)
    expect(
        page.get_by_text(f"Your wallet has {rupees(before)}: ₹200.00 is missing.")
    ).to_be_visible()
    pay = page.locator("batua-wallet").get_by_role("group", name="Pay with").first
    pay.get_by_role("radio", name="Razorpay").check()
    ravi.keep("short")
    window = opens(page, "from the wallet and ₹200.00 with Razorpay")
    window.get_by_role("button", name="Pay ₹200").click()
    expect(told(page)).to_have_text(f"{rupees(before + 20_000)} was paid. Thank you!")
    expect(balance_of(page)).to_have_text("₹0.00")
    ravi.keep("split-paid")
    assert (ravi.balance(), ravi.status(order)) == (0, "paid")


@pytest.mark.soak
def test_a_payment_that_fails_and_one_that_is_left_take_nothing(visit):
    asha = visit("asha")
    page, before = asha.page, asha.balance()
    expect(balance_of(page)).to_have_text(rupees(before))
    choose(page, "Razorpay")
    window = opens(page, "^Add ₹100.00")
    window.get_by_role("button", name="Fail this payment").click()
    window.get_by_role("link", name="Back to the shop").click(no_wait_after=True)
    expect(told(page)).to_have_text(
        "The payment did not go through. Nothing was taken from your wallet."
    )
    asha.keep("failed")
    window = opens(page, "^Add ₹100.00")
    window.get_by_role("button", name="Cancel").click()
    window.close()
    expect(told(page)).to_have_text("The payment is not finished. Nothing was taken so far.")
    asha.keep("abandoned")
    assert asha.balance() == before
    assert asha.posted.count("/topups") == 2


@pytest.mark.soak
def test_an_impatient_customer_opens_one_payment(visit):
    asha = visit("asha")
    page, before = asha.page, asha.balance()
    choose(page, "Razorpay")
    with page.expect_popup() as found:
        page.get_by_role("button", name="Add ₹100.00").click(click_count=3, delay=5)
    window = found.value
    expect(page.get_by_role("button", name="Add ₹100.00")).to_have_attribute(
        "aria-disabled", "true"
    )
    window.get_by_role("button", name="Pay ₹100").click()
    expect(told(page)).to_have_text("₹100.00 was added to your wallet.")
    assert asha.balance() == before + 10_000
    assert asha.posted.count("/topups") == 1
    assert len(asha.context.pages) == 1


@pytest.mark.soak
def test_the_way_back_leads_to_a_sentence_and_the_way_forth_to_the_money(visit):
    asha = visit("asha")
    before = asha.balance()
    page = asha.reopen(mode="tab")
    choose(page, "Razorpay")
    choose(page, "₹500.00")
    press(page, "^Add ₹500.00")
    page.get_by_role("button", name="Pay ₹500").wait_for()
    page.go_back()
    expect(told(page)).to_have_text("The payment is not finished. Nothing was taken so far.")
    asha.keep("back")
    assert asha.balance() == before
    page.go_forward()
    page.get_by_role("button", name="Pay ₹500").click()
    page.get_by_role("link", name="Back to the shop").click()
    expect(told(page)).to_have_text("₹500.00 was added to your wallet.")
    expect(balance_of(page)).to_have_text(rupees(before + 50_000))
    asha.keep("returned")
    assert page.url == f"{asha.shop.base}/shop"
    page.reload()
    expect(balance_of(page)).to_have_text(rupees(before + 50_000))
    expect(told(page)).to_be_hidden()
    assert asha.balance() == before + 50_000


def test_a_reload_in_the_middle_of_a_payment_loses_nothing(visit):
    asha = visit("asha")
    page, before = asha.page, asha.balance()
    choose(page, "Razorpay")
    window = opens(page, "^Add ₹100.00")
    window.get_by_role("button", name="Pay ₹100").wait_for()
    page.reload()
    expect(told(page)).to_have_text("The payment is not finished. Nothing was taken so far.")
    window.get_by_role("button", name="Pay ₹100").click()
    window.get_by_role("link", name="Back to the shop").click(no_wait_after=True)
    expect(told(window)).to_have_text("₹100.00 was added to your wallet.")
    asha.keep("reloaded", window)
    expect(balance_of(page)).to_have_text(rupees(before + 10_000), timeout=WAIT_MS)
    assert asha.balance() == before + 10_000


@pytest.mark.soak
def test_two_tabs_pay_an_order_once(visit):
    asha = visit("asha")
    order = asha.order(5_000)
    before = asha.balance()
    first, second = asha.reopen(order=order), asha.open(order=order)
    for page in (first, second):
        page.get_by_role("button", name="Pay ₹50.00 from the wallet").wait_for()
    press(first, "^Pay ₹50.00")
    expect(told(first)).to_have_text("₹50.00 was paid. Thank you!")
    press(second, "^Pay ₹50.00")
    expect(told(second)).to_contain_text("₹50.00 was paid. Thank you!")
    expect(balance_of(second)).to_have_text(rupees(before - 5_000))
    asha.keep("second-tab", second)
    assert asha.balance() == before - 5_000
    asha.forgive("409")


@pytest.mark.soak
def test_offline_in_the_middle_then_online(visit):
    asha = visit("asha")
    order = asha.order(7_000)
    before = asha.balance()
    page = asha.reopen(order=order)

    def lose(route):
        """The payment is made, and the line breaks before its answer has come."""
        route.fetch()
        asha.context.set_offline(True)
        route.abort()

    page.route("**/payments", lose, times=1)
    press(page, "^Pay ₹70.00")
    expect(told(page)).to_contain_text("We could not reach the shop.")
    asha.keep("offline")
    assert asha.balance() == before - 7_000
    asha.context.set_offline(False)
    expect(told(page)).to_have_text("You are online again.")
    press(page, "^Pay ₹70.00")
    expect(told(page)).to_have_text("₹70.00 was paid. Thank you!")
    expect(balance_of(page)).to_have_text(rupees(before - 7_000))
    assert asha.balance() == before - 7_000
    assert len(asha.keys) > 2
    assert len(set(asha.keys)) == 1
    asha.forgive("net::ERR")


@pytest.mark.soak
def test_the_statement_is_read_page_by_page_and_taken_home(visit):
    asha = visit("asha")
    for _ in range(8):
        body = {"reference": f"S-{time.monotonic_ns()}", "amount": 100, "currency": "INR"}
        headers = {"Idempotency-Key": body["reference"]}
        asha.api.post("/orders", json=body | {"pay_with": "wallet"}, headers=headers)
    whole = asha.api.get("/wallet/transactions", params={"limit": 100}).json()["items"]
    page = asha.reopen()
    entries = page.locator("batua-wallet li")
    press(page, "Show the statement")
    expect(entries).to_have_count(min(10, len(whole)))
    expect(entries.first).to_contain_text("Payment")
    expect(entries.first).to_contain_text("-₹1.00")
    expect(entries.first).to_contain_text(f"Balance {rupees(whole[0]['balance_after'])}")
    asha.keep("statement")
    while page.get_by_role("button", name="Show more").is_visible():
        shown = entries.count()
        press(page, "Show more")
        expect(entries).not_to_have_count(shown)
    expect(entries).to_have_count(len(whole))
    with page.expect_download() as found:
        press(page, "Download as CSV")
    text = found.value.path().read_text(encoding="utf-8")
    assert found.value.suggested_filename == "statement-INR.csv"
    assert len(text.strip().split("\n")) == len(whole) + 1


@pytest.mark.soak
def test_what_was_typed_wrong_is_said_beside_it(visit):
    asha = visit("asha")
    page = asha.page
    choose(page, "Another amount")
    own = page.get_by_label("Another amount", exact=True).last
    for typed in ("", "abc", "-5", "1.234"):
        own.fill(typed)
        own.press("Enter")
        expect(page.get_by_text("Please type an amount, such as ₹500.00.")).to_be_visible()
        expect(own).to_be_focused()
        expect(own).to_have_attribute("aria-invalid", "true")
    own.fill("1,234.50")
    expect(page.get_by_role("button", name="Add ₹1,234.50")).to_be_visible()
    own.fill("0.50")
    choose(page, "Razorpay")
    press(page, "^Add ₹0.50")
    expect(told(page)).to_contain_text("This amount is too small for this way to pay.")
    asha.keep("too-small")
    asha.forgive("400")


@pytest.mark.soak
def test_it_is_paid_with_the_keyboard_alone(visit):
    asha = visit("asha")
    order = asha.order(100)
    page = asha.reopen(order=order)
    page.get_by_role("button", name="Pay ₹1.00 from the wallet").wait_for()
    page.keyboard.press("Tab")
    focused = "document.querySelector('batua-wallet').shadowRoot.activeElement.textContent"
    assert page.evaluate(focused) == "Pay ₹1.00 from the wallet"
    page.keyboard.press("Enter")
    expect(told(page)).to_have_text("₹1.00 was paid. Thank you!")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="₹500.00")).to_be_checked()


@pytest.mark.soak
def test_a_hindi_page_on_a_small_dark_phone(visit):
    asha = visit(
        "asha", viewport={"width": 360, "height": 740}, color_scheme="dark", has_touch=True
    )
    order = asha.order(2_500)
    page = asha.reopen(lang="hi", order=order)
    press(page, "वॉलेट से ₹25.00 दें")
    expect(told(page)).to_have_text("₹25.00 का भुगतान हो गया। धन्यवाद!")
    press(page, "लेन-देन देखें")
    expect(page.locator("batua-wallet li").first).to_contain_text("भुगतान")
    asha.keep("hindi-dark")
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= 360
    sizes = page.evaluate(SIZES)
    assert len(sizes) > 2
    assert min(sizes) >= 44


@pytest.mark.soak
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_has_nothing_against_it(visit, scheme):
    if not AXE.is_file():
        pytest.skip("axe-core is not here: run npm install in frontend/client")
    asha = visit("asha", color_scheme=scheme, bypass_csp=True)
    page = asha.reopen(order=asha.order(asha.balance() + 10_000))
    choose(page, "Another amount")
    press(page, "^Add money")
    press(page, "Show the statement")
    page.locator("batua-wallet li").first.wait_for()
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("(runOnly) => axe.run({ runOnly }).then((said) => said)", RULES)
    assert len(found["passes"]) > 20
    assert [
        (each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]
    ] == []


@pytest.mark.soak
def test_everything_that_can_be_used_has_a_name(visit):
    asha = visit("asha")
    page = asha.reopen(order=asha.order(asha.balance() + 10_000))
    choose(page, "Another amount")
    tree = page.locator("main").aria_snapshot()
    used = re.findall(
        r"^ *- (button|radio|textbox|group|heading|status|alert|list)\b(.*)", tree, re.MULTILINE
    )
    assert len(used) > 15
    unnamed = {(role, rest) for role, rest in used if '"' not in rest}
    assert {role for role, _ in unnamed} <= {"status", "alert", "list"}, tree
