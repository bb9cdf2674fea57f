"""What staff do all day, in a real browser: sign in by a code, refund, approve, replay, switch."""

import httpx
import pyotp
import pytest

from batua.bootstrap import open_batua
from batua.settings import read_settings
from batua_admin import create_staff
from tests.support.bearers import bearer_of
from tests.support.databases import opened

PASSWORD = "a long password"
PART = 1_000_000
"""As much as one of staff may give alone, in paise."""
LARGE = 1_500_000


async def add_staff(demo, **roles):
    """Made here and not by the command line: a process each would take longer than the test."""
    settings = read_settings({}, database_url=demo.database_url, jwt_secret="x" * 32)
    async with open_batua(settings, {}) as batua:
        for name, role in roles.items():
            await create_staff(batua, username=name, password=PASSWORD, role=role)


async def paid_order(demo, reference, amount):
    """An order of Asha's, who is given enough for it in parts that need no approval."""
    async with httpx.AsyncClient(base_url=f"{demo.base}/api/v1", trust_env=False) as api:
        owner = bearer_of(demo, "boss", scope="staff", role="owner")
        for part in range(-(-amount // PART)):
            given = await api.post(
                "/customers/asha/adjustments",
                headers=owner | {"Idempotency-Key": f"give-{reference}-{part}"},
                json={"amount": PART, "reason_code": "goodwill"},
            )
            assert given.json()["status"] == "posted", given.text
        wanted = {"reference": reference, "amount": amount, "currency": "INR", "pay_with": "wallet"}
        asha = bearer_of(demo, "asha")
        order = await api.post(
            "/orders", headers=asha | {"Idempotency-Key": reference}, json=wanted
        )
        assert order.json()["status"] == "paid", order.text
        return order.json()["id"]


async def balance(demo):
    async with httpx.AsyncClient(base_url=f"{demo.base}/api/v1", trust_env=False) as api:
        return (await api.get("/wallet", headers=bearer_of(demo, "asha"))).json()["balance"]


async def sign_in(demo, page, name, code=None):
    await page.context.clear_cookies()
    await page.goto(f"{demo.base}/admin/")
    await page.fill("input[name=username]", name)
    await page.fill("input[name=password]", PASSWORD)
    await page.click("button")
    if code is not None:
        await page.fill("input[placeholder='123456']", code)
        await page.click("button")
    await page.wait_for_selector("text=Welcome to Batua")


async def enrol(demo, page):
    """Set up a second factor; returns the codes for when the app is lost."""
    await page.goto(f"{demo.base}/admin/pages/security/")
    await page.click("button:has-text('Set up')")
    key = (await page.inner_text("p:has-text('Key:') code")).strip()
    app = pyotp.TOTP(key)
    await page.fill("#password", PASSWORD)
    await page.fill("#code", app.now())
    await page.click("button:has-text('Turn it on')")
    codes = await page.locator("li code").all_inner_texts()
    assert len(codes) >= 5
    return codes


@pytest.fixture
def pages(demo):
    return f"{demo.base}/admin/pages"


async def test_staff_sign_in_with_a_code_and_run_the_shops_money(demo, page, pages, keep):
    await add_staff(demo, meera="finance")
    order = await paid_order(demo, "S-1", 30_000)
    before = await balance(demo)

    await sign_in(demo, page, "meera")
    codes = await enrol(demo, page)
    await keep("staff-second-factor")
    await sign_in(demo, page, "meera", code=codes[0])
    await keep("staff-signed-in")

    # Find the customer, by what she says on the phone, and refund part of her order.
    await page.goto(f"{pages}/")
    await page.fill("#find", "asha")
    await page.press("#find", "Enter")
    await page.wait_for_selector("h1:has-text('Asha')")
    await keep("staff-customer")
    await page.click("tr:has-text('S-1') a:text-is('Refund')")
    await page.fill("input[name=amount]", "100")
    await page.fill("input[name=reason]", "damaged")
    await keep("staff-refund")
    await page.click("button:has-text('Refund an order')")
    await page.wait_for_selector("text=₹100.00 of order S-1 was refunded.")
    await keep("staff-refunded")
    assert await balance(demo) == before + 10_000
    await page.goto(f"{pages}/audit/?subject=order:{order}")
    await page.wait_for_selector("td:has-text('staff:meera')")
    await page.click("summary")
    assert "refunded" in await page.inner_text("details")
    await keep("staff-audit")


async def test_a_large_refund_waits_for_somebody_else(demo, page, pages, keep):
    await add_staff(demo, one="finance", other="finance")
    await paid_order(demo, "S-2", LARGE)
    before = await balance(demo)

    await sign_in(demo, page, "one")
    await page.goto(f"{pages}/do/refund-an-order/?order=S-2&back=approvals/")
    await page.fill("input[name=reason]", "the whole house")
    await page.click("button:has-text('Refund an order')")
    await page.wait_for_selector("text=waits for a second person")
    await page.wait_for_selector("td:has-text('yours: somebody else decides')")
    await keep("staff-waits")
    refund = await page.inner_text("tr:has-text('the whole house') td:first-child")
    await page.goto(f"{pages}/do/decide-on-a-refund/?id={refund}&decision=approve")
    await page.click("button:has-text('Decide on a refund')")
    await page.wait_for_selector("text=Somebody else must decide")
    assert await balance(demo) == before

    await sign_in(demo, page, "other")
    await page.goto(f"{pages}/approvals/")
    await page.click("tr:has-text('the whole house') a:text-is('Approve')")
    await page.click("button:has-text('Decide on a refund')")
    await page.wait_for_selector(f"text=Refund {refund} is succeeded.")
    await keep("staff-approved")
    assert await balance(demo) == before + LARGE


async def test_a_dead_webhook_is_replayed_and_a_gateway_put_in_test_and_back(
    demo, page, pages, keep
):
    await add_staff(demo, anna="owner")
    async with opened(demo.database_url) as database, database.transaction() as write:
        await write.execute(
            "insert into batua_inbox (id, gateway, event_id, body_sha256, event_type, body,"
            " headers, events, status, note, attempts, received_at, version)"
            " select 'in_dead', 'razorpay', 'evt_dead', 'x', 'payment.captured',"
            " cast('{}' as blob), '{}', '[]', 'dead', 'the ledger was away', 9, created_at, 1"
            " from batua_customer where id = 'asha'"
        )
    await sign_in(demo, page, "anna")
    await page.goto(f"{pages}/attention/")
    await keep("staff-attention")
    await page.click("tr:has-text('the ledger was away') a:text-is('Replay')")
    await page.click("button:has-text('Replay a webhook')")
    await page.wait_for_selector("text=The webhook is")
    assert not await page.is_visible("text=the ledger was away")

    await page.goto(f"{pages}/gateways/")
    for link, state in (("Disable Razorpay", "disabled"), ("Put Razorpay in test", "test")):
        await page.click(f"a:text-is('{link}')")
        await page.click("button:has-text('Switch a gateway')")
        await page.wait_for_selector(f"text=razorpay is {state} now.")
        async with httpx.AsyncClient(base_url=f"{demo.base}/api/v1", trust_env=False) as api:
            shown = await api.get("/gateways", headers=bearer_of(demo, "asha"))
        assert ("razorpay" in shown.text) == (state == "test")
    await keep("staff-gateways")


async def test_a_refund_needs_no_mouse_and_reads_well_on_a_phone(demo, page, pages, keep):
    await add_staff(demo, keys="support")
    await paid_order(demo, "S-4", 50_000)
    before = await balance(demo)
    await sign_in(demo, page, "keys")
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.goto(f"{pages}/")

    async def tab_to(words):
        for _ in range(80):
            await page.keyboard.press("Tab")
            name = await page.evaluate(
                "() => { const at = document.activeElement;"
                " return (at.labels?.[0]?.innerText || at.innerText || '').trim(); }"
            )
            if name.startswith(words):
                return
        pytest.fail(f"no key leads to {words!r}")

    await tab_to("Find a customer")
    await page.keyboard.type("S-4")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("h1:has-text('Order S-4')")
    await keep("staff-order-390")
    await tab_to("Refund")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("h1:has-text('Refund an order')")
    await tab_to("Amount")
    await page.keyboard.type("20.50")
    await tab_to("Reason")
    await page.keyboard.type("cold tea")
    await keep("staff-refund-390")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("text=₹20.50 of order S-4 was refunded.")
    assert await balance(demo) == before + 2_050
    for path in ("", "customers/asha/", "approvals/", "attention/", "gateways/"):
        await page.goto(f"{pages}/{path}")
        await keep(f"staff-390-{path.strip('/').replace('/', '-') or 'overview'}")
        wide = await page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 390, path
