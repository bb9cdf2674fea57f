"""The drivers of real providers, whose scripts are put in the place of theirs by the test."""

import json

import pytest

from batua_api.frontend import FOLDER
from tests.support.ports import free_port
from tests.support.shop_page import serving_shop

PAGE = '<!doctype html><html lang="en"><title>A shop</title><link rel="icon" href="data:,"><main>'
RAZORPAY = "https://checkout.razorpay.com/v1/checkout.js"
GOOGLE = "https://pay.google.com/gp/p/js/pay.js"
LIVE = {"code": "x", "state": "enabled"}
OPEN = """async ({ checkout, gateway, paidMs }) => {
  const { driverOf } = await import('/batua/client/drivers/index.js');
  const { en } = await import('/batua/client/messages/en.js');
  const pay = await driverOf(checkout, gateway);
  const isPaid = new Promise((paid) => paidMs && setTimeout(paid, paidMs));
  const pending = { return_url: location.href + '?batua_return=tag' };
  return pay({ checkout, pending, mode: 'window', messages: en, isPaid });
}"""
RAZORPAY_SCRIPT = """globalThis.Razorpay = class {
  constructor(options) { globalThis.asked = options; globalThis.layer = this; }
  open() { this.isOpen = true; }
  close() { this.isOpen = false; }
};"""
GOOGLE_SCRIPT = """globalThis.google = { payments: { api: { PaymentsClient: class {
  constructor(options) { globalThis.options = options; }
  async isReadyToPay() { return { result: globalThis.ready ?? true }; }
  createButton({ onClick }) {
    const button = document.createElement('button');
    button.textContent = 'Buy with GPay';
    button.addEventListener('click', onClick);
    return button;
  }
  async loadPaymentData(request) {
    globalThis.asked = request;
    if (globalThis.refuses) { globalThis.refuses = false; throw { statusCode: 'CANCELED' }; }
    return { paymentMethodData: { tokenizationData: { token: 'sealed' } } };
  }
} } } };"""
CARD = {
    "gateway": "googlepay",
    "google_pay": json.dumps({"apiVersion": 2, "apiVersionMinor": 0, "allowedPaymentMethods": []}),
    "google_pay_environment": "PRODUCTION",
}
UPI = {"gateway": "googlepay", "upi_link": "upi://pay?pa=shop%40bank&am=5.00&cu=INR"}
ORDER = {"gateway": "razorpay", "key_id": "rzp_live_1", "order_id": "order_1", "amount": 500,
         "currency": "INR", "description": "A thing"}  # fmt: skip


@pytest.fixture(scope="module")
def shop():
    with serving_shop("https://api.example", {"/batua/": FOLDER}, port=free_port()) as page:
        page.pages["/shop"] = PAGE
        page.scripts = "https://checkout.razorpay.com https://pay.google.com"
        yield page


@pytest.fixture
def page(shop, browser):
    context = browser.new_context()
    context.set_default_timeout(10_000)
    opened = context.new_page()
    opened.asked = []
    opened.broken = []
    opened.on("request", lambda asked: opened.asked.append(asked.url))
    opened.on("pageerror", lambda error: opened.broken.append(str(error)))
    for url, script in ((RAZORPAY, RAZORPAY_SCRIPT), (GOOGLE, GOOGLE_SCRIPT)):
        context.route(url, answering(script))
    opened.goto(f"{shop.base}/shop")
    yield opened
    context.close()
    assert opened.broken == []


def answering(script):
    return lambda route: route.fulfill(body=script, content_type="text/javascript")


def wait_for_layer(page):
    """Razorpay's layer is open. Playwright's own wait would need ``unsafe-eval``."""
    for _ in range(100):
        if page.evaluate("globalThis.layer?.isOpen === true"):
            return
        page.wait_for_timeout(50)
    pytest.fail("the layer was not opened within five seconds")


def begin(page, checkout, *, gateway=LIVE, paid_ms=0):
    """Start a driver, and leave what becomes of it in the page."""
    told = {"checkout": checkout, "gateway": gateway, "paidMs": paid_ms}
    page.evaluate(f"(told) => {{ globalThis.end = ({OPEN})(told).catch(String); }}", told)


def end(page):
    return page.evaluate("globalThis.end")


def loaded(page):
    return [url for url in page.asked if not url.startswith("http://127.0.0.1")]


def test_razorpay_brings_back_what_it_gave(page):
    begin(page, ORDER)
    wait_for_layer(page)
    assert loaded(page) == [RAZORPAY]
    asked = page.evaluate("globalThis.asked")
    assert (asked["key"], asked["order_id"], asked["amount"]) == ("rzp_live_1", "order_1", 500)
    proof = {"razorpay_payment_id": "pay_1", "razorpay_signature": "s"}
    page.evaluate("(proof) => globalThis.asked.handler(proof)", proof)
    assert end(page) == {"kind": "back", "proof": proof}


def test_razorpay_is_closed_by_its_customer_or_by_the_money(page):
    begin(page, ORDER)
    wait_for_layer(page)
    page.evaluate("globalThis.asked.modal.ondismiss()")
    assert end(page) == {"kind": "back"}
    begin(page, ORDER, paid_ms=100)
    assert end(page) == {"kind": "back"}
    assert page.evaluate("globalThis.layer.isOpen") is False
    assert loaded(page) == [RAZORPAY]  # once for both


def test_google_pay_gives_a_sealed_token_at_the_second_tap_too(page):
    begin(page, CARD)
    page.evaluate("globalThis.refuses = true")
    page.get_by_role("button", name="Buy with GPay").click()
    page.get_by_role("button", name="Buy with GPay").click()
    found = end(page)
    assert json.loads(found["proof"]["payment_data"])["paymentMethodData"]
    assert page.evaluate("globalThis.options") == {"environment": "PRODUCTION"}
    assert page.locator("dialog").count() == 0
    assert loaded(page) == [GOOGLE]


def test_who_has_no_google_pay_pays_by_upi(page):
    page.evaluate("globalThis.ready = false")
    begin(page, CARD | UPI)
    page.get_by_role("img", name="Scan this code with any UPI app").wait_for()
    page.get_by_role("button", name="I have paid").click()
    assert end(page) == {"kind": "back", "proof": {"upi": "returned"}}


def test_upi_shows_a_code_and_loads_nothing(page):
    begin(page, UPI)
    page.get_by_role("img", name="Scan this code with any UPI app").wait_for()
    page.get_by_role("button", name="Cancel").click()
    assert end(page) == {"kind": "back"}
    assert loaded(page) == []


def test_a_test_shop_loads_no_script_of_a_provider(page, shop):
    url = f"{shop.base}/shop"
    with page.expect_popup() as found:
        begin(page, ORDER | {"url": url}, gateway={"code": "razorpay", "state": "test"})
    found.value.close()
    assert end(page) == {"kind": "back"}
    assert loaded(page) == []


@pytest.mark.parametrize(
    ("checkout", "says"),
    [
        ({"gateway": "other", "url": "javascript:alert(1)"}, "http or https"),
        (
            {"gateway": "paypal", "url": "https://www.paypal.com.evil.example/x"},
            "no host of PayPal",
        ),
        ({"gateway": "paypal", "url": "http://www.paypal.com/x"}, "no host of PayPal"),
    ],
)
def test_nobody_is_sent_where_no_provider_is(page, checkout, says):
    begin(page, checkout)
    assert says in end(page)
    assert len(page.context.pages) == 1


def test_a_link_that_opens_no_upi_app_is_not_shown(shop, browser):
    context = browser.new_context(has_touch=True, is_mobile=True)
    phone = context.new_page()
    phone.goto(f"{shop.base}/shop")
    begin(phone, UPI | {"upi_link": "javascript:alert(1)"})
    assert "begins with upi://" in end(phone)
    begin(phone, UPI)
    assert (
        phone.get_by_role("link", name="Open your UPI app").get_attribute("href") == UPI["upi_link"]
    )
    context.close()


def test_a_script_that_cannot_be_had_is_asked_for_again(page):
    page.context.route(RAZORPAY, lambda route: route.abort(), times=1)
    begin(page, ORDER)
    assert "could not be loaded" in end(page)
    begin(page, ORDER)
    wait_for_layer(page)
