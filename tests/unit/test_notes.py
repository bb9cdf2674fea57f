"""Notes: what is written down of a failure."""

from __future__ import annotations

from batua.notes import as_note, note_of
from batua.redaction import SECRET


def test_a_note_says_what_went_wrong_and_no_secret():
    error = ConnectionError("no answer from postgresql://host:hunter2-hunter2@db/shop")
    assert note_of(error) == f"ConnectionError: no answer from postgresql://host:{SECRET}@db/shop"


def test_what_no_database_can_store_is_left_out_before_secrets_are_looked_for():
    assert as_note("a\0b\ud800c") == "ab?c"
    assert as_note("pass\0word=hunter2-hunter2") == f"password={SECRET}"


def test_a_long_one_is_cut_and_no_secret_with_it():
    note = as_note("x" * 480 + " password=hunter2-hunter2")
    assert len(note) <= 500
    assert "hunter2" not in note
