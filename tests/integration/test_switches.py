"""The state that staff give a gateway: it stops new payments, and nothing else."""

import pytest

from batua.errors import Conflict, NotFound
from batua.payments import GatewayState
from tests.support.shop import open_shop

STAFF = "staff:meera"


async def disable(shop):
    await shop.batua.switches.set_state("razorpay", GatewayState.DISABLED, actor=STAFF)


async def test_without_a_row_a_gateway_is_as_its_credentials_say(shop):
    states = await shop.batua.switches.states()
    assert states.pop("razorpay") is GatewayState.TEST
    assert set(states.values()) == {GatewayState.DISABLED}
    assert await shop.batua.switches.state("razorpay") is GatewayState.TEST


async def test_a_disabled_gateway_takes_no_new_payments(shop):
    order = (await shop.create_order())["id"]
    await disable(shop)

    for refused in (shop.open_top_up(), shop.pay_by_gateway(order)):
        with pytest.raises(Conflict) as refusal:
            await refused
        assert refusal.value.code == "gateway_off"
    assert await shop.rows("payment") == []
    (row,) = await shop.batua.database.fetch("select * from batua_gateway")
    assert (row["state"], row["updated_by"]) == ("disabled", STAFF)


async def test_webhooks_poller_confirm_and_refunds_go_on_while_it_is_disabled(shop):
    heard, polled, confirmed = [await shop.open_top_up() for _ in range(3)]
    await disable(shop)

    await shop.provider.pay(heard["payment"]["provider_reference"])
    await shop.hear()
    proof = await shop.provider.pay(confirmed["payment"]["provider_reference"])
    await shop.batua.top_ups.confirm(confirmed["top_up"]["id"], proof)
    await shop.provider.pay(polled["payment"]["provider_reference"])
    await shop.work(after_s=6)
    assert await shop.balance() == 150_000

    await shop.refund_top_up(heard["top_up"]["id"])
    await shop.hear()
    assert await shop.balance() == 100_000


async def test_what_was_disabled_can_be_enabled_again(shop):
    await disable(shop)
    await shop.batua.switches.set_state("razorpay", GatewayState.TEST, actor="staff:ravi")

    assert (await shop.open_top_up()).status == 201


async def test_test_credentials_are_never_enabled_for_live_money(shop):
    with pytest.raises(Conflict) as refusal:
        await shop.batua.switches.set_state("razorpay", GatewayState.ENABLED, actor=STAFF)

    assert refusal.value.code == "wrong_mode"
    assert "live credentials" in str(refusal.value)
    assert await shop.batua.switches.state("razorpay") is GatewayState.TEST


async def test_live_credentials_are_never_in_test(database_url, clock):
    live = {
        "BATUA_RAZORPAY_KEY_ID": "rzp_live_1",
        "BATUA_RAZORPAY_BASE_URL": "https://razorpay.invalid",
        "BATUA_RAZORPAY_CHECKOUT_URL": "",
    }
    async with open_shop(database_url, clock, environ=live) as shop:
        assert await shop.batua.switches.state("razorpay") is GatewayState.ENABLED
        with pytest.raises(Conflict) as refusal:
            await shop.batua.switches.set_state("razorpay", GatewayState.TEST, actor=STAFF)
        assert refusal.value.code == "wrong_mode"


async def test_a_gateway_without_secrets_is_disabled_and_stays_so(database_url, clock):
    async with open_shop(database_url, clock, environ={"BATUA_RAZORPAY_KEY_ID": ""}) as shop:
        assert (await shop.batua.switches.states())["razorpay"] is GatewayState.DISABLED
        with pytest.raises(Conflict) as refusal:
            await shop.batua.switches.set_state("razorpay", GatewayState.TEST, actor=STAFF)
        assert refusal.value.code == "gateway_off"
        assert "BATUA_RAZORPAY_KEY_ID" in str(refusal.value)
        await disable(shop)


async def test_a_gateway_that_is_not_installed_is_not_found(shop):
    with pytest.raises(NotFound):
        await shop.batua.switches.state("paytm")
    with pytest.raises(NotFound):
        await shop.batua.switches.set_state("paytm", GatewayState.DISABLED, actor=STAFF)


async def test_a_payment_of_test_money_is_never_opened_with_live_credentials(database_url, clock):
    async with open_shop(database_url, clock) as shop:
        payment = (await shop.open_top_up())["payment"]["id"]
        await shop.run("update batua_payment set provider_reference = null where id = $1", payment)
    live = {
        "BATUA_RAZORPAY_KEY_ID": "rzp_live_1",
        "BATUA_RAZORPAY_BASE_URL": "https://razorpay.invalid",
        "BATUA_RAZORPAY_CHECKOUT_URL": "",
    }
    async with open_shop(database_url, clock, environ=live) as shop:
        with pytest.raises(Conflict, match="opened in test mode") as refusal:
            await shop.batua.top_ups._starter.start(payment, return_url="")
        assert refusal.value.code == "gateway_off"
