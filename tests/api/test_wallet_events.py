"""``GET /wallet/events``: who watches is told, what comes back is told the rest, and who may."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from batua.identity import Scope
from batua.ledger import AccountName, OpenHold
from tests.support.api import token
from tests.support.events import watching

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_balance_comes_on_connect_and_on_every_change_with_holds(api):
    who = api.newcomer()
    async with watching(api.http, api.headers(who)) as watched:
        empty = await watched.until("balance", 0)
        assert empty.name == "balance"
        assert empty.data == (await api.get("/wallet", who)).json()
        await api.shop.give(50_000, who)
        given = await watched.until("balance", 50_000)
        await api.shop.batua.engine.submit(
            OpenHold(id=f"hold-{who}", account=AccountName.wallet(who, "INR"), amount=20_000)
        )
        held = await watched.until("held", 20_000)
        assert held.data == (await api.get("/wallet", who)).json()
        assert held.data["available"] == 30_000
        assert len({empty.id, given.id, held.id}) == 3
        assert watched.lines[0].startswith("retry: ")
    headers = watched.response.headers
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert headers["cache-control"] == "no-store"
    assert headers["x-accel-buffering"] == "no"
    assert headers["x-request-id"].startswith("req_")
    assert "content-length" not in headers


async def test_who_comes_back_is_told_unless_nothing_has_changed(api):
    who = api.newcomer()
    await api.shop.give(10_000, who)
    async with watching(api.http, api.headers(who)) as watched:
        first = await watched.until("balance", 10_000)
    mine = {**api.headers(who), "Last-Event-ID": first.id}
    async with watching(api.http, mine) as again:
        await api.shop.give(1, who)
        second = await again.until("balance", 10_001)
        assert again.events == [second], "what it had was not told again"
    async with watching(api.http, mine) as late:
        assert (await late.until("balance", 10_001)).id == second.id
    async with watching(api.http, {**mine, "Last-Event-ID": "made up"}) as stranger:
        await stranger.until("balance", 10_001)


async def test_only_ones_own_wallet_in_one_currency_is_told(api):
    one, other = api.newcomer(), api.newcomer()
    async with (
        watching(api.http, api.headers(one)) as rupees,
        watching(api.http, api.headers(one), "/wallet/events?currency=USD") as dollars,
    ):
        await rupees.until("balance", 0)
        await dollars.until("balance", 0)
        await api.shop.give(5, other)
        await api.shop.give(7, one)
        await rupees.until("balance", 7)
        await api.shop.give(9, one, "USD")
        assert (await dollars.until("balance", 9)).data["currency"] == "USD"
        assert [event.data["balance"] for event in rupees.events] == [0, 7]
        assert [event.data["balance"] for event in dollars.events] == [0, 9]


async def test_a_stream_ends_with_its_callers_right_to_it(api):
    now = int(api.clock.now().timestamp())
    revocations = api.shop.batua.identity.revocations
    names = {why: api.newcomer() for why in ("expired", "revoked", "signed out", "disabled")}
    claims = {"expired": {"exp": now + 60}, "revoked": {"jti": f"of-{names['revoked']}"}}
    async with AsyncExitStack() as stack:
        streams = {}
        for why, who in names.items():
            signed = token(api.clock, sub=who, iat=now - 60, **claims.get(why, {}))
            bearer = {"Authorization": f"Bearer {signed}"}
            streams[why] = await stack.enter_async_context(watching(api.http, bearer))
            await streams[why].until("balance", 0)
        good = await stack.enter_async_context(watching(api.http, api.headers(api.newcomer())))
        api.clock.advance(61)
        await revocations.revoke_token(claims["revoked"]["jti"], by="test")
        await revocations.revoke_subject(Scope.CUSTOMER, names["signed out"], by="test")
        await revocations.disable(names["disabled"], by="test")
        # Whoever may no longer know is told nothing, however soon the money moves.
        for who in names.values():
            await api.shop.give(1, who)
        await asyncio.gather(*(stream.ended() for stream in streams.values()))
        assert {why: len(stream.events) for why, stream in streams.items()} == dict.fromkeys(
            names, 1
        )
        assert not good.is_over


async def test_who_may_not_watch_is_told_why(api):
    who = api.newcomer()
    assert (await api.get("/wallet/events", None)).status_code == 401
    assert (await api.get("/wallet/events", "owner")).status_code == 403
    wrong = await api.get("/wallet/events?currency=XXQ", who)
    assert (wrong.status_code, wrong.json()["code"]) == (400, "unknown_currency")


async def test_streams_of_a_customer_and_of_a_process_are_limited(api):
    who, live = api.newcomer(), api.shop.batua.live_wallets
    most = api.shop.batua.settings.streams_per_customer
    async with AsyncExitStack() as stack:
        for _ in range(most):
            opened = watching(api.http, api.headers(who))
            await (await stack.enter_async_context(opened)).until("balance", 0)
        assert live.open == most
        refused = await api.get("/wallet/events", who)
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_streams")
        assert int(refused.headers["Retry-After"]) > 0
        assert f"from {most} places" in refused.json()["detail"]
        assert f"batua_streams_open {most}.0" in (await api.get("/metrics", None)).text
        async with watching(api.http, api.headers(api.newcomer())) as other:
            await other.until("balance", 0)
    async with asyncio.timeout(5):
        while live.open:  # noqa: ASYNC110 - nobody is told when one has ended
            await asyncio.sleep(0.01)
    async with watching(api.http, api.headers(who)) as again:
        await again.until("balance", 0)
