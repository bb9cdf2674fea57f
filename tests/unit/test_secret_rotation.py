"""The secret of the tokens, while it is rotated: the new one signs, both verify."""

from __future__ import annotations

from datetime import timedelta

import pytest
from litestar.exceptions import NotAuthorizedException

from batua.clock import utc_now
from batua.errors import ConfigurationError
from batua.identity import Scope
from batua.settings import read_settings
from batua_api.auth.tokens import TokenReader, issue_token

OLD, NEW, OTHER = "old-" * 10, "new-" * 10, "other" * 10


def settings_of(*secrets):
    return read_settings({"BATUA_JWT_SECRET": ",".join(secrets)})


def token_of(*secrets):
    return issue_token(settings_of(*secrets), "asha", Scope.CUSTOMER, None, ttl=timedelta(hours=1))


def is_taken(token, *secrets):
    try:
        return TokenReader(settings_of(*secrets), utc_now, None).read(token).subject == "asha"
    except NotAuthorizedException:
        return False


@pytest.mark.parametrize(
    ("signed_with", "read_with", "taken"),
    [
        ((OLD,), (OLD,), True),
        ((OLD,), (NEW, OLD), True),
        ((NEW, OLD), (NEW, OLD), True),
        ((NEW, OLD), (NEW,), True),  # the first has signed it
        ((NEW, OLD), (OLD,), False),
        ((OLD,), (NEW,), False),
        ((OTHER,), (NEW, OLD), False),
        ((OTHER,), (NEW, OLD, OTHER), True),
    ],
)
def test_the_first_signs_and_all_verify(signed_with, read_with, taken):
    assert is_taken(token_of(*signed_with), *read_with) is taken


def test_an_expired_token_of_the_old_secret_is_said_to_be_expired():
    old = issue_token(settings_of(OLD), "asha", Scope.CUSTOMER, None, ttl=timedelta(seconds=-1))
    with pytest.raises(NotAuthorizedException, match="has expired"):
        TokenReader(settings_of(NEW, OLD), utc_now, None).read(old)


@pytest.mark.parametrize("secrets", [f"{NEW},", f",{NEW}", f"{NEW},short", f"{NEW},,{OLD}"])
def test_each_of_several_is_long_enough(secrets):
    with pytest.raises(ConfigurationError, match="each of several") as refused:
        read_settings({"BATUA_JWT_SECRET": secrets})
    assert NEW not in str(refused.value)
