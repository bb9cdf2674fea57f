"""A customer who is disabled may do nothing, and their money moves all the same."""

from tests.support.api import open_api
from tests.support.disputes import dispute, provider_payment, refunded_there


async def hear(api):
    """What the provider has to tell comes over HTTP, and is applied by the worker."""
    for _, body, headers in await api.shop.provider.new_events():
        answer = await api.http.post("/webhooks/razorpay", content=body, headers=headers)
        assert answer.status_code == 200
    await api.shop.work()


async def test_what_comes_late_goes_back_or_is_disputed_is_posted(database_url, clock):
    async with open_api(database_url, clock) as api:
        shop = api.shop
        await shop.topped_up(50_000)
        (disputed,) = await shop.rows("top_up")
        refunded = await shop.topped_up(20_000)
        bought = await shop.paid_order(30_000, by="gateway")
        late = await shop.open_top_up(10_000)
        waiting = (await shop.create_order(7_000))["id"]
        unpaid = await shop.pay_by_gateway(waiting)
        assert await shop.balance() == 70_000

        assert await shop.batua.identity.revocations.disable("asha", by="test")
        told = await api.get("/wallet")
        assert (told.status_code, told.json()["code"]) == (403, "customer_disabled")

        # A payment that was under way, and one that had expired.
        await shop.provider.pay(unpaid["payment"]["provider_reference"])
        await hear(api)
        assert (await shop.row("order", waiting))["status"] == "paid"
        await shop.work(after_s=3 * 3600)
        assert (await shop.row("top_up", late["top_up"]["id"]))["status"] == "expired"
        await shop.provider.pay(late["payment"]["provider_reference"])
        await hear(api)
        assert await shop.balance() == 80_000

        # Staff refund to the wallet, and the provider to the source.
        answer = await api.post(
            f"/orders/{bought}/refunds", {"to": "wallet", "reason": "damaged"}, "finance"
        )
        assert (answer.status_code, answer.json()["status"]) == (201, "succeeded")
        assert await shop.balance() == 110_000
        payment = await provider_payment(shop, top_up_id=refunded)
        assert (await refunded_there(shop, payment, 20_000))[0] == "applied"
        assert await shop.balance() == 90_000

        # The payer's bank takes it back, and gives up.
        payment = await provider_payment(shop, top_up_id=disputed["id"])
        assert (await dispute(shop, payment, "open"))[0] == "applied"
        assert await shop.balance() == 40_000
        assert (await dispute(shop, payment, "lost"))[0] == "applied"
        assert await shop.balance() == 40_000
        assert (await shop.row("top_up", disputed["id"]))["status"] == "charged_back"

        assert (await api.get("/wallet")).status_code == 403
        assert await shop.rows("inbox", "status <> 'applied'") == []
