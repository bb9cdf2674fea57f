"""The dashboard in a real browser: read in both widths, by keyboard, and taken away as CSV."""

import csv
import io

from tests.browser.test_pages import sign_in
from tests.support.bearers import bearer_of
from tests.support.databases import opened


async def test_the_dashboard_is_read_at_both_widths_and_taken_away(demo, page, keep):
    await sign_in(demo, page)
    await page.request.post(
        f"{demo.base}/api/v1/orders",
        headers=bearer_of(demo, "asha") | {"Idempotency-Key": "dashboard-1"},
        data={"reference": "D-1", "amount": 12_345, "currency": "INR", "pay_with": "wallet"},
    )
    async with opened(demo.database_url) as database, database.transaction() as write:
        await write.execute("update batua_customer set name = $1 where id = 'asha'", "w" * 500)
    await page.goto(f"{demo.base}/admin/pages/")
    await page.click("nav >> text=Dashboard")
    await page.wait_for_load_state()  # a click waits for the page, not for its style sheets
    for width in (390, 1280):
        await page.set_viewport_size({"width": width, "height": 900})
        extra = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert extra <= 0, f"the page is {extra} pixels wider than {width}"
        await keep(f"dashboard-{width}")
    spend = page.locator("section.chart", has_text="Spend")
    assert await spend.locator("rect title", has_text="₹123.45").count() == 1
    summary = spend.locator("summary")
    await summary.focus()
    await page.keyboard.press("Enter")
    assert await spend.locator("td", has_text="₹123.45").is_visible()
    async with page.expect_download() as download:
        await page.click("a.csv:has-text('of top customers')")
    path = await (await download.value).path()
    (customer,) = csv.DictReader(io.StringIO(path.read_text()))
    assert (customer["customer"], customer["spent"]) == ("asha", "123.45")
