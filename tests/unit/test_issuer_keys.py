"""The issuer's keys: which are taken, and what happens while they change or can't be had."""

import asyncio
import json

import pytest

from batua.errors import ConfigurationError, TryAgain
from batua.settings import read_settings
from batua_api.auth.issuer_keys import BYTES_MAX, IssuerKeys, UnknownKey, read_keys
from tests.support.issuer import Issuer, serving_issuer

WEAK_RSA_N = "3" * 171  # 1024 bits


class Stopwatch:
    def __init__(self):
        self.now_s = 1_000.0

    def __call__(self):
        return self.now_s


@pytest.fixture
async def issuer():
    async with serving_issuer() as opened:
        yield opened


def keys_of(issuer, **changes):
    wanted = {"refresh_s": 300, "age_max_s": 3600, **changes}
    return IssuerKeys(issuer.url, **wanted)


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for knows of no event
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_key_is_taken_for_its_own_algorithm_alone(algorithm):
    issuer = Issuer()
    assert set(read_keys({"keys": [issuer.jwk(algorithm)]})) == {(algorithm, algorithm)}
    plain = issuer.jwk(algorithm, alg=None, use=None)
    assert set(read_keys({"keys": [plain]})) == {(algorithm, algorithm)}


@pytest.mark.parametrize(
    "changes",
    [
        {"alg": "HS256"}, {"alg": "RS512"}, {"alg": "ES256"}, {"use": "enc"}, {"kty": "oct"},
        {"kty": "EC"}, {"crv": "P-256"}, {"key_ops": ["encrypt"]}, {"key_ops": "verify"},
        {"kid": None}, {"kid": 7}, {"d": "AQAB"}, {"n": WEAK_RSA_N}, {"n": "!"}, {"n": None},
    ],
    ids=str,
)  # fmt: skip
def test_a_key_that_does_not_fit_is_left_out_and_the_others_stay(changes):
    issuer = Issuer()
    published = {"keys": [issuer.jwk("RS256", **changes), "no key", issuer.jwk("ES256")]}
    assert set(read_keys(published)) == {("ES256", "ES256")}


def test_a_shared_secret_is_never_taken_from_a_key_set():
    secret = {"kty": "oct", "k": "c2VjcmV0", "kid": "RS256", "alg": "HS256", "use": "sig"}
    assert read_keys({"keys": [secret]}) == {}


@pytest.mark.parametrize("published", [None, [], {}, {"keys": {}}, {"keys": [{}] * 101}])
def test_what_is_no_key_set_is_refused(published):
    with pytest.raises(ValueError, match="no JWK set"):
        read_keys(published)


@pytest.mark.parametrize(
    "url",
    ["http://issuer.example/jwks", "https://u:p@issuer.example/jwks", "file:///etc/passwd",
     "https:///jwks", "http://127.0.0.1.evil.example/", "https://issuer.example/jwks#x"],
)  # fmt: skip
def test_an_address_that_others_could_answer_for_is_refused(url):
    with pytest.raises(ConfigurationError, match="BATUA_JWT_JWKS_URL"):
        read_settings({"BATUA_JWT_JWKS_URL": url})


@pytest.mark.parametrize("url", ["https://issuer.example/jwks", "http://[::1]:1/j", ""])
def test_https_and_loopback_are_taken(url):
    assert read_settings({"BATUA_JWT_JWKS_URL": url}).jwt_jwks_url == url


async def test_without_any_keys_nobody_is_judged_and_nobody_waits(issuer):
    issuer.status = 500
    keys = keys_of(issuer)
    async with keys.running():
        await until(lambda: issuer.asked)
        with pytest.raises(TryAgain) as refused:
            keys.usable()
    assert (refused.value.code, refused.value.retry_after_s) == ("issuer_unavailable", 5)


async def test_old_keys_are_used_while_the_issuer_is_down_but_not_for_ever(issuer):
    clock = Stopwatch()
    keys = keys_of(issuer, monotonic=clock)
    assert await keys.fetch()
    known = keys.usable()
    issuer.status = 503
    clock.now_s += 3600
    assert not await keys.fetch()
    assert keys.usable() is known
    clock.now_s += 1
    with pytest.raises(TryAgain):
        keys.usable()
    issuer.status = 200
    assert await keys.fetch()
    assert keys.usable() is known, "nothing has changed, so what was verified by them still holds"


@pytest.mark.parametrize("answer", [b"", b"{", b"[]", b'{"keys": []}', b" " * (BYTES_MAX + 1)])
async def test_nonsense_does_not_take_the_keys_away(issuer, answer):
    keys = keys_of(issuer)
    assert await keys.fetch()
    known = keys.usable()
    issuer.answer = answer
    assert not await keys.fetch()
    assert keys.usable() is known


async def test_a_redirect_is_not_followed(issuer):
    issuer.status, issuer.headers = 302, [(b"location", issuer.url.encode())]
    assert not await keys_of(issuer).fetch()
    assert issuer.asked == 1


async def test_a_new_key_is_fetched_when_a_token_names_it_and_an_old_one_goes(issuer):
    keys = keys_of(issuer, apart_s=0.05)
    async with keys.running():
        await until(lambda: keys._keys is not None)
        first = keys.usable()
        issuer.publish(("RS256", "next"))
        with pytest.raises(UnknownKey):
            keys.find(first, "RS256", "next")
        await until(lambda: keys.usable() is not first)
        assert keys.find(keys.usable(), "RS256", "next").key_id == "next"
        with pytest.raises(UnknownKey):
            keys.find(keys.usable(), "RS256", "RS256")


async def test_a_flood_of_made_up_keys_does_not_hammer_the_issuer(issuer):
    keys = keys_of(issuer, apart_s=0.2)
    async with keys.running():
        await until(lambda: keys._keys is not None)
        began = asyncio.get_running_loop().time()
        for number in range(200):
            for kid in (f"made-up-{number}", None, 7, "../../etc/passwd", "' or 1=1 --"):
                with pytest.raises(UnknownKey):
                    keys.find(keys.usable(), "RS256", kid)
            await asyncio.sleep(0.002)
        took_s = asyncio.get_running_loop().time() - began
    assert 2 <= issuer.asked <= 2 + took_s / 0.2


def test_a_key_is_not_found_by_another_algorithm():
    issuer = Issuer()
    published = json.loads(issuer.document("RS256"))
    assert ("ES256", "RS256") not in read_keys(published)
