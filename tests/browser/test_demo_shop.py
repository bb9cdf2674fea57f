"""The demo's shop in a real browser, as a visitor meets it: each ends with money right, and a
sentence. What the wallet element does by itself is in ``test_wallet_element.py``."""

import re

import pytest
from playwright.sync_api import expect

from batua.contract import format_money
from tests.browser.conftest import AXE, RULES
from tests.browser.visiting import WAIT_MS, Visiting, visits
from tests.support.bearers import bearer_of

expect.set_options(timeout=WAIT_MS)
THANKS = "{} is yours: {} was paid from your wallet."


class Visitor(Visiting):
    """Somebody in the shop."""

    shots = "demo"

    def __init__(self, demo, browser, name, **context):
        self.placed = []
        own = (f"{demo.base}/", f"http://localhost:{demo.port}/")
        wanted = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"} | context
        super().__init__(demo, browser, name, own, **wanted)
        self.page = self.open()

    def asked(self, request):
        if request.method == "POST" and request.url.endswith("/api/v1/orders"):
            self.placed.append(request.headers["idempotency-key"])

    def open(self):
        """The shop in a new tab, entered."""
        page = self.context.new_page()
        page.goto(f"{self.demo.base}/demo/")
        entry = page.get_by_role("button", name=self.name.title(), exact=True)
        if entry.get_attribute("aria-pressed") != "true":
            entry.click()
        expect(page.locator("#purse")).to_have_text(rupees(self.balance()))
        return page

    def balance(self, currency="INR"):
        return self.api.get("/wallet", params={"currency": currency}).json()["available"]

    def orders(self):
        return self.api.get("/orders", params={"limit": 100}).json()["items"]


@pytest.fixture
def visit(demo, browser):
    yield from visits(lambda name, **context: Visitor(demo, browser, name, **context))


def rupees(amount):
    return format_money(amount, "INR")


def purse(page):
    return page.locator("#purse")


def told(page):
    return page.locator("#told")


def in_wallet(page):
    return page.locator("batua-wallet .told")


def buy(page, name):
    page.get_by_role("button", name=re.compile(f"^Buy {name}")).click()


def adds(page, amount, gateway):
    """Tap on adding money; returns the provider's window."""
    wallet = page.get_by_role("region", name="Your wallet")
    wallet.get_by_role("radio", name=amount, exact=True).check()
    ways = wallet.get_by_role("group", name="Pay with").last
    ways.get_by_role("radio", name=gateway, exact=True).check()
    with page.expect_popup() as found:
        wallet.get_by_role("button", name=f"Add {amount}").click()
    return found.value


def pays(window):
    """Pay, and come back by the provider's link."""
    window.get_by_role("button", name=re.compile("^Pay")).click()
    window.get_by_role("link", name="Back to the shop").click()


def choose_fault(page, choice):
    page.get_by_role("button", name="Be the provider").click()
    drawer = page.get_by_role("dialog", name="Be the provider")
    drawer.get_by_role("radio", name=choice, exact=True).check()
    expect(drawer.get_by_role("status").first).to_contain_text(f"webhooks: {choice.lower()}.")
    return drawer


def test_a_visitor_comes_in_adds_money_and_hears_of_it(visit, demo):
    meera = visit("meera")
    page = meera.page
    expect(page.get_by_role("heading", name="Namaste, Meera")).to_be_visible()
    expect(page.get_by_text("Nothing yet. Your first cup is a tap away.")).to_be_visible()
    meera.keep("empty")
    for count, gateway in enumerate(["Razorpay", "Google Pay"], start=1):
        pays(adds(page, "₹500.00", gateway))
        expect(in_wallet(page)).to_have_text("₹500.00 was added to your wallet.")
        expect(purse(page)).to_have_text(rupees(50_000 * count))
        assert meera.balance() == 50_000 * count
    expect(page.locator(".bubble").last).to_contain_text(
        "Hi Meera, ₹500.00 was added to your wallet. Balance ₹1,000.00."
    )
    meera.keep("added")
    page.locator("#currencies").get_by_role("radio", name="$ dollars").check()
    expect(purse(page)).to_have_text("$0.00")
    expect(page.get_by_role("button", name="Buy Masala chai for $4.99")).to_be_visible()
    adds(page, "$50.00", "PayPal").get_by_role("button", name=re.compile("^Pay")).click()
    expect(purse(page)).to_have_text("$50.00")
    buy(page, "Masala chai")
    expect(told(page)).to_contain_text(THANKS.format("Masala chai", "$4.99"))
    expect(purse(page)).to_have_text("$45.01")
    assert (meera.balance("USD"), meera.balance()) == (4_501, 100_000)


def test_a_double_click_buys_once_and_a_refund_arrives(visit, demo):
    asha = visit("asha")
    page, before = asha.page, asha.balance()
    button = page.get_by_role("button", name="Buy Assam breakfast for ₹240.00")
    button.dblclick()
    expect(told(page)).to_contain_text(THANKS.format("Assam breakfast", "₹240.00"))
    expect(purse(page)).to_have_text(rupees(before - 24_000))
    row = page.locator(".order").first
    expect(row).to_contain_text("Assam breakfast")
    expect(row).to_contain_text("Paid")
    asha.keep("bought")
    (order,) = asha.orders()
    assert (len(asha.placed), asha.balance()) == (1, before - 24_000)
    staff = bearer_of(demo, "lata", scope="staff", role="finance")
    asha.api.post(
        f"/orders/{order['id']}/refunds",
        json={"to": "wallet", "amount": 10_000, "reason": "damaged"},
        headers=staff | {"Idempotency-Key": "demo-shop-refund"},
    ).raise_for_status()
    expect(row).to_contain_text("Partly refunded")
    expect(row).to_contain_text("₹100.00 came back to you")
    expect(told(page)).to_contain_text("₹100.00 came back to your wallet: a refund.")
    expect(purse(page)).to_have_text(rupees(before - 14_000))
    expect(page.locator(".bubble").last).to_contain_text("₹100.00 was refunded")
    asha.keep("refunded")
    expect(button).to_have_text("Buy")
    button.click()
    expect(purse(page)).to_have_text(rupees(before - 38_000))
    assert len(asha.orders()) == 2


@pytest.mark.soak
def test_what_the_wallet_lacks_is_paid_at_a_provider(visit):
    ravi = visit("ravi")
    page, before = ravi.page, ravi.balance()
    buy(page, "Brass kettle")
    expect(told(page)).to_contain_text(
        "Brass kettle is set aside for you. Your wallet asks how to pay for it."
    )
    expect(page.locator(".order").first).to_contain_text("To be paid")
    rest = rupees(240_000 - before)
    wallet = page.get_by_role("region", name="Your wallet")
    expect(wallet).to_contain_text(f"Your wallet has {rupees(before)}: {rest} is missing.")
    ravi.keep("short")
    ways = wallet.get_by_role("group", name="Pay with").first
    ways.get_by_role("radio", name="Razorpay").check()
    with page.expect_popup() as found:
        wallet.get_by_role("button", name=re.compile(f"and {rest} with Razorpay")).click()
    pays(found.value)
    expect(in_wallet(page)).to_have_text("₹2,400.00 was paid. Thank you!")
    expect(told(page)).to_be_hidden()
    row = page.locator(".order").first
    expect(row).to_contain_text(f"{rupees(before)} from the wallet, {rest} by the provider")
    expect(purse(page)).to_have_text("₹0.00")
    ravi.keep("split")
    assert (ravi.balance(), ravi.orders()[0]["status"]) == (0, "paid")


def test_what_fails_or_is_left_takes_nothing_and_what_is_paid_later_arrives(visit):
    ravi = visit("ravi")
    page, before = ravi.page, ravi.balance()
    window = adds(page, "₹500.00", "Razorpay")
    window.get_by_role("button", name="Fail this payment").click()
    window.get_by_role("link", name="Back to the shop").click()
    expect(in_wallet(page)).to_contain_text("The payment did not go through.")
    ravi.keep("failed")
    adds(page, "₹1,000.00", "Razorpay").close()
    expect(in_wallet(page)).to_contain_text("The payment is not finished.")
    page.get_by_role("button", name="Be the provider").click()
    page.get_by_role("button", name="It is paid after all").click()
    expect(purse(page)).to_have_text(rupees(before + 100_000))
    page.keyboard.press("Escape")
    expect(told(page)).to_contain_text("₹1,000.00 was added to your wallet")
    ravi.keep("paid-after-all")
    buy(page, "Brass kettle")
    row = page.locator(".order").first
    row.get_by_role("button", name="Cancel Brass kettle").click()
    expect(told(page)).to_contain_text("The order of Brass kettle is cancelled.")
    expect(row).to_contain_text("Cancelled")
    expect(page.get_by_text("To pay:")).to_be_hidden()
    assert (ravi.balance(), ravi.orders()[0]["status"]) == (before + 100_000, "cancelled")


@pytest.mark.soak
def test_a_lost_webhook_is_made_up_for_and_a_dispute_is_seen(visit, demo):
    asha = visit("asha")
    page, before = asha.page, asha.balance()
    drawer = choose_fault(page, "Get lost")
    asha.keep("provider")
    drawer.get_by_role("button", name="Close").click()
    expect(page.locator("#provider-button")).to_have_class("armed")
    pays(adds(page, "₹500.00", "Razorpay"))
    expect(in_wallet(page)).to_have_text("₹500.00 was added to your wallet.")
    expect(purse(page)).to_have_text(rupees(before + 50_000))
    assert asha.balance() == before + 50_000
    drawer = choose_fault(page, "Arrive three times")
    drawer.get_by_role("button", name="Send every webhook again").click()
    expect(drawer.get_by_role("status").first).to_contain_text("Nothing is credited twice.")
    drawer.get_by_role("button", name="Heal everything").click()
    expect(drawer.get_by_role("status").first).to_have_text("All is well again.")
    expect(page.locator("#provider-button")).not_to_have_class("armed")
    drawer.get_by_role("button", name="The bank disputes it").first.click()
    expect(purse(page)).to_have_text(rupees(before))
    expect(told(page)).to_contain_text("₹500.00 left your wallet: a bank asks for a payment back.")
    asha.keep("disputed")
    drawer.get_by_role("button", name="The shop wins").click()
    expect(purse(page)).to_have_text(rupees(before + 50_000))
    expect(told(page)).to_contain_text("₹500.00 is back: the dispute ended in your favour.")
    assert asha.balance() == before + 50_000


@pytest.mark.soak
def test_a_reload_in_the_middle_and_a_second_tab(visit):
    asha = visit("asha")
    page, before = asha.page, asha.balance()
    window = adds(page, "₹100.00", "Razorpay")
    window.get_by_role("button", name="Pay ₹100").wait_for()
    page.reload()
    expect(in_wallet(page)).to_contain_text("The payment is not finished.")
    other = asha.open()
    window.get_by_role("button", name="Pay ₹100").click()
    for tab in (page, other):
        expect(purse(tab)).to_have_text(rupees(before + 10_000))
    buy(other, "Two kulhads")
    expect(told(other)).to_contain_text(THANKS.format("Two kulhads", "₹180.00"))
    expect(page.locator(".order").first).to_contain_text("Two kulhads")
    for tab in (page, other):
        expect(purse(tab)).to_have_text(rupees(before - 8_000))
    assert asha.balance() == before - 8_000


@pytest.mark.soak
def test_an_order_whose_answer_was_lost_is_found_and_not_bought_twice(visit):
    asha = visit("asha")
    page, before, known = asha.page, asha.balance(), len(asha.orders())

    def lose(route):
        """It is bought, and the line breaks before the answer has come."""
        route.fetch()
        asha.context.set_offline(True)
        route.abort()

    page.route("**/api/v1/orders", lose, times=1)
    buy(page, "Two kulhads")
    expect(told(page)).to_contain_text("We could not reach the shop.")
    asha.keep("offline")
    assert asha.balance() == before - 18_000
    asha.context.set_offline(False)
    buy(page, "Two kulhads")
    expect(told(page)).to_contain_text(THANKS.format("Two kulhads", "₹180.00"))
    expect(purse(page)).to_have_text(rupees(before - 18_000))

    def leave(route):
        """It is bought, and the page is gone before the answer has come."""
        route.fetch()
        page.evaluate("setTimeout(() => location.reload())")

    page.route("**/api/v1/orders", leave, times=1)
    buy(page, "Nilgiri green")
    expect(told(page)).to_contain_text(THANKS.format("Nilgiri green", "₹320.00"))
    assert asha.balance() == before - 50_000
    assert len(asha.orders()) == known + 2
    asha.forgive("net::ERR")


@pytest.mark.soak
def test_a_small_dark_phone_and_the_keyboard(visit, demo):
    asha = visit("asha", viewport={"width": 360, "height": 740}, color_scheme="dark")
    page = asha.page
    page.evaluate("sessionStorage.clear(); localStorage.clear()")
    # A browser takes another name of this machine for another shop.
    page.goto(f"http://localhost:{demo.port}/demo/")
    page.wait_for_url(f"{demo.base}/demo/")
    page.get_by_role("button", name="Buy Masala chai").press("Enter")
    expect(told(page)).to_contain_text("Choose who you are first")
    expect(page.get_by_role("button", name="Asha")).to_be_focused()
    page.keyboard.press("Enter")
    expect(purse(page)).to_have_text(rupees(asha.balance()))
    expect(told(page)).to_be_hidden()
    asha.keep("phone")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("button", name="Be the staff").press("Enter")
    drawer = page.get_by_role("dialog", name="Be the staff")
    expect(drawer.get_by_text(asha.demo.secrets()["DEMO_STAFF_PASSWORD"])).to_be_visible()
    asha.keep("phone-staff")
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(page.get_by_role("button", name="Be the staff")).to_be_focused()
    sizes = page.evaluate(
        "[...document.querySelectorAll('button')].map((each) => each.getBoundingClientRect())"
        ".filter(({ width }) => width > 0).map(({ height }) => height)"
    )
    assert len(sizes) > 10
    assert min(sizes) >= 44


@pytest.mark.soak
def test_axe_has_nothing_against_it(visit):
    if not AXE.is_file():
        pytest.skip("axe-core is not here: run npm install in frontend/client")
    ravi = visit("ravi", bypass_csp=True)
    page = ravi.page
    page.locator(".bubble").first.wait_for()
    page.evaluate(AXE.read_text(encoding="utf-8"))
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        accuse(page, RULES)
        for name in ("Be the provider", "Be the staff"):
            page.get_by_role("button", name=name).click()
            page.get_by_role("dialog", name=name).get_by_role("button").nth(1).wait_for()
            accuse(page, RULES)
            page.keyboard.press("Escape")


def accuse(page, rules):
    found = page.evaluate("(runOnly) => axe.run({ runOnly }).then((said) => said)", rules)
    assert len(found["passes"]) > 15
    assert [
        (each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]
    ] == []
