"""The lines of our own processes: whose they are, and nothing secret in them."""

from __future__ import annotations

import io
import json
import logging

from batua.following import follow, following
from batua.settings import read_settings
from batua_api.logs import configure_logs

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl"


def configured(**variables):
    stream = io.StringIO()
    named = {f"BATUA_LOG_{name.upper()}": value for name, value in variables.items()}
    configure_logs(read_settings(named), stream)
    return stream


def lines(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_its_time_its_level_and_the_ids_that_follow_it():
    stream = configured()
    with following(request_id="req-1"):
        follow(principal="customer:asha")
        logging.getLogger("batua.test").warning("said %s", "so", extra={"gateway": "razorpay"})
    logging.getLogger("elsewhere").info("of nobody")
    first, second = lines(stream)
    assert first.pop("time").endswith("Z")
    assert first == {
        "level": "warning",
        "logger": "batua.test",
        "event": "said so",
        "request_id": "req-1",
        "principal": "customer:asha",
        "gateway": "razorpay",
    }
    assert "request_id" not in second


def test_a_traceback_is_one_line_without_secrets():
    stream = configured()
    try:
        raise RuntimeError(f"Authorization: Bearer {TOKEN} for 4111 1111 1111 1111")
    except RuntimeError:
        logging.getLogger("batua.test").exception("failed with %s", TOKEN)
    (line,) = lines(stream)
    assert "RuntimeError" in line["exception"]
    assert TOKEN not in stream.getvalue()
    assert "1111" not in stream.getvalue()


def test_one_record_of_many_lines_keeps_their_ids_apart():
    stream = configured()
    many = [{"request_id": "a", "transfers": ["t1"]}, {"request_id": "b", "transfers": ["t2"]}]
    with following(request_id="of the group"):
        logging.getLogger("batua.money").info("money_committed", extra={"lines": many})
    assert [(line["request_id"], line["transfers"]) for line in lines(stream)] == [
        ("a", ["t1"]),
        ("b", ["t2"]),
    ]


def test_text_is_for_people_and_has_no_secrets_either():
    stream = configured(format="text")
    logging.getLogger("batua.test").info("sent %s", TOKEN)
    assert "sent [secret]" in stream.getvalue()


def test_debug_is_of_our_own_and_libraries_that_tell_of_bodies_stay_quiet():
    stream = configured(level="DEBUG")
    logging.getLogger("batua.test").debug("ours")
    logging.getLogger("httpcore.http11").debug("send_request_headers.started")
    logging.getLogger("somebody").debug("else")
    assert [line["event"] for line in lines(stream)] == ["ours"]
