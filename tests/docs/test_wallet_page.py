"""The tutorial for a shop's page, typed word for word, and its page used in a real browser."""

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.browser.conftest import QUIET, find_chromium
from tests.support.pages import ROOT, blocks_of
from tests.support.ports import free_port
from tests.support.processes import running_demo

PAGE = "docs/tutorial/add-a-wallet.md"


@pytest.mark.pages(PAGE)
def test_an_existing_page_gets_a_wallet_in_ten_lines(sqlite_url, tmp_path, read):
    chromium, port, own = find_chromium(), free_port(), free_port()
    reader = read(PAGE)
    reader.words |= {"127.0.0.1:8000": f"127.0.0.1:{port}", "3000": str(own)}
    reader.environ["BATUA_DATABASE_URL"] = sqlite_url
    (tmp_path / "frontend").symlink_to(ROOT / "frontend")
    lines = next(block.text for block in blocks_of(PAGE) if "<batua-wallet" in block.text)
    assert len(lines.splitlines()) == 10
    origin = f"http://127.0.0.1:{own}"
    with running_demo(sqlite_url, port=port, cwd=tmp_path, BATUA_ALLOWED_ORIGINS=origin):
        reader.run_rest()
        page = tmp_path / "shop" / "index.html"
        added = lines.replace("127.0.0.1:8000", f"127.0.0.1:{port}")
        page.write_text(page.read_text().replace("</main>", f"{added}</main>"))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
            add_money(browser.new_page(), origin)
            browser.close()


def add_money(page, origin):
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.set_default_timeout(15_000)
    page.goto(origin)
    balance = page.locator("batua-wallet .balance")
    expect(balance).to_have_text("₹2,000.00", timeout=15_000)
    page.get_by_role("radio", name="₹500.00").check()
    page.get_by_role("radio", name="Razorpay").check()
    with page.expect_popup() as found:
        page.get_by_role("button", name="Add ₹500.00").click()
    found.value.get_by_role("button", name="Pay ₹500.00").click()
    expect(page.get_by_text("₹500.00 was added to your wallet.")).to_be_visible(timeout=15_000)
    expect(balance).to_have_text("₹2,500.00")
    assert found.value.is_closed()
    assert said == []
