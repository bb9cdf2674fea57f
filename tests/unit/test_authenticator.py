"""What the door makes of a header: claims, revocations, roles and keys."""

import hashlib
from datetime import timedelta
from types import MappingProxyType

import pytest
from litestar.exceptions import NotAuthorizedException

from batua.errors import ConfigurationError, TryAgain
from batua.identity import KnownKey, Permission, Scope, Snapshot, StaffAccount
from batua.settings import read_settings
from batua_api.auth import Authenticator, Role, allow
from tests.support.api import token
from tests.support.issuer import Issuer, forged_with, serving_issuer
from tests.support.shop import JWT_SECRET

NOTHING = {
    "version": 0, "revoked_tokens": frozenset(), "revoked_before": MappingProxyType({}),
    "disabled_customers": frozenset(), "keys": MappingProxyType({}), "staff": MappingProxyType({}),
}  # fmt: skip
SECRET = "s" * 43
SHA256 = hashlib.sha256(SECRET.encode()).hexdigest()


class Known:
    """A watch that knows what it is told. ``later`` is what it finds when it looks again."""

    def __init__(self):
        self.knows()
        self.later, self.looks, self.uses = None, 0, []

    def knows(self, **changes):
        self.snapshot = Snapshot(**{**NOTHING, **changes})

    async def current(self):
        return self.snapshot

    async def refresh(self):
        self.looks += 1
        self.snapshot = self.later or self.snapshot
        return self.snapshot

    def used(self, key_id):
        self.uses.append(key_id)


@pytest.fixture
def known():
    return Known()


@pytest.fixture
def door(clock, known):
    opened = Authenticator(read_settings({}, jwt_secret=JWT_SECRET), clock.now)
    opened._watch = known
    return opened


async def admit(door, sent):
    return await door.authenticate(f"Bearer {sent}")


async def refused(door, sent):
    with pytest.raises(NotAuthorizedException) as error:
        await admit(door, sent)
    assert error.value.headers == {"WWW-Authenticate": "Bearer"}
    return error.value.detail


def seconds(clock, ahead=0):
    return int(clock.now().timestamp()) + ahead


async def test_times_are_read_by_our_clock_with_five_seconds_to_spare(door, clock):
    for name in ("iat", "nbf"):
        assert await admit(door, token(clock, sub="asha", **{name: seconds(clock, 5)}))
        assert "not valid yet" in await refused(
            door, token(clock, sub="asha", **{name: seconds(clock, 6)})
        )
        for value in ("1", None, True, [1], float("inf"), float("nan")):
            assert "is no time" in await refused(door, token(clock, sub="asha", **{name: value}))
        assert await admit(door, token(clock, sub="asha", **{name: 1.5}))


async def test_an_extension_that_pyjwt_knows_is_not_understood_here(door, clock):
    claims = {"sub": "asha", "iss": "batua", "aud": "batua", "exp": seconds(clock, 60)}
    assert await admit(door, forged_with(JWT_SECRET.encode(), claims))
    extended = forged_with(JWT_SECRET.encode(), claims, crit=["b64"], b64=True)
    assert "not understood here" in await refused(door, extended)


@pytest.mark.parametrize("crit", [["exp"], ["x"], [], "exp", None, [1]], ids=str)
async def test_whatever_else_must_be_understood_is_refused(door, clock, crit):
    assert await refused(door, token(clock, sub="asha", headers={"crit": crit, "exp": 1}))


async def test_a_token_longer_than_any_need_is_not_even_read(door, clock):
    assert "longer" in await refused(door, token(clock, sub="asha", note="x" * 8_192))


async def test_a_revoked_token_is_refused_though_it_was_let_in_before(door, clock, known):
    one, other = (token(clock, sub="asha", jti=jti) for jti in ("one", "other"))
    assert await admit(door, one)
    known.knows(revoked_tokens=frozenset({"one"}))
    assert "revoked" in await refused(door, one)
    assert await admit(door, other)


async def test_all_tokens_of_a_subject_end_but_those_that_are_issued_later(door, clock, known):
    old = token(clock, sub="asha", iat=seconds(clock, -10))
    by_a_fast_clock = token(clock, sub="asha", iat=seconds(clock, 4))
    undated = token(clock, sub="asha")
    as_staff = token(clock, sub="asha", scope="staff", iat=seconds(clock, -10))
    for each in (old, by_a_fast_clock, undated, as_staff):
        assert await admit(door, each)
    known.knows(revoked_before={("customer", "asha"): clock.now().timestamp()})
    for each in (old, by_a_fast_clock, undated):
        assert "revoked" in await refused(door, each)
    assert await admit(door, as_staff), "another scope is another caller"
    assert await admit(door, token(clock, sub="ravi"))
    clock.advance(5)
    assert await admit(door, token(clock, sub="asha", iat=seconds(clock)))


@pytest.mark.parametrize(
    ("claimed", "held", "wanted"),
    [("owner", "viewer", "viewer"), ("viewer", "owner", "viewer"),
     ("finance", "support", "support"), ("owner", "owner", "owner"), (None, "owner", "viewer")],
)  # fmt: skip
async def test_a_staff_token_does_no_more_than_its_account(
    door, clock, known, claimed, held, wanted
):
    known.knows(staff={"olga": StaffAccount(Role(held), is_active=True)})
    sent = token(clock, sub="olga", scope="staff", role=claimed)
    assert (await admit(door, sent)).role is Role(wanted)
    known.knows(staff={"olga": StaffAccount(Role(held), is_active=False)})
    assert "not active" in await refused(door, sent)
    known.knows()
    assert (await admit(door, sent)).role is Role(claimed or "viewer"), "the host answers for it"


async def test_an_account_s_name_says_nothing_of_a_customer(door, clock, known):
    known.knows(staff={"olga": StaffAccount(Role.OWNER, is_active=False)})
    assert (await admit(door, token(clock, sub="olga"))).scope is Scope.CUSTOMER


async def test_whoever_has_an_id_like_a_cards_number_is_told_why_it_is_not_taken(door, clock):
    for sub, why in (("4111111111111111", "looks like a card's"), ("a/b", "without a slash")):
        assert why in await refused(door, token(clock, sub=sub))
    assert (await admit(door, token(clock, sub="41111111c11111111"))).id == "41111111c11111111"


def key(clock, **changes):
    wanted = {"permissions": frozenset({Permission.ORDERS_READ}), "expires_at": None, **changes}
    return KnownKey("till", SHA256, **wanted)


async def test_a_key_stands_for_its_service_and_what_that_may_do(door, clock, known):
    known.knows(keys={"abc": key(clock, expires_at=clock.now() + timedelta(seconds=1))})
    caller = await admit(door, f"batua_sk_abc_{SECRET}")
    assert (caller.actor, caller.permissions) == ("service:till", {Permission.ORDERS_READ})
    assert known.uses == ["abc"]
    for wrong in (f"batua_sk_abc_{SECRET}x", f"batua_sk_abc_{SECRET[:-1]}", "batua_sk_abc_é"):
        assert "not known" in await refused(door, wrong)
    clock.advance(1)
    assert "expired" in await refused(door, f"batua_sk_abc_{SECRET}")
    assert known.uses == ["abc"], "who is refused has not used it"
    assert known.looks == 0


async def test_a_key_that_is_new_works_at_once(door, clock, known):
    known.later = Snapshot(**{**NOTHING, "keys": {"abc": key(clock)}})
    assert (await admit(door, f"batua_sk_abc_{SECRET}")).id == "till"
    assert known.looks == 1
    for shapeless in ("batua_sk_", "batua_sk_x", "batua_sk__x"):
        await refused(door, shapeless)
    assert known.looks == 1, "what can't be a key is not looked for"


async def test_a_service_s_own_token_may_do_all(door, clock):
    caller = await admit(door, token(clock, sub="shop", scope="service"))
    assert caller.permissions == set(Permission)
    assert not (await admit(door, token(clock, sub="asha"))).permissions


async def test_before_the_shop_is_open_nobody_is_let_in(clock):
    shut = Authenticator(read_settings({}, jwt_secret=JWT_SECRET), clock.now)
    for sent in (token(clock, sub="asha"), f"batua_sk_abc_{SECRET}"):
        with pytest.raises(TryAgain) as error:
            await admit(shut, sent)
        assert error.value.code == "not_ready"
    assert await refused(shut, "garbage")


def test_without_secret_and_address_there_is_no_door(clock):
    with pytest.raises(ConfigurationError, match="BATUA_JWT_SECRET is not set, nor is"):
        Authenticator(read_settings({}), clock.now)


@pytest.mark.parametrize("options", [((Scope.SERVICE,), None), ((), Permission.ORDERS_READ)])
def test_a_route_for_services_says_what_they_need(options):
    scopes, permission = options
    with pytest.raises(TypeError, match="permission"):
        allow(*scopes, permission=permission)


async def test_a_token_whose_key_the_issuer_took_back_is_checked_again(clock, known):
    claims = {"sub": "asha", "iss": "batua", "aud": "batua", "exp": seconds(clock, 3600)}
    async with serving_issuer() as issuer:
        settings = read_settings({}, jwt_jwks_url=issuer.url, jwt_secret=JWT_SECRET)
        door = Authenticator(settings, clock.now)
        door._watch = known
        with pytest.raises(TryAgain) as early:
            await admit(door, issuer.sign(claims))
        assert early.value.code == "issuer_unavailable"
        await door._keys.fetch()
        for algorithm in ("RS256", "ES256", "EdDSA"):
            assert await admit(door, issuer.sign(claims, algorithm))
        by_secret = token(clock, sub="asha")
        assert await admit(door, by_secret), "both ways are open, each to its own keys"

        issuer.publish("ES256")
        await door._keys.fetch()

        assert "no such key" in await refused(door, issuer.sign(claims, "RS256"))
        assert await admit(door, issuer.sign(claims, "ES256"))
        assert await admit(door, by_secret)


async def test_a_token_can_t_name_the_key_of_another_algorithm(clock, known):
    claims = {"sub": "asha", "iss": "batua", "aud": "batua", "exp": seconds(clock, 3600)}
    async with serving_issuer() as issuer:
        door = Authenticator(read_settings({}, jwt_jwks_url=issuer.url), clock.now)
        door._watch = known
        await door._keys.fetch()
        stranger = Issuer()
        for sent in (
            stranger.sign(claims, "ES256", kid="EdDSA2", jwk=issuer.jwk("RS256")),
            issuer.sign(claims, "ES256", kid="RS256"),
            token(clock, sub="asha"),
        ):
            await refused(door, sent)
