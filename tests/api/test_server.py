"""The production server's own bounds, with real sockets."""

import asyncio
import socket
import threading
import time
from contextlib import contextmanager, suppress

import pytest
import uvicorn

from batua_api import server as serving
from batua_api.server import HEAD_BYTES_MAX
from tests.support.ports import free_port

REQUEST = b"POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 2\r\n\r\nhi"
PATIENCE_S = 5.0


async def app(scope, receive, send):
    """Says who the client is, once it has read all of the body."""
    if scope["type"] == "lifespan":
        return await until_stopped(receive, send)
    while (await receive()).get("more_body"):
        pass
    if scope["path"] == "/endless":
        return await talk_on(receive, send)
    body = f"{scope['method']} {scope['path']} from {scope['client'][0]}".encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
    return None


async def talk_on(receive, send):
    """Answers until the client has gone."""
    gone = asyncio.ensure_future(receive())
    await send({"type": "http.response.start", "status": 200, "headers": []})
    while not gone.done():
        await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
        await asyncio.sleep(0)


async def until_stopped(receive, send):
    while True:
        step = (await receive())["type"]
        await send({"type": f"{step}.complete"})
        if step == "lifespan.shutdown":
            return


@pytest.fixture(scope="module")
def port():
    options = serving.options("127.0.0.1", free_port()) | {"factory": False}
    server = uvicorn.Server(uvicorn.Config(app, **options))
    thread = threading.Thread(target=server.run)  # beside the main thread it captures no signals
    thread.start()
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        yield options["port"]
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)


@contextmanager
def connected(port):
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as client:
        yield client


def received(client, answers=1):
    """What comes until so many answers are whole, or until the server hangs up."""
    data = b""
    while data.count(b" from 127.0.0.1") < answers and (more := client.recv(65536)):
        data += more
    return data


def is_hung_up_on(client):
    try:
        return client.recv(65536) == b""
    except ConnectionResetError:  # it hung up on what it had not read yet
        return True


def test_a_head_that_never_ends_is_refused(port):
    with connected(port) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: shop\r\nX-Endless: ")
        try:
            for _ in range(4 * HEAD_BYTES_MAX // 1024):
                client.sendall(b"x" * 1024)
            assert received(client).startswith(b"HTTP/1.1 431")
        except (BrokenPipeError, ConnectionResetError):
            pass  # it hung up on what we were still saying
    with connected(port) as client:
        client.sendall(REQUEST)
        assert received(client).startswith(b"HTTP/1.1 200")


def test_ten_megabytes_of_headers_are_refused_long_before_their_end(port):
    header = b"X-Filler: " + b"x" * 1000 + b"\r\n"
    sent = 0
    with connected(port) as client, suppress(BrokenPipeError, ConnectionResetError):
        client.sendall(b"GET / HTTP/1.1\r\nHost: shop\r\n")
        for sent in range(10_000):  # noqa: B007 - how far it came
            client.sendall(header)
        pytest.fail("all of it was taken")
    assert sent * len(header) < 8_000_000, "what is refused early is not read to its end"
    with connected(port) as client:
        client.sendall(REQUEST)
        assert received(client).startswith(b"HTTP/1.1 200")


def test_a_long_head_that_ends_is_heard(port):
    with connected(port) as client:
        client.sendall(b"GET /long HTTP/1.1\r\nHost: shop\r\nX-Long: ")
        for _ in range(50):
            client.sendall(b"x" * 1024)
        client.sendall(b"\r\n\r\n")
        assert b"GET /long" in received(client)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"POST / HT", id="half a head"),
        pytest.param(REQUEST[:-1], id="half a body"),
        pytest.param(REQUEST + REQUEST[:-1], id="half a second request"),
    ],
)
def test_who_does_not_finish_a_request_is_hung_up_on(port, monkeypatch, said):
    monkeypatch.setattr(serving, "REQUEST_S_MAX", 0.3)
    with connected(port) as client:
        client.sendall(said)
        if said.startswith(REQUEST):
            assert b"POST /" in received(client)
        assert is_hung_up_on(client)


def test_who_finishes_in_time_is_not_hurried_on_the_next_request(port, monkeypatch):
    monkeypatch.setattr(serving, "REQUEST_S_MAX", 0.5)
    with connected(port) as client:
        for _ in range(3):
            for piece in (REQUEST[:5], REQUEST[5:40], REQUEST[40:]):
                client.sendall(piece)
                time.sleep(0.05)
            assert b"POST /" in received(client)
            time.sleep(0.6)  # longer than a request may take: nobody has begun one


def test_requests_in_one_go_are_answered_in_order(port):
    with connected(port) as client:
        client.sendall(REQUEST + REQUEST.replace(b"POST /", b"POST /second"))
        data = received(client, answers=2)
        assert data.index(b"POST / from") < data.index(b"POST /second from")


class Recorded(asyncio.Transport):
    """Keeps what each call of the system would send."""

    def __init__(self):
        super().__init__()
        self.sent = []
        self.is_closed = False

    def write(self, data):
        self.sent.append(bytes(data))

    def close(self):
        self.is_closed = True

    def is_closing(self):
        return self.is_closed

    abort = close


HEAD, BODY = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n", b"hi"


@pytest.fixture
async def joined():
    sent = Recorded()
    return sent, serving.JoinedWrites(sent, asyncio.get_running_loop())


async def test_an_answer_is_sent_in_one_go(joined):
    sent, transport = joined
    for _ in range(2):
        transport.write(HEAD)
        transport.write(BODY)
    transport.write(b"and more of the second")
    await asyncio.sleep(0)
    assert sent.sent == [HEAD + BODY, HEAD + BODY, b"and more of the second"]


async def test_a_head_waits_for_no_body_that_does_not_come_at_once(joined):
    sent, transport = joined
    transport.write(HEAD)
    assert sent.sent == []
    await asyncio.sleep(0)
    transport.write(BODY)
    assert sent.sent == [HEAD, BODY]


async def test_what_is_closed_has_sent_its_head_and_what_is_cut_off_has_not(joined):
    sent, transport = joined
    transport.write(HEAD)
    transport.close()
    await asyncio.sleep(0)
    assert sent.sent == [HEAD]
    other = Recorded()
    transport = serving.JoinedWrites(other, asyncio.get_running_loop())
    transport.write(HEAD)
    transport.abort()
    await asyncio.sleep(0)
    assert (other.sent, other.is_closing()) == ([], True)


def test_a_client_does_not_say_who_it_is(port):
    with connected(port) as client:
        client.sendall(REQUEST.replace(b"Host:", b"X-Forwarded-For: 203.0.113.9\r\nHost:"))
        data = received(client)
        assert b"from 127.0.0.1" in data
        assert b"server:" not in data.lower()


def test_who_does_not_read_the_answer_is_hung_up_on_and_who_reads_is_not(port, monkeypatch):
    monkeypatch.setattr(serving, "UNREAD_S_MAX", 0.3)
    with connected(port) as idle, connected(port) as reader:
        for client in (idle, reader):
            client.sendall(b"GET /endless HTTP/1.1\r\nHost: shop\r\n\r\n")
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            assert reader.recv(1 << 20)
        # What lies in the buffers on the way is read, and then there is nobody.
        idle.settimeout(PATIENCE_S)
        with suppress(ConnectionResetError):
            while idle.recv(1 << 20):
                assert time.monotonic() < until + PATIENCE_S, "it goes on"
