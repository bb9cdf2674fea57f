"""The panel's lists in a real browser: read, followed, exported, and running nothing of theirs."""

import csv
import io
import itertools

from tests.browser.test_pages import sign_in
from tests.support.databases import opened

HOSTILE = (
    '=HYPERLINK("http://evil.example","x") <img src=x onerror="window.ran=1">'
    '<svg onload="window.ran=2"></svg><script>window.ran=3</script> \u202egpj.exe\u2066 {{7*7}} '
)
LONG = HOSTILE + "w" * 10_000
FORMULAS = tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


async def seed(demo):
    """What people and providers could have written, past every check of ours."""
    async with opened(demo.database_url) as database, database.transaction() as write:
        await write.execute("update batua_customer set name = $1 where id = 'asha'", LONG)
        await write.execute(
            "insert into batua_order (id, reference, customer_id, amount, currency, description,"
            " items, status, created_by, created_at, updated_at, version)"
            " select 'ord_hostile', $1, 'asha', 250000, 'INR', $2, '[]', 'pending', $2,"
            " created_at, created_at, 1 from batua_customer where id = 'asha'",
            HOSTILE, LONG,
        )  # fmt: skip
        await write.execute(
            "insert into batua_inbox (id, gateway, event_id, body_sha256, event_type, body,"
            " headers, events, status, note, attempts, received_at, version)"
            " select 'in_hostile', 'razorpay', $1, 'x', $1, cast($2 as blob), $2, $2, 'dead', $2,"
            " 1, created_at, 1 from batua_customer where id = 'asha'",
            HOSTILE, LONG,
        )  # fmt: skip


async def assert_inert(page):
    """Nothing ran, nothing became an element, and the page is as wide as the window."""
    assert await page.evaluate("window.ran") is None
    assert await page.locator("img[src=x], svg[onload], #app script").count() == 0
    width = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert width <= 0, f"the page is {width} pixels wider than the window"


async def look(page, keep, where, base, waits_for):
    """At a place in both widths."""
    await page.goto("about:blank")  # else only what follows the # would change
    await page.goto(f"{base}/admin/#/{where}")
    await page.wait_for_selector(waits_for)
    await page.wait_for_timeout(800)  # a list fades in
    for width in (390, 1280):
        await page.set_viewport_size({"width": width, "height": 900})
        await assert_inert(page)
        await keep(f"lists-{where.strip('/').replace('/', '-')}-{width}")


async def exported(page):
    await page.click("[data-uitest=csv_button]")
    async with page.expect_download() as download:
        await page.click("[data-uitest=download_csv_button]")
    path = await (await download.value).path()
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))


async def test_lists_are_read_followed_and_exported_and_run_nothing(demo, page, keep):
    await seed(demo)
    await sign_in(demo, page)
    await look(page, keep, "orders/", demo.base, "td:has-text('₹2,500.00')")
    await look(page, keep, "orders/ord_hostile/", demo.base, "h1:has-text('Look at orders')")
    await look(page, keep, "customers/", demo.base, "td:has-text('asha')")
    await look(page, keep, "customers/asha/", demo.base, "h1:has-text('Look at customers')")
    assert await page.input_value("input[name=name]") == LONG
    await look(page, keep, "webhook_events/", demo.base, "td:has-text('razorpay')")
    await look(page, keep, "webhook_events/in_hostile/", demo.base, "h1:has-text('Look at')")

    # Nothing that would be refused is offered; who does it all the same is refused.
    await page.goto(f"{demo.base}/admin/#/accounts/")
    await page.wait_for_selector("td:has-text('wallet:asha:INR')")
    assert not await page.is_visible("text=Add Row")
    assert not await page.locator("td input[type=checkbox]").first.is_visible()

    await page.goto(f"{demo.base}/admin/#/customers/ravi/")
    await page.wait_for_selector("input[name=phone]")
    assert not await page.is_visible("[data-uitest=save_button]")
    await page.fill("input[name=phone]", "+910000000000")
    await page.press("input[name=phone]", "Enter")
    await page.wait_for_selector("text=This list is read-only")

    # Found as it is typed, and followed by clicking.
    await page.goto(f"{demo.base}/admin/#/orders/")
    await page.wait_for_selector("td:has-text('₹2,500.00')")
    await page.click("[data-uitest=filter_button]")
    await page.fill("input[name=amount]", "2,000..₹2,500.00")
    await page.click("[data-uitest=submit_filter_button]")
    await page.wait_for_selector("#result_count:has-text('Showing 1 of 1')")
    await keep("lists-found")
    rows = await exported(page)
    assert [(row["amount"], row["currency"]) for row in rows] == [("2500.00", "INR")]
    cells = itertools.chain.from_iterable(row.values() for row in rows)
    assert [cell for cell in cells if cell.startswith(FORMULAS)] == []
    assert rows[0]["reference"] == f"'{HOSTILE}"

    await page.goto(f"{demo.base}/admin/#/customers/asha/")
    await page.click("text=Show what belongs to it")
    await page.click("ul.related_tables a:has-text('accounts')")
    await page.click("td a:text-is('wallet:asha:INR')")
    await page.click("text=Show what belongs to it")
    await page.click("ul.related_tables a:has-text('entries')")
    await page.wait_for_selector("td:has-text('₹')")
    await page.locator(".table_wrapper tbody tr").first.locator("td span.link a").nth(2).click()
    await page.wait_for_selector("h1:has-text('Look at transfers')")
    await assert_inert(page)
