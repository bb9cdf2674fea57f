"""Small secrets at rest."""

import base64
import os

import pytest

from batua.errors import ConfigurationError, InvariantViolated
from batua.sealing import Sealer


def key():
    return base64.urlsafe_b64encode(os.urandom(32)).decode()


OLD, NEW = key(), key()


def test_what_is_sealed_opens_in_its_place_alone():
    sealed = Sealer(NEW).seal("hush", "table/1/column")
    assert "hush" not in sealed
    assert Sealer(NEW).open(sealed, "table/1/column") == "hush"
    with pytest.raises(InvariantViolated, match="table/2/column was sealed for table/1/column"):
        Sealer(NEW).open(sealed, "table/2/column")


def test_while_keys_rotate_the_newest_seals_and_all_open():
    sealed = Sealer(OLD).seal("hush", "here")
    both = Sealer(f"{NEW}, {OLD}")
    assert both.open(sealed, "here") == "hush"
    resealed = both.reseal(sealed, "here")
    assert Sealer(NEW).open(resealed, "here") == "hush"
    with pytest.raises(ConfigurationError, match="none of the keys in BATUA_ENCRYPTION_KEY"):
        Sealer(NEW).open(sealed, "here")


def test_a_changed_character_does_not_open():
    sealed = Sealer(NEW).seal("hush", "here")
    for place in (0, len(sealed) // 2, len(sealed) - 4):
        wrong = "A" if sealed[place] != "A" else "B"
        with pytest.raises(ConfigurationError):
            Sealer(NEW).open(sealed[:place] + wrong + sealed[place + 1 :], "here")


@pytest.mark.parametrize(
    "keys",
    ["short", "x" * 44, f"{NEW},short", "пароль"],
    ids=["short", "no base64", "one of two", "letters"],
)
def test_what_is_no_key_is_refused_and_not_repeated(keys):
    with pytest.raises(ConfigurationError, match="BATUA_ENCRYPTION_KEY must be 32 bytes") as found:
        Sealer(keys)
    assert keys not in str(found.value)


def test_without_a_key_nothing_can_be_sealed_and_a_shop_opens_all_the_same():
    sealer = Sealer("")
    with pytest.raises(ConfigurationError, match="BATUA_ENCRYPTION_KEY is not set"):
        sealer.seal("hush", "here")
    with pytest.raises(ConfigurationError, match="BATUA_ENCRYPTION_KEY is not set"):
        sealer.open("gAAAAA", "here")


def test_no_key_is_shown():
    assert NEW not in repr(Sealer(NEW))
