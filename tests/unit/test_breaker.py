"""The breaker's states, and the two ways to a provider that it guards: over real HTTP."""

import asyncio
import contextlib
import gc
import logging
import threading

import httpx
import pytest
import requests

from batua.breaker import Breaker, BreakerOpen, BreakerState
from batua.calls import Calls
from batua.contract import GatewayUnavailable
from batua.transports import THREADS, WAITING_MAX, BlockingCalls, GuardedAdapter, GuardedTransport
from batua.watching import UNWATCHED

LIMIT_S = 0.3


class Moments:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def moments():
    return Moments()


@pytest.fixture
def breaker(moments):
    return Breaker("paper", failures_max=3, within_s=60, now=moments)


def fail(breaker, times=1):
    for _ in range(times):
        breaker.failed(breaker.begin())


# --- the states ---------------------------------------------------------------------------------


def test_it_opens_after_so_many_failures_in_a_row(breaker):
    fail(breaker, 2)
    assert breaker.state is BreakerState.CLOSED

    fail(breaker)
    assert breaker.state is BreakerState.OPEN
    with pytest.raises(BreakerOpen, match="nothing was sent"):
        breaker.begin()


def test_an_answer_between_them_starts_the_count_anew(breaker):
    fail(breaker, 2)
    breaker.answered()
    fail(breaker, 2)
    assert breaker.state is BreakerState.CLOSED


def test_failures_that_lie_far_apart_are_no_row(breaker, moments):
    fail(breaker, 2)
    moments.now += 61
    fail(breaker, 2)
    assert breaker.state is BreakerState.CLOSED
    fail(breaker)
    assert breaker.state is BreakerState.OPEN


def test_one_call_is_let_through_and_its_answer_closes_it(breaker, moments):
    fail(breaker, 3)
    moments.now += 5
    assert (breaker.state, breaker.refuses) == (BreakerState.HALF_OPEN, False)

    breaker.begin()
    assert breaker.refuses
    with pytest.raises(BreakerOpen):
        breaker.begin()

    breaker.answered()
    assert (breaker.state, breaker.refuses) == (BreakerState.CLOSED, False)


def test_it_stays_open_twice_as_long_each_time_up_to_five_minutes(breaker, moments):
    fail(breaker, 3)
    waits = []
    for _ in range(12):
        began = moments.now
        while breaker.refuses:
            moments.now += 1
        waits.append(moments.now - began)
        fail(breaker)
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300, 300, 300, 300, 300]

    moments.now += 300
    breaker.begin()
    breaker.answered()
    fail(breaker, 3)
    moments.now += 5
    assert not breaker.refuses, "the first wait is short again"


def test_a_call_that_was_given_up_gives_its_turn_to_the_next(breaker, moments):
    fail(breaker, 3)
    moments.now += 5
    breaker.abandoned(breaker.begin())
    assert breaker.state is BreakerState.HALF_OPEN
    breaker.begin()


def test_calls_that_began_before_it_opened_neither_reopen_nor_prolong_it(breaker, moments):
    late = [breaker.begin() for _ in range(3)]
    fail(breaker, 3)
    moments.now += 5
    breaker.begin()  # the one that decides
    for call in late:
        breaker.failed(call)
    assert breaker.state is BreakerState.HALF_OPEN
    breaker.abandoned(late[0])
    assert breaker.refuses, "the turn is still taken"


def test_a_late_answer_closes_it(breaker):
    breaker.begin()
    fail(breaker, 3)
    breaker.answered()
    assert breaker.state is BreakerState.CLOSED


def test_each_change_is_said_once(breaker, moments, caplog):
    with caplog.at_level(logging.INFO):
        fail(breaker, 3)
        for _ in range(4):
            moments.now += 400
            fail(breaker)
        moments.now += 400
        breaker.begin()
        breaker.answered()
        breaker.answered()
    said = [(record.levelname, record.getMessage()) for record in caplog.records]
    assert said == [
        ("ERROR", "paper does not answer: no call goes through for now"),
        ("INFO", "paper answers again: calls go through"),
    ]


# --- over HTTP ----------------------------------------------------------------------------------


class Server:
    """Answers as ``how`` says; counts the requests that it has heard."""

    def __init__(self, how):
        self.how = how
        self.heard = 0
        self.asked = asyncio.Event()
        self.connections = set()

    async def __call__(self, reader, writer):
        self.connections.add(asyncio.current_task())
        try:
            while await self._request(reader):
                self.heard += 1
                self.asked.set()
                await self._answer(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _request(self, reader):
        with contextlib.suppress(asyncio.IncompleteReadError):
            return await reader.readuntil(b"\r\n\r\n")

    async def _answer(self, reader, writer):
        if self.how == "503":
            writer.write(b"HTTP/1.1 503 No\r\ncontent-length: 4\r\n\r\nbusy")
        elif self.how == "hangs":
            await self._left(reader)
        elif self.how == "lost":
            writer.transport.abort()
        else:
            head = {
                "drips": b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n",
                "drips for ever": b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n",
                "drips its head": b"HTTP/1.1 200 OK\r\nx: ",
            }[self.how]
            writer.write(head)
            while not reader.at_eof():
                writer.write(b"x")
                await writer.drain()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.02):
                        await self._left(reader)
        await writer.drain()

    async def _left(self, reader):
        if await reader.read(1) == b"":
            raise ConnectionResetError


@contextlib.asynccontextmanager
async def served(how):
    server = Server(how)
    async with await asyncio.start_server(server, "127.0.0.1", 0) as listening:
        yield server, f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
        gc.collect()  # urllib3 closes the connections of a session that nobody holds any more
        async with asyncio.timeout(5):
            await asyncio.gather(*server.connections)


@contextlib.asynccontextmanager
async def client(breaker):
    network = httpx.AsyncHTTPTransport(trust_env=False)
    # Each read may take far longer than the whole.
    async with httpx.AsyncClient(
        transport=GuardedTransport(network, breaker, LIMIT_S, Calls("test", UNWATCHED)), timeout=30
    ) as http:
        yield http


@contextlib.contextmanager
def session(breaker):
    with requests.Session() as opened:
        opened.trust_env = False
        opened.mount("http://", GuardedAdapter(breaker, LIMIT_S, Calls("test", UNWATCHED)))
        yield opened


@contextlib.asynccontextmanager
async def threads(breaker):
    calls = BlockingCalls("paper", breaker, GatewayUnavailable)
    yield calls
    calls.close()


DRIPS = ("hangs", "drips", "drips for ever", "drips its head")


@pytest.mark.parametrize("how", DRIPS)
async def test_http_ends_however_slowly_it_is_answered(breaker, how):
    async with served(how) as (server, url), client(breaker) as http:
        for _ in range(3):
            with pytest.raises(httpx.ReadTimeout):
                await http.get(url)
        assert breaker.state is BreakerState.OPEN
        with pytest.raises(httpx.ConnectError, match="nothing was sent"):
            await http.get(url)
        assert server.heard == 3


@pytest.mark.parametrize("how", DRIPS)
async def test_a_session_ends_however_slowly_it_is_answered(breaker, how):
    async with served(how) as (server, url), threads(breaker) as calls:
        with session(breaker) as opened:
            for _ in range(3):
                with pytest.raises(requests.ReadTimeout):
                    await calls.run(lambda: opened.post(url, timeout=30))
            assert breaker.state is BreakerState.OPEN
            with pytest.raises(GatewayUnavailable, match="nothing was sent"):
                await calls.run(lambda: opened.post(url))
            with pytest.raises(requests.ConnectTimeout, match="nothing was sent"):
                await asyncio.to_thread(opened.post, url)
            assert server.heard == 3


async def test_a_handshake_that_hangs_ends_too(breaker):
    async with served("hangs") as (server, url), client(breaker) as http, threads(breaker) as calls:
        with session(breaker) as opened:
            secure = url.replace("http:", "https:")
            opened.mount("https://", opened.get_adapter(url))
            with pytest.raises(httpx.ConnectTimeout):
                await http.get(secure)
            with pytest.raises(requests.ReadTimeout):
                await calls.run(lambda: opened.get(secure, timeout=30))
            assert server.heard == 0
    assert breaker.state is BreakerState.CLOSED
    fail(breaker)
    assert breaker.state is BreakerState.OPEN, "both were failures"


async def test_a_kept_connection_ends_as_well(breaker):
    async with served("503") as (server, url), threads(breaker) as calls:
        with session(breaker) as opened:
            assert (await calls.run(lambda: opened.get(url))).text == "busy"
            streamed = await calls.run(lambda: opened.get(url, stream=True))
            assert streamed.raw.read1(99, decode_content=True) == b"busy"
            server.how = "drips"
            with pytest.raises(requests.ReadTimeout):
                await calls.run(lambda: opened.get(url, timeout=30))
            assert server.heard == 3


async def test_any_answer_closes_it(breaker, moments):
    async with served("lost") as (server, url), client(breaker) as http:
        for _ in range(3):
            with pytest.raises(httpx.RemoteProtocolError):
                await http.get(url)
        assert breaker.refuses
        moments.now += 5
        server.how = "503"
        assert (await http.get(url)).status_code == 503
        assert breaker.state is BreakerState.CLOSED


async def test_any_answer_to_a_session_closes_it(breaker, moments):
    async with served("lost") as (server, url):
        with session(breaker) as opened:
            for _ in range(3):
                with pytest.raises(requests.ConnectionError):
                    await asyncio.to_thread(opened.get, url)
            assert breaker.refuses
            moments.now += 5
            server.how = "503"
            assert (await asyncio.to_thread(opened.get, url)).status_code == 503
            assert breaker.state is BreakerState.CLOSED


async def test_a_caller_who_gives_up_says_nothing_of_the_provider(breaker, moments):
    async with served("hangs") as (server, url), client(breaker) as http:
        fail(breaker, 3)
        moments.now += 5
        asking = asyncio.create_task(http.get(url))
        await server.asked.wait()
        assert breaker.refuses
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert breaker.state is BreakerState.HALF_OPEN
        assert not breaker.refuses


async def test_nobody_there_is_a_failure_and_nothing_was_sent(breaker):
    async with served("503") as (_, url):
        pass
    async with client(breaker) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(url)
    with session(breaker) as opened:
        for _ in range(2):
            with pytest.raises(requests.ConnectionError):
                await asyncio.to_thread(opened.get, url)
    assert breaker.state is BreakerState.OPEN


# --- the threads --------------------------------------------------------------------------------


async def test_calls_that_find_every_place_taken_are_told_at_once(breaker):
    released = threading.Event()
    async with threads(breaker) as calls:
        places = THREADS + WAITING_MAX
        running = [asyncio.create_task(calls.run(released.wait)) for _ in range(places)]
        await asyncio.sleep(0)
        with pytest.raises(GatewayUnavailable, match="busy: nothing was sent"):
            await calls.run(lambda: None)

        released.set()
        await asyncio.gather(*running)
        assert await calls.run(lambda: "again") == "again"


async def test_whoever_goes_away_frees_a_place_that_was_not_begun(breaker):
    released = threading.Event()
    async with threads(breaker) as calls:
        running = [asyncio.create_task(calls.run(released.wait)) for _ in range(THREADS)]
        waiting = [asyncio.create_task(calls.run(released.wait)) for _ in range(WAITING_MAX)]
        await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        more = [asyncio.create_task(calls.run(released.wait)) for _ in range(WAITING_MAX)]
        await asyncio.sleep(0)
        with pytest.raises(GatewayUnavailable, match="busy"):
            await calls.run(lambda: None)
        released.set()
        await asyncio.gather(*running, *more)
