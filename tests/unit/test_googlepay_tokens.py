"""Google's sealed tokens: published ones, derived ones and our own, verified and opened."""

import base64
import hmac
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from batua.gateways.googlepay.strict_json import parse_object
from batua.gateways.googlepay.tokens import open_token
from batua.gateways.googlepay.tokens.messages import parse_message
from batua.gateways.googlepay.tokens.roots import RootKey, current, parse_root_keys
from batua.gateways.googlepay.tokens.sealed import (
    derive_keys,
    open_sealed,
    parse_private_keys,
    public_point,
)
from batua.gateways.googlepay.tokens.shape import (
    IntermediateKey,
    SealedMessage,
    SignedToken,
    TokenRefused,
    Version,
    parse_sealed,
)
from batua.gateways.googlepay.tokens.signatures import length_value, verify_signatures
from batua.testing.simulators.googlepay import CardDetails, Sealer, TokenFault

VECTORS = Path(__file__).parents[1] / "vectors" / "googlepay"
GOOGLE = json.loads((VECTORS / "vectors_google_dotnet.json").read_text())
YOYO = json.loads((VECTORS / "vectors_yoyowallet_ecv2.json").read_text())
TINK = json.loads((VECTORS / "tink_java_apps_test_keys.json").read_text())["keys"]
ALL = GOOGLE["vectors"] + YOYO["vectors"]
GENUINE = [vector for vector in ALL if vector["expect"]["result"] == "ok"]
BY_NAME = {vector["name"]: vector for vector in ALL}
CARD = BY_NAME["yoyo_valid_pan_only"]

NOW_MS = 1_700_000_000_000
METHODS = frozenset({"PAN_ONLY", "CRYPTOGRAM_3DS"})
MERCHANT = "merchant:12345678901234567890"


def named(vector):
    return vector["name"]


def opened(vector, **changes):
    given = vector | changes
    version = Version(given["protocol_version"])
    return open_token(
        given["token"],
        version=version,
        recipient_id=given["recipient_id"],
        roots=parse_root_keys(json.dumps(given["keys"]), version),
        private_keys=parse_private_keys(",".join(given["private_keys"])),
        now_ms=given["now_ms"],
    )


def tampered(vector, change):
    """The vector's token, decoded and changed by ``change``, and written again."""
    token = json.loads(vector["token"])
    change(token)
    return json.dumps(token)


def other(encoded):
    """Other bytes of the same length, in base64: the last bit is turned."""
    found = bytearray(base64.b64decode(encoded))
    found[-1] ^= 1
    return base64.b64encode(bytes(found)).decode()


def in_message(name):
    def change(token):
        sealed = json.loads(token["signedMessage"])
        sealed[name] = other(sealed[name])
        token["signedMessage"] = json.dumps(sealed)

    return change


def in_signature(token):
    token["signature"] = other(token["signature"])


def in_intermediate_key(token):
    key = json.loads(token["intermediateSigningKey"]["signedKey"])
    key["keyExpiration"] = str(int(key["keyExpiration"]) + 1)
    token["intermediateSigningKey"]["signedKey"] = json.dumps(key)


def in_intermediate_signature(token):
    signatures = token["intermediateSigningKey"]["signatures"]
    signatures[0] = other(signatures[0])


def root_of(key):
    return {"keys": [{"keyValue": key, "protocolVersion": "ECv2", "keyExpiration": "9" * 14}]}


# --- the vectors ---------------------------------------------------------------------------


@pytest.mark.parametrize("vector", ALL, ids=named)
def test_each_vector_opens_or_is_refused_as_it_says(vector):
    if vector["expect"]["result"] == "ok":
        assert opened(vector) == vector["expect"]["plaintext"]
    else:
        with pytest.raises(TokenRefused):
            opened(vector)


@pytest.mark.parametrize("vector", GENUINE, ids=named)
@pytest.mark.parametrize(
    "change",
    [
        in_signature,
        in_message("encryptedMessage"),
        in_message("ephemeralPublicKey"),
        in_message("tag"),
    ],
    ids=["signature", "message", "ephemeral_key", "tag"],
)
def test_a_changed_body_is_refused(vector, change):
    with pytest.raises(TokenRefused):
        opened(vector, token=tampered(vector, change))


@pytest.mark.parametrize(
    "vector", [vector for vector in GENUINE if vector["protocol_version"] == "ECv2"], ids=named
)
@pytest.mark.parametrize("change", [in_intermediate_key, in_intermediate_signature])
def test_a_changed_intermediate_key_is_refused(vector, change):
    with pytest.raises(TokenRefused):
        opened(vector, token=tampered(vector, change))


@pytest.mark.parametrize("vector", GENUINE, ids=named)
def test_another_recipient_is_refused(vector):
    for recipient_id in (vector["recipient_id"] + "0", vector["recipient_id"].upper(), ""):
        with pytest.raises(TokenRefused, match="for us"):
            opened(vector, recipient_id=recipient_id)


@pytest.mark.parametrize("vector", GENUINE, ids=named)
def test_another_private_key_is_refused(vector):
    stranger = TINK["GOOGLE_SIGNING_EC_V2_SIGNING_ONLY_PRIVATE_KEY_PKCS8_BASE64"]
    with pytest.raises(TokenRefused, match="none of our private keys"):
        opened(vector, private_keys=[stranger])


@pytest.mark.parametrize("vector", GENUINE, ids=named)
def test_the_right_private_key_is_found_among_others(vector):
    stranger = TINK["GOOGLE_SIGNING_EC_V2_SIGNING_ONLY_PRIVATE_KEY_PKCS8_BASE64"]
    keys = [stranger, *vector["private_keys"]]
    assert opened(vector, private_keys=keys) == vector["expect"]["plaintext"]


@pytest.mark.parametrize("vector", GENUINE, ids=named)
def test_another_root_key_is_refused(vector):
    keys = {
        "keys": [
            key | {"keyValue": TINK["ALTERNATE_PUBLIC_SIGNING_KEY"]}
            for key in vector["keys"]["keys"]
        ]
    }
    with pytest.raises(TokenRefused):
        opened(vector, keys=keys)


@pytest.mark.parametrize("vector", GENUINE, ids=named)
def test_any_root_key_may_vouch(vector):
    stranger = vector["keys"]["keys"][0] | {"keyValue": TINK["ALTERNATE_PUBLIC_SIGNING_KEY"]}
    keys = {"keys": [stranger, *vector["keys"]["keys"]]}
    assert opened(vector, keys=keys) == vector["expect"]["plaintext"]


@pytest.mark.parametrize("vector", GENUINE, ids=named)
def test_root_keys_of_another_protocol_do_not_count(vector):
    for version in ("ECv1", "ECv2", "ECv2SigningOnly"):
        if version != vector["protocol_version"]:
            keys = {"keys": [key | {"protocolVersion": version} for key in vector["keys"]["keys"]]}
            with pytest.raises(TokenRefused, match="no root key"):
                opened(vector, keys=keys)


def test_any_signature_may_be_the_roots():
    def add_one(token):
        signatures = token["intermediateSigningKey"]["signatures"]
        token["intermediateSigningKey"]["signatures"] = [other(signatures[0]), *signatures]

    assert opened(CARD, token=tampered(CARD, add_one)) == CARD["expect"]["plaintext"]


def test_a_root_key_expires_at_its_very_millisecond():
    key = CARD["keys"]["keys"][0]
    at = {"keys": [key | {"keyExpiration": str(CARD["now_ms"])}]}
    after = {"keys": [key | {"keyExpiration": str(CARD["now_ms"] + 1)}]}
    with pytest.raises(TokenRefused, match="no root key") as refused:
        opened(CARD, keys=at)
    assert refused.value.failure_code == "no_root_keys"
    assert opened(CARD, keys=after) == CARD["expect"]["plaintext"]


def test_an_intermediate_key_expires_at_its_very_millisecond():
    vector = BY_NAME["google_dotnet_ecv2"]
    expires_ms = 1_542_394_027_316
    assert opened(vector, now_ms=expires_ms - 1) == "plaintext"
    for now_ms in (expires_ms, expires_ms + 1):
        with pytest.raises(TokenRefused, match="intermediate key has expired") as refused:
            opened(vector, now_ms=now_ms)
        assert refused.value.failure_code == "token_expired"


def test_the_intermediate_values_of_the_older_protocol():
    given = GOOGLE["intermediate_values_ecv1"]
    (key, _alternate) = parse_private_keys(",".join(BY_NAME["google_dotnet_ecv1"]["private_keys"]))
    point = base64.b64decode(given["ephemeralPublicKey"])
    ephemeral = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    cipher_key, mac_key = derive_keys(point, key.exchange(ec.ECDH(), ephemeral), Version.EC_V1)
    assert cipher_key.hex().upper() == given["aes_key_hex"]
    assert mac_key.hex().upper() == given["mac_key_hex"]
    sealed = SealedMessage(
        base64.b64decode(given["encryptedMessage"]), point, base64.b64decode(given["tag"])
    )
    assert open_sealed(sealed, [key], Version.EC_V1) == given["plaintext"]


def test_a_merchants_public_point_is_what_google_is_told():
    (key,) = parse_private_keys(TINK["MERCHANT_PRIVATE_KEY_PKCS8_BASE64"])
    assert public_point(key) == TINK["MERCHANT_PUBLIC_KEY_BASE64"]


# --- the shape -----------------------------------------------------------------------------


@pytest.mark.parametrize("vector", GENUINE, ids=named)
def test_exactly_the_keys_of_the_version_are_taken(vector):
    for name in json.loads(vector["token"]):
        with pytest.raises(TokenRefused):
            opened(vector, token=tampered(vector, lambda token, name=name: token.pop(name)))
    with pytest.raises(TokenRefused, match="exactly the keys"):
        opened(vector, token=tampered(vector, lambda token: token.update(extra="1")))


def test_further_keys_of_the_inner_objects_are_refused():
    def in_intermediate(token):
        token["intermediateSigningKey"]["extra"] = 1

    with pytest.raises(TokenRefused, match="exactly its two keys"):
        opened(CARD, token=tampered(CARD, in_intermediate))


def test_a_repeated_key_is_refused_even_where_both_say_the_same():
    token = CARD["token"]
    repeated = '{"protocolVersion":"ECv2",' + token[1:]
    assert json.loads(repeated) == json.loads(token)
    with pytest.raises(TokenRefused, match="not a JSON object"):
        opened(CARD, token=repeated)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        "{'a': 1}",
        '{"a": 1} // no',
        "/* no */ {}",
        '{"a": 1,}',
        '{"a": NaN}',
        '{"a": Infinity}',
        '{"a": 1, "a": 1}',
        '{"b": {"a": 1, "a": 1}}',
        '{"a": "\\ud800"}',
        '{"a": "\n"}',
        '\ufeff{"a": 1}',
        '{"a": ' + "[" * 5000 + "]" * 5000 + "}",
        '{"a": ' + "9" * 5000 + "}",
    ],
    ids=range(16),
)
def test_what_is_not_strictly_a_json_object_is_none(text):
    assert parse_object(text, chars_max=100_000) is None


def test_a_json_object_is_read_up_to_its_size():
    text = '{"a": "\\u003d"}'
    assert parse_object(text, chars_max=len(text)) == {"a": "="}
    assert parse_object(text, chars_max=len(text) - 1) is None


@pytest.mark.parametrize("bad", ["", "!", "QQ", "QQ==\n", "-_-_", 5, None, []])
def test_a_signature_that_is_not_base64_is_refused(bad):
    with pytest.raises(TokenRefused, match="not base64"):
        opened(CARD, token=tampered(CARD, lambda token: token.update(signature=bad)))


def test_too_many_signatures_are_refused_before_any_is_tried():
    def many(token):
        token["intermediateSigningKey"]["signatures"] *= 17

    with pytest.raises(TokenRefused, match="too many"):
        opened(CARD, token=tampered(CARD, many))


@pytest.mark.parametrize("empty", ["", None, {}, 5])
def test_a_part_that_is_not_a_text_is_refused(empty):
    with pytest.raises(TokenRefused, match="not a text"):
        opened(CARD, token=tampered(CARD, lambda token: token.update(signedMessage=empty)))


@pytest.mark.parametrize(
    "sealed",
    [
        "",
        "[]",
        '{"encryptedMessage": "eA==", "ephemeralPublicKey": "eA=="}',
        '{"encryptedMessage": "eA==", "ephemeralPublicKey": "eA==", "tag": "eA==", "x": 1}',
        '{"encryptedMessage": "eA==", "ephemeralPublicKey": "eA==", "tag": "eA==", "tag": "eA=="}',
    ],
)
def test_a_signed_message_has_exactly_its_three_keys(sealed):
    with pytest.raises(TokenRefused, match="exactly its three keys"):
        parse_sealed(sealed)


@pytest.mark.parametrize(
    ("signed_key", "why"),
    [
        ("no JSON", "can't be read"),
        ('{"keyExpiration": "9", "keyExpiration": "99999999999999"}', "can't be read"),
        ('{"keyValue": "eA=="}', "string of digits"),
        ('{"keyExpiration": "99999999999999"}', "not base64"),
        ('{"keyExpiration": "99999999999999", "keyValue": "eA=="}', "P-256"),
    ],
)
def test_what_a_root_vouches_for_must_still_be_a_key(signed_key, why):
    root = ec.generate_private_key(ec.SECP256R1())
    vouched = root.sign(length_value("Google", "ECv2", signed_key), ec.ECDSA(SHA256()))
    token = SignedToken(Version.EC_V2, b"x", "{}", IntermediateKey(signed_key, (vouched,)))
    roots = (RootKey(root.public_key(), None),)
    with pytest.raises(TokenRefused, match=why):
        verify_signatures(token, roots=roots, recipient_id=MERCHANT, now_ms=NOW_MS)


def test_only_the_intermediate_key_signs_a_message():
    root, intermediate = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    spki = intermediate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    key = {"keyValue": base64.b64encode(spki).decode(), "keyExpiration": str(NOW_MS + 1)}
    signed_key = json.dumps(key)
    vouched = root.sign(length_value("Google", "ECv2", signed_key), ec.ECDSA(SHA256()))
    message = length_value("Google", MERCHANT, "ECv2", "{}")
    roots = (RootKey(root.public_key(), NOW_MS + 1),)
    for signer, is_good in ((intermediate, True), (root, False)):
        signature = signer.sign(message, ec.ECDSA(SHA256()))
        token = SignedToken(Version.EC_V2, signature, "{}", IntermediateKey(signed_key, (vouched,)))
        if is_good:
            verify_signatures(token, roots=roots, recipient_id=MERCHANT, now_ms=NOW_MS)
        else:
            with pytest.raises(TokenRefused, match="did not sign"):
                verify_signatures(token, roots=roots, recipient_id=MERCHANT, now_ms=NOW_MS)


def test_lengths_are_four_bytes_with_the_least_significant_first():
    assert length_value("Google", "é") == b"\x06\0\0\0Google\x02\0\0\0\xc3\xa9"


# --- root and private keys ------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"keys": {}}', '{"keys": [1]}', '{"keys": [], "keys": []}', "{'keys': []}"],
)
def test_root_keys_that_cannot_be_read_are_refused(text):
    with pytest.raises(TokenRefused, match="root keys"):
        parse_root_keys(text, Version.EC_V2)


def test_a_root_key_needs_an_expiry_except_for_the_older_protocol():
    value = TINK["ALTERNATE_PUBLIC_SIGNING_KEY"]
    key = {"keyValue": value, "protocolVersion": "ECv2"}
    with pytest.raises(TokenRefused, match="string of digits"):
        parse_root_keys(json.dumps({"keys": [key]}), Version.EC_V2)
    with pytest.raises(TokenRefused, match="string of digits"):
        parse_root_keys(json.dumps({"keys": [key | {"keyExpiration": 5}]}), Version.EC_V2)
    older = json.dumps({"keys": [key | {"protocolVersion": "ECv1"}]})
    assert current(parse_root_keys(older, Version.EC_V1), 2**60)[0].expires_ms is None


def test_only_p256_keys_are_taken():
    key = ec.generate_private_key(ec.SECP384R1())
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(TokenRefused, match="P-256"):
        parse_root_keys(json.dumps(root_of(base64.b64encode(spki).decode())), Version.EC_V2)
    with pytest.raises(TokenRefused, match="P-256"):
        parse_root_keys(json.dumps(root_of(base64.b64encode(b"no").decode())), Version.EC_V2)
    pkcs8 = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    good = TINK["MERCHANT_PRIVATE_KEY_PKCS8_BASE64"]
    for bad in (base64.b64encode(pkcs8).decode(), "", ",", f"{good},no", "no"):
        with pytest.raises(ValueError, match="private_keys must be") as refused:
            parse_private_keys(bad)
        assert good not in str(refused.value)


@pytest.mark.parametrize(
    "point",
    [b"", b"\x04" + bytes(64), b"\x02" + bytes(32), b"\x04" + b"\x01" * 64, bytes(65)],
)
def test_an_ephemeral_key_off_the_curve_is_refused(point):
    (key,) = parse_private_keys(TINK["MERCHANT_PRIVATE_KEY_PKCS8_BASE64"])
    with pytest.raises(TokenRefused, match="not a point"):
        open_sealed(SealedMessage(b"x", point, b"x"), [key], Version.EC_V2)


# --- our own tokens -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sealer():
    return Sealer()


@pytest.fixture(scope="module")
def private_key():
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture
def open_own(sealer, private_key):
    def open_it(token, *, version=Version.EC_V2, now_ms=NOW_MS):
        text = open_token(
            token,
            version=version,
            recipient_id=MERCHANT,
            roots=parse_root_keys(sealer.root_keys(NOW_MS), version),
            private_keys=[private_key],
            now_ms=now_ms,
        )
        return parse_message(text, auth_methods=METHODS, gateway_merchant_id="", now_ms=now_ms)

    return open_it


@pytest.fixture
def seal(sealer, private_key):
    def seal_it(card=None, **changes):
        given = {"recipient_id": MERCHANT, "now_ms": NOW_MS, "message_id": "m1"} | changes
        return sealer.seal_card(
            card or CardDetails(), public_key=public_point(private_key), **given
        )

    return seal_it


@pytest.mark.parametrize("protocol", ["ECv1", "ECv2"])
def test_a_sealed_card_opens(seal, open_own, protocol):
    card = CardDetails(auth_method="CRYPTOGRAM_3DS", cryptogram="AAAA", eci="05")
    found = open_own(seal(card, protocol=protocol), version=Version(protocol))
    assert found.number == card.number
    assert (found.expiry_month, found.expiry_year) == (12, 2030)
    assert (found.cryptogram, found.eci) == ("AAAA", "05")
    assert (found.message_id, found.expires_ms) == ("m1", NOW_MS + 86_400_000)


@pytest.mark.parametrize("fault", TokenFault)
def test_each_fault_of_a_token_is_refused(seal, open_own, fault):
    assert open_own(seal()).number == CardDetails().number
    with pytest.raises(TokenRefused):
        open_own(seal(fault=fault))


@pytest.mark.parametrize("version", Version)
def test_a_token_of_the_other_version_is_refused(seal, open_own, version):
    (wanted,) = set(Version) - {version}
    with pytest.raises(TokenRefused, match="protocol version"):
        open_own(seal(protocol=str(version)), version=wanted)


def test_a_message_expires_at_its_very_millisecond(seal, open_own):
    token = seal()
    expires_ms = NOW_MS + 86_400_000
    # The intermediate key lives as long; a day later both are over, a moment before neither.
    assert open_own(token, now_ms=expires_ms - 1).message_id == "m1"
    with pytest.raises(TokenRefused) as refused:
        open_own(seal(fault=TokenFault.EXPIRED_MESSAGE))
    assert refused.value.failure_code == "token_expired"


def test_bytes_that_are_no_text_are_refused_without_showing_them():
    sealer, key = Sealer(), ec.generate_private_key(ec.SECP256R1())
    token = json.loads(
        sealer.seal("é", recipient_id="r", public_key=public_point(key), now_ms=NOW_MS)
    )
    sealed = json.loads(token["signedMessage"])
    # Half of a character, under a tag that fits.
    point = base64.b64decode(sealed["ephemeralPublicKey"])
    ephemeral = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    _, mac_key = derive_keys(point, key.exchange(ec.ECDH(), ephemeral), Version.EC_V2)
    half = base64.b64decode(sealed["encryptedMessage"])[:1]
    message = SealedMessage(half, point, hmac.digest(mac_key, half, "sha256"))
    with pytest.raises(TokenRefused, match="UTF-8") as refused:
        open_sealed(message, [key], Version.EC_V2)
    assert refused.value.__context__ is None
