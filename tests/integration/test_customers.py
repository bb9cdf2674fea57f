"""Customers: known from first use; how they may be reached is their own word."""

import asyncio

import pytest

from batua.errors import InvalidRequest
from batua.wallets import read_wallet, wallet_id
from tests.support.shop import open_shop, with_phone

PHONE = "+919876543210"


async def put(shop, id="asha", *, name=None, phone=None, consents=None, source="service:shop"):
    return await shop.batua.customers.put(
        id, name=name, phone=phone, consents=consents or {}, source=source
    )


async def test_an_unknown_customers_wallet_has_zeros(shop):
    wallet = await read_wallet(shop.batua.database, "nobody", "INR")

    assert (wallet.posted, wallet.held, wallet.available, wallet.status) == (0, 0, 0, "active")
    assert wallet.id == wallet_id("nobody", "INR") != wallet_id("nobody", "USD")
    assert await shop.rows("customer") == []


async def test_a_customer_exists_from_first_use_and_is_made_once(shop):
    await asyncio.gather(*(shop.create_order(1_000) for _ in range(10)))

    (customer,) = await shop.rows("customer")
    assert (customer["id"], customer["name"], customer["phone"]) == ("asha", "", "")


async def test_what_is_left_out_stays_as_it_is(shop):
    await put(shop, name="Asha", phone=PHONE)
    await put(shop, name="Asha Rao")
    customer = await put(shop)

    assert (customer["name"], customer["phone"]) == ("Asha Rao", PHONE)


async def test_a_consent_is_given_once_and_revoked_with_its_reason(shop):
    for _ in range(2):
        await put(shop, phone=PHONE, consents={"whatsapp": True})
    assert await shop.batua.customers.consents("asha") == {"whatsapp": True}
    (given,) = await shop.rows("consent")
    assert (given["address"], given["source"], given["revoked_at"]) == (PHONE, "service:shop", None)

    for _ in range(2):
        await put(shop, consents={"whatsapp": False}, source="staff:meera")
    (revoked,) = await shop.rows("consent")
    assert revoked["revoked_at"] is not None
    assert revoked["revoked_reason"] == "staff:meera"
    assert await shop.batua.customers.consents("asha") == {}

    await put(shop, consents={"whatsapp": True})
    assert len(await shop.rows("consent")) == 2
    assert await shop.batua.customers.consents("asha") == {"whatsapp": True}


async def test_a_consent_needs_a_number_that_it_is_for(shop):
    with pytest.raises(InvalidRequest) as refusal:
        await put(shop, name="Asha", consents={"whatsapp": True})

    assert refusal.value.pointer == "/phone"
    assert await shop.rows("customer") == []


async def test_a_newcomer_comes_with_what_is_known_of_them(database_url, clock):
    async with open_shop(database_url, clock, newcomers=with_phone) as shop:
        await shop.create_order(1_000)

        recipient = await shop.batua.customers.find_recipient("asha", "whatsapp")
        assert recipient is not None
        assert (recipient.name, recipient.phone) == ("Asha", "+915550000001")
        assert recipient.has_consented
        other = await shop.batua.customers.find_recipient("asha", "sms")
        assert other is not None
        assert not other.has_consented
        assert await shop.batua.customers.find_recipient("nobody", "whatsapp") is None


async def test_whoever_has_no_name_is_called_by_their_id(shop):
    await put(shop)

    recipient = await shop.batua.customers.find_recipient("asha", "whatsapp")

    assert recipient is not None
    assert recipient.name == "asha"


async def test_a_consent_moves_with_the_phone_number_and_the_old_one_keeps_its_own(shop):
    put = shop.batua.customers.put
    given = {"whatsapp": True}
    await put("asha", name="Asha", phone="+915550000001", consents=given, source="service:shop")
    await put("asha", name=None, phone="+915550000002", consents={}, source="service:shop")
    consents = await shop.batua.database.fetch(
        "select address, revoked_at, revoked_reason from batua_consent order by given_at, id"
    )
    assert [row["address"] for row in consents] == ["+915550000001", "+915550000002"]
    assert [row["revoked_at"] is None for row in consents] == [False, True]
    assert consents[0]["revoked_reason"] == "the phone number changed"
    await put("asha", name=None, phone="", consents={}, source="service:shop")
    assert await shop.batua.customers.consents("asha") == {}


@pytest.mark.parametrize("bad", ["", "a/b", "a\nb", "a" * 129, "a\u200b"])
async def test_an_id_that_no_route_can_name_is_refused(shop, bad):
    with pytest.raises(InvalidRequest, match="printable characters without a slash"):
        await shop.give(1, customer=bad)
    assert await shop.rows("customer") == []


@pytest.mark.parametrize("fine", ["asha", "user@example.org", "आशा", "a b", "a" * 128])
async def test_any_other_id_is_fine(shop, fine):
    await shop.give(1, customer=fine)
    assert await shop.balance(fine) == 1
