"""The benchmarks' own arithmetic and their load generator: a wrong ruler measures nothing."""

import json
import re
import socket
import threading

import pytest

from batua.contract import Mode, ProviderPaymentStatus
from batua.gateways.razorpay.events import parse_event
from batua.gateways.razorpay.wire import signature_matches
from benchmarks import __main__ as bench
from benchmarks import webhooks
from benchmarks.load import Load, run_load
from benchmarks.machine import (
    evenness,
    filesystem_of,
    require_disk,
    require_kept,
    steadiness,
)
from benchmarks.report import (
    Figure,
    Wrong,
    above,
    below,
    compared,
    page,
    typical,
    undisturbed,
)
from benchmarks.serving import scratch
from benchmarks.stalls import Stalls, apart, slow_slices, watching
from tests.postgres import running_server

ANSWER = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def server():
    """Answers each request on each connection, and keeps what it was sent."""
    listener = socket.create_server(("127.0.0.1", 0))
    heard = []

    def talk(connection):
        with connection:
            while request := connection.recv(4096):
                heard.append(request)
                connection.sendall(ANSWER[:20])
                connection.sendall(ANSWER[20:])

    def listen():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    threading.Thread(target=listen, daemon=True).start()
    yield listener.getsockname()[1], heard
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def numbered(number):
    return f"GET /{number} HTTP/1.1\r\n\r\n".encode()


def load_of(rate):
    return Load(1.0, {201: rate}, [0.001] * rate)


# --- the generator ------------------------------------------------------------------------------


def test_every_request_is_sent_once_and_every_answer_counted(server):
    port, heard = server
    load = run_load([port], 50, 4, numbered)
    assert load.statuses == {201: 50}
    assert sorted(heard) == sorted(numbered(number) for number in range(50))


def test_at_a_rate_it_waits_until_requests_fall_due(server):
    port, _ = server
    load = run_load([port], 20, 4, numbered, rate=100)
    assert 0.19 <= load.seconds < 5


def test_after_its_time_it_sends_nothing_more(server):
    port, heard = server
    load = run_load([port], 1_000_000, 1, numbered, rate=50, seconds_max=0.2)
    assert 0 < len(heard) < 100
    assert load.statuses == {201: len(heard)}


def test_a_percentile_is_of_the_answers_in_order():
    load = Load(1.0, {200: 100}, [number / 1000 for number in range(100, 0, -1)])
    assert load.percentile_ms(50) == pytest.approx(51)
    assert load.percentile_ms(99) == pytest.approx(100)
    assert load.percentile_ms(100) == pytest.approx(100)


# --- the webhooks -------------------------------------------------------------------------------


def test_a_webhook_is_signed_and_tells_of_its_own_captured_payment():
    head, _, body = webhooks.sent(7).partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")[1:]
    headers = dict(line.lower().split(": ", 1) for line in lines)
    secret = webhooks.RAZORPAY["BATUA_RAZORPAY_WEBHOOK_SECRET"].encode()
    assert signature_matches(secret, body, headers["x-razorpay-signature"])
    assert int(headers["content-length"]) == len(body)
    result = parse_event(body, headers["x-razorpay-event-id"], Mode.TEST).payload
    assert result.status is ProviderPaymentStatus.CAPTURED
    assert (result.provider_reference, result.amount.amount) == ("order_7", webhooks.AMOUNT)
    assert json.loads(body)["payload"]["payment"]["entity"]["captured"] is True


# --- the report ---------------------------------------------------------------------------------


def test_a_ratio_is_of_the_medians_of_both_sides():
    figure = compared("x", [10, 30, 20], [40, 10, 20], "{:.0f}".format, at_least=1.0)
    assert figure == Figure("x", "20", "20", "1.00", "≥ 1.00", is_met=True)


@pytest.mark.parametrize(
    ("figure", "is_met"),
    [
        (compared("x", [99], [100], str, at_least=1), False),
        (compared("x", [151], [100], str, at_most=1.5), False),
        (compared("x", [150], [100], str, at_most=1.5), True),
        (compared("x", [1], [100], str), None),
        (above("x", 2_500, 2_500, ""), True),
        (above("x", 2_499, 2_500, ""), False),
        (below("x", 24.9, 25, "ms"), True),
        (below("x", 25, 25, "ms"), False),
        (below("x", 25, 25, "ms", beside=50), False),
    ],
)
def test_a_target_is_met_or_not(figure, is_met):
    assert figure.is_met is is_met


def test_of_an_even_number_of_loads_the_slower_middle_one_is_shown():
    assert typical([load_of(40), load_of(10), load_of(20), load_of(30)]).rate == 20


def test_the_page_says_not_met_as_plainly_as_met():
    text = page(
        ["one core"],
        [above("a", 2, 1, "2"), above("b", 1, 2, "1", beside="c"), Figure("d", "4 s")],
    )
    assert text == (
        "# Benchmarks\n\n- one core\n\n"
        "| measure | ours | beside | ratio | target | met |\n|---|---|---|---|---|---|\n"
        "| a | 2 |  |  | ≥ 1 | met |\n"
        "| b | 1 | c |  | ≥ 2 | **not met** |\n"
        "| d | 4 s |  |  |  |  |\n"
    )


# --- the machine --------------------------------------------------------------------------------


def test_the_root_is_on_some_file_system():
    assert filesystem_of("/")


def test_a_folder_is_on_what_it_is_mounted_on_through_a_link_too(tmp_path):
    (tmp_path / "processes").symlink_to("/proc")
    assert filesystem_of(str(tmp_path / "processes" / "self")) == "proc"


IN_MEMORY = "/dev/shm"
needs_memory = pytest.mark.skipif(
    filesystem_of(IN_MEMORY) != "tmpfs", reason="no folder here is in memory for certain"
)


@needs_memory
def test_files_in_memory_are_no_measurement():
    with pytest.raises(Wrong, match=f"SQLite has its files in memory, in {IN_MEMORY} on tmpfs"):
        require_disk(IN_MEMORY, "SQLite")


@needs_memory
def test_a_server_whose_log_alone_is_in_memory_is_no_measurement(tmp_path):
    (tmp_path / "pg_wal").symlink_to(IN_MEMORY)
    with pytest.raises(Wrong, match=f"PostgreSQL has its files in memory, in {tmp_path}/pg_wal"):
        require_kept({}, str(tmp_path))


@pytest.mark.parametrize("name", ["fsync", "synchronous_commit"])
def test_a_server_that_does_not_wait_for_its_disk_is_no_measurement(name):
    told = {"fsync": "on", "synchronous_commit": "on"}
    require_kept(told, "/proc")
    with pytest.raises(Wrong, match=f"PostgreSQL has {name} off: it answers before"):
        require_kept({**told, name: "off"}, "/proc")


@pytest.mark.usefixtures("postgres_server")  # it says what is to happen where there is none
def test_such_a_database_is_given_to_no_part():
    with running_server({}) as server:
        with scratch(server):
            pass
        server.run("alter role current_user set synchronous_commit = off")
        with pytest.raises(Wrong, match="synchronous_commit off"), scratch(server):
            pytest.fail("it was given to one")
        server.close()


def test_slices_of_twice_the_usual_time_are_counted_by_their_time():
    assert evenness([0.004] * 6 + [0.008, 0.008]) == (
        "a slice takes 4.0 ms, the slowest 8 ms;"
        " 40% of the time went by in slices of twice that or more"
    )
    assert "; 0% of" in evenness([0.004, 0.004, 0.007])


def test_the_machine_says_how_evenly_it_runs():
    said = steadiness(0.05)
    assert said.startswith("all cores counting for 0.05 s: a slice takes ")
    usual, slowest, held_up = map(float, re.findall(r"([\d.]+)(?: ms|%)", said))
    assert 0 < usual <= slowest + 0.5
    assert 0 <= held_up <= 100


# --- when it stands still -----------------------------------------------------------------------

EVEN = 0.0001


def slices(*took_s):
    """A slice every ten milliseconds."""
    return [(n / 100, n / 100 + took, took) for n, took in enumerate(took_s)]


def test_a_stall_is_from_the_last_good_slice_to_the_next():
    found = slow_slices(slices(*[EVEN] * 5, 0.009, 0.008, EVEN, EVEN, EVEN, EVEN, EVEN, 0.004))
    assert found == [
        (pytest.approx(0.0401), pytest.approx(0.068)),
        (pytest.approx(0.1101), pytest.approx(0.124)),
    ]


def test_a_slice_that_others_kept_from_the_processor_is_no_stall():
    assert slow_slices([(0.0, 0.0001, EVEN), (0.01, 0.09, EVEN), (0.1, 0.1001, EVEN)]) == []
    assert slow_slices([]) == []


def test_who_met_with_a_stall_or_waited_behind_those_is_told_apart():
    # A stall from 1.0 to 1.1 s, whose shadow is as long again.
    due = [0.5, 0.99, 1.05, 1.15, 1.25]
    load = Load(2.0, {201: 5}, [0.002, 0.02, 0.09, 0.05, 0.003], due)
    rest, part = apart(load, [(1.0, 1.1)])
    assert (rest.latencies_s, rest.due) == ([0.002, 0.003], [0.5, 1.25])
    assert part == pytest.approx(0.6)
    figure = undisturbed("the same", [(load, Stalls([(1.0, 1.1)]))])
    assert figure == Figure(
        "the same, without the 60% that met with a stall of the machine", "3.0 ms"
    )


def test_where_all_met_with_stalls_there_is_no_figure():
    load = Load(1.0, {201: 1}, [0.5], [0.1])
    assert undisturbed("the same", [(load, Stalls([(0.0, 1.0)]))]).ours == ""


def test_the_watcher_says_what_it_saw():
    with watching() as stalls:
        assert stalls.spans == []
    assert all(begin < end for begin, end in stalls.spans)


def test_a_load_knows_when_each_request_fell_due(server):
    port, _ = server
    load = run_load([port], 20, 4, numbered, rate=200)
    assert len(load.due) == len(load.latencies_s) == 20
    assert max(load.due) - min(load.due) == pytest.approx(19 / 200)


# --- the run ------------------------------------------------------------------------------------


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Run the benchmarks with a part of the test's own; returns the status and the tables."""
    monkeypatch.setattr(bench, "RESULTS", tmp_path)

    def run(measure, *arguments):
        monkeypatch.setattr(bench, "PARTS", {"sqlite": ("a part", measure), "other": ("", None)})
        status = bench.main(["--only", "sqlite", *arguments])
        return status, {path.name: path.read_text() for path in tmp_path.iterdir()}

    return run


def test_a_missed_target_is_no_failure(run):
    status, tables = run(lambda _: [above("speed", 1, 2, "1/s")])
    assert status == 0
    assert tables.keys() == {"partial.md"}
    assert "| speed | 1/s |  |  | ≥ 2 | **not met** |" in tables["partial.md"]


def test_a_wrong_measurement_is_one_and_writes_no_figure(run, capsys):
    def measure(_):
        raise Wrong("money is missing")

    assert run(measure) == (1, {})
    assert "money is missing" in capsys.readouterr().err


def test_a_quick_run_says_that_it_means_nothing(run):
    _, tables = run(lambda scale: [Figure("payments", str(scale.count(20_000)))], "--quick")
    assert tables.keys() == {"quick.md"}
    assert "| payments | 200 |" in tables["quick.md"]
    assert "the figures mean nothing" in tables["quick.md"]


def test_an_unknown_part_is_refused(run):
    with pytest.raises(SystemExit):
        run(None, "--only", "sqlight")
