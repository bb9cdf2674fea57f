"""Whatever is sealed for us opens to the same text, and nothing that was touched opens at all."""

import json
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from batua.contract import Money
from batua.gateways.googlepay.strict_json import parse_object
from batua.gateways.googlepay.tokens import open_token
from batua.gateways.googlepay.tokens.roots import parse_root_keys
from batua.gateways.googlepay.tokens.sealed import public_point
from batua.gateways.googlepay.tokens.shape import TokenRefused, Version
from batua.gateways.googlepay.upi import check_pay_link, pay_link
from batua.testing.simulators.googlepay import Sealer

NOW_MS = 1_700_000_000_000
SEALER = Sealer()
KEYS = [ec.generate_private_key(ec.SECP256R1()) for _ in range(3)]
ROOTS = {version: parse_root_keys(SEALER.root_keys(NOW_MS), version) for version in Version}
FEW = settings(max_examples=30, derandomize=True, deadline=None)

# What UTF-8 can hold.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200)
VERSIONS = st.sampled_from(Version)


def opened(token, version, recipient_id):
    return open_token(
        token,
        version=version,
        recipient_id=recipient_id,
        roots=ROOTS[version],
        private_keys=KEYS,
        now_ms=NOW_MS,
    )


def sealed(message, version, recipient_id, key):
    return SEALER.seal(
        message,
        recipient_id=recipient_id,
        public_key=public_point(key),
        now_ms=NOW_MS,
        protocol=str(version),
    )


@FEW
@given(message=TEXTS, version=VERSIONS, recipient_id=TEXTS, key=st.sampled_from(KEYS))
def test_what_is_sealed_opens_to_the_same_text(message, version, recipient_id, key):
    assert opened(sealed(message, version, recipient_id, key), version, recipient_id) == message


@FEW
@given(message=TEXTS, version=VERSIONS, sealed_for=TEXTS, shown_to=TEXTS)
def test_nobody_else_opens_it(message, version, sealed_for, shown_to):
    assume(sealed_for != shown_to)
    token = sealed(message, version, sealed_for, KEYS[0])
    with pytest.raises(TokenRefused, match="for us"):
        opened(token, version, shown_to)


@FEW
@given(version=VERSIONS, where=st.floats(0, 1, exclude_max=True), turn=st.integers(1, 127))
def test_a_token_with_another_character_says_the_same_or_nothing(version, where, turn):
    """Some changes are to white space or escapes: they may open, but never to another text."""
    token = sealed("secret", version, "merchant:1", KEYS[1])
    at = int(where * len(token))
    touched = token[:at] + chr(ord(token[at]) ^ turn) + token[at + 1 :]
    with suppress(TokenRefused):
        assert opened(touched, version, "merchant:1") == "secret"


@FEW
@given(version=VERSIONS, length=st.floats(0, 1, exclude_max=True))
def test_a_part_of_a_token_is_refused(version, length):
    token = sealed("secret", version, "merchant:1", KEYS[1])
    with pytest.raises(TokenRefused, match="not a JSON object"):
        opened(token[: int(length * len(token))], version, "merchant:1")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=10,
)


@FEW
@given(document=st.dictionaries(TEXTS, JSON, max_size=4), is_ascii=st.booleans())
def test_every_json_object_is_read_as_it_is(document, is_ascii):
    text = json.dumps(document, ensure_ascii=is_ascii)
    assert parse_object(text, chars_max=len(text)) == document


@FEW
@given(document=st.dictionaries(TEXTS, JSON, min_size=1, max_size=4), data=st.data())
def test_a_repeated_key_is_never_read(document, data):
    key = data.draw(st.sampled_from(sorted(document)))
    repeated = f"{json.dumps({key: 1})[:-1]},{json.dumps(document)[1:]}"
    assert parse_object(repeated, chars_max=100_000) is None


@FEW
@given(
    paise=st.integers(1, 10**12),
    other=st.integers(1, 10**12),
    name=TEXTS,
    note=TEXTS,
    reference=st.from_regex(r"[a-z0-9_]{1,30}", fullmatch=True),
)
def test_a_upi_link_pays_its_own_amount_and_no_other(paise, other, name, note, reference):
    amount = Money(paise, "INR")
    try:
        link = pay_link(
            address="shop@bank", name=name, amount=amount, reference=reference, note=note
        )
    except ValueError:
        assert len(name) + len(note) > 100  # encoded, it grew too long
        return
    check_pay_link(link, amount)
    if other != paise:
        with pytest.raises(ValueError, match="another amount"):
            check_pay_link(link, Money(other, "INR"))
