"""A shop that is restarted with live keys while test money is still on its way."""

from tests.support.clients import JWT_SECRET, ShopClient
from tests.support.databases import read_rows
from tests.support.ports import free_port
from tests.support.processes import gateway_at, running_serve, running_simulator


async def test_test_money_is_not_posted_to_a_shop_that_has_gone_live(sqlite_url, tmp_path):
    port = free_port()
    hook = f"http://127.0.0.1:{port}/api/v1/webhooks/razorpay"
    with running_simulator(cwd=tmp_path, webhook_url=hook) as simulator:
        test = {"BATUA_JWT_SECRET": JWT_SECRET, **gateway_at(simulator)}
        with running_serve(sqlite_url, cwd=tmp_path, port=port, **test) as server:
            async with ShopClient(server, simulator) as shop:
                top_up = await shop.top_up("nila", 50_000)
            assert server.stop() == 0
        live = {
            **test,
            "BATUA_RAZORPAY_KEY_ID": "rzp_live_elsewhere",
            "BATUA_RAZORPAY_BASE_URL": "https://127.0.0.1:9",  # nobody is there, nobody is asked
        }
        with running_serve(sqlite_url, cwd=tmp_path, port=port, **live) as server:
            async with ShopClient(server, simulator) as shop:
                paid = await shop.pay(top_up)

                async def kept():
                    rows = await read_rows(sqlite_url, "select status, body from batua_inbox")
                    mark = paid["razorpay_payment_id"].encode()
                    return {row["status"] for row in rows if mark in bytes(row["body"])}

                await shop.until(kept, {"quarantined"})
                assert await read_rows(sqlite_url, "select id from batua_capture") == []
                assert await shop.balance("nila") == 0
                status = (await shop.get("staff", f"/topups/{top_up['id']}"))["status"]
                assert status == "pending"
                await shop.verify()
