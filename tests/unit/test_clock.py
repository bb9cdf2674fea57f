"""Ids: 30 characters, sorted by time, never the same twice."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from batua.clock import new_id, utc_now

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
FORMAT = re.compile(rf"ord_[0-7][{ALPHABET}]{{25}}")


def milliseconds_of(id):
    number = 0
    for digit in id.partition("_")[2]:
        number = number * 32 + ALPHABET.index(digit)
    return number >> 82


def test_an_id_is_its_prefix_and_26_digits():
    for _ in range(1000):
        made = new_id("ord")
        assert FORMAT.fullmatch(made), made
        assert len(made) == 30


def test_an_id_carries_the_millisecond_of_its_making():
    before = time.time_ns() // 1_000_000
    made = milliseconds_of(new_id("ord"))
    assert before - 1 <= made <= time.time_ns() // 1_000_000


def test_ids_sort_by_the_time_of_their_making():
    ids = []
    for _ in range(20):
        ids.append(new_id("ord"))
        time.sleep(0.002)
    assert ids == sorted(ids)


def test_ids_of_one_millisecond_differ():
    ids = {new_id("ord") for _ in range(50_000)}
    assert len(ids) == 50_000


def test_threads_never_make_the_same():
    def make(_):
        return [new_id("ord") for _ in range(2_000)]

    with ThreadPoolExecutor(8) as pool:
        made = [each for some in pool.map(make, range(8)) for each in some]
    assert len(set(made)) == len(made)


FORKS = """
import os
from batua.clock import new_id

new_id("ord")  # what is kept for the next ids is there by now
read, write = os.pipe()
if os.fork() == 0:
    os.write(write, b" ".join(new_id("ord")[15:].encode() for _ in range(300)))
    os._exit(0)
os.wait()
print(*[new_id("ord")[15:] for _ in range(300)], os.read(read, 65536).decode())
"""


def test_a_forked_process_makes_ids_of_its_own():
    made = subprocess.run(
        [sys.executable, "-c", FORKS], capture_output=True, text=True, check=True, timeout=60
    ).stdout.split()
    assert len(made) == 600
    assert len(set(made)) == 600


def test_every_random_digit_varies():
    ids = [new_id("ord") for _ in range(2000)]
    for place in range(15, 30):
        assert {each[place] for each in ids} == set(ALPHABET), f"digit {place} is not random"


def test_the_clock_is_in_utc():
    now = utc_now()
    assert now.tzinfo is UTC
    assert abs((datetime.now(UTC) - now).total_seconds()) < 5
