"""What ``batua verify`` shows while it works."""

import io

import pytest

from batua_api import verifying
from batua_api.verifying import Shown


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def now(monkeypatch):
    """A clock that a test may set."""
    clock = [1000.0]
    monkeypatch.setattr(verifying.time, "monotonic", lambda: clock[0])
    return clock


def test_a_terminal_sees_a_bar_with_rate_and_time_left(now):
    terminal = Terminal()
    shown = Shown(terminal)
    shown("transfers", 0, 600_000)
    now[0] += 2
    shown("transfers", 150_000, 600_000)
    shown("transfers", 150_001, 600_000)  # too soon to be drawn
    shown.close()
    assert terminal.getvalue().split("\r\x1b[K") == [
        "",
        "verifying [                        ]   0%  transfers 0 of 600,000",
        "verifying [######                  ]  25%  transfers 150,000 of 600,000"
        "  75,000/s  0:06 left",
        "",
    ]


def test_a_log_has_a_line_every_five_seconds(now):
    log = io.StringIO()
    shown = Shown(log)
    for _ in range(7):
        shown("rows", 0, 0)
        now[0] += 1
    shown.close()
    assert log.getvalue() == "verifying [########################] 100%  rows 0 of 0\n"
