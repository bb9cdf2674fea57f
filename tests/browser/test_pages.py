"""What people see: the checkout, the panel, the documentation. In a real browser."""

import asyncio

import httpx
import pytest

from tests.support.bearers import bearer_of


@pytest.fixture
async def api(demo):
    async with httpx.AsyncClient(base_url=f"{demo.base}/api/v1", trust_env=False) as http:
        yield http


async def balance(api, who) -> int:
    return (await api.get("/wallet", headers=who)).json()["balance"]


async def test_a_person_pays_on_the_checkout_page_and_the_wallet_is_credited(demo, page, api, keep):
    ravi = bearer_of(demo, "ravi")
    before = await balance(api, ravi)
    opened = await api.post(
        "/topups",
        headers=ravi | {"Idempotency-Key": "browser-1"},
        json={"amount": 50000, "currency": "INR", "gateway": "razorpay"},
    )
    await page.goto(opened.json()["checkout"]["url"])
    await keep("checkout")
    assert "₹500.00" in await page.inner_text("main")
    await page.click("button:has-text('Pay')")
    await page.wait_for_selector("text=/paid|captured|success/i")
    await keep("checkout-paid")
    for _ in range(20):
        if await balance(api, ravi) == before + 50000:
            return
        await asyncio.sleep(0.1)
    pytest.fail("the wallet was not credited within two seconds of the payment")


async def test_a_failed_payment_says_so_and_credits_nothing(demo, page, api):
    meera = bearer_of(demo, "meera")
    opened = await api.post(
        "/topups",
        headers=meera | {"Idempotency-Key": "browser-2"},
        json={"amount": 50000, "currency": "INR", "gateway": "razorpay"},
    )
    await page.goto(opened.json()["checkout"]["url"])
    await page.click("button:has-text('Fail')")
    await page.wait_for_selector("text=/fail/i")
    await asyncio.sleep(0.5)
    read = await api.get(f"/topups/{opened.json()['id']}", headers=meera)
    assert read.json()["status"] == "failed"
    assert await balance(api, meera) == 0


async def sign_in(demo, page) -> None:
    await page.goto(f"{demo.base}/admin/")
    await page.fill("input[name=username]", "owner")
    await page.fill("input[name=password]", demo.secrets()["DEMO_STAFF_PASSWORD"])
    await page.click("button")
    await page.wait_for_selector("text=Welcome to Batua")


async def test_staff_refund_part_of_an_order_in_the_panel(demo, page, api, keep):
    asha = bearer_of(demo, "asha")
    before = await balance(api, asha)
    paid = await api.post(
        "/orders",
        headers=asha | {"Idempotency-Key": "browser-3"},
        json={"reference": "B-3", "amount": 30000, "currency": "INR", "pay_with": "wallet"},
    )
    assert paid.json()["status"] == "paid"
    await sign_in(demo, page)
    await keep("panel")
    await page.goto(f"{demo.base}/admin/#/forms/refund-an-order/")
    await page.fill("input[name=order]", "B-3")
    await page.fill("input[name=amount]", "100")
    await page.fill("input[name=reason]", "damaged")
    await keep("panel-refund")
    await page.click("button:has-text('Submit')")
    await page.wait_for_selector("text=₹100.00 of order B-3 was refunded.")
    await keep("panel-refunded")
    assert await balance(api, asha) == before - 20000
    order = await api.get(f"/orders/{paid.json()['id']}", headers=asha)
    assert order.json()["status"] == "partially_refunded"


async def test_a_refund_of_too_much_is_refused_with_a_sentence(demo, page, api):
    asha = bearer_of(demo, "asha")
    await api.post(
        "/orders",
        headers=asha | {"Idempotency-Key": "browser-4"},
        json={"reference": "B-4", "amount": 1000, "currency": "INR", "pay_with": "wallet"},
    )
    await sign_in(demo, page)
    await page.goto(f"{demo.base}/admin/#/forms/refund-an-order/")
    await page.fill("input[name=order]", "B-4")
    await page.fill("input[name=amount]", "10.01")
    await page.fill("input[name=reason]", "damaged")
    await page.click("button:has-text('Submit')")
    await page.wait_for_selector("text=/has 1000 INR left to refund/")


async def test_the_panel_shows_the_accounts(demo, page, keep):
    await sign_in(demo, page)
    await page.goto(f"{demo.base}/admin/#/accounts/")
    await page.wait_for_selector("text=wallet:asha:INR")
    await keep("panel-accounts")


async def test_the_documentation_draws_every_noun(demo, page, keep):
    await page.goto(f"{demo.base}/docs")
    await page.wait_for_selector(".opblock-tag")
    await keep("docs")
    shown = await page.inner_text("body")
    for noun in ("Gateways", "Top-ups", "Wallet", "Orders", "Refunds", "Customers", "Webhooks"):
        assert noun in shown


async def test_the_messages_look_like_a_phone(demo, page, keep):
    await page.goto(f"{demo.base}/simulators/whatsapp/")
    await keep("whatsapp")
    assert "WhatsApp" in await page.inner_text("body")
