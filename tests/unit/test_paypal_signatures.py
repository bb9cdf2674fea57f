"""PayPal's webhook signature, against deliveries that PayPal really sent."""

import json
import zlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate

from batua.contract import WebhookRejected
from batua.gateways.paypal.codes import CERT_HOSTS, CERT_PATH
from batua.gateways.paypal.signatures import (
    check_cert_url,
    check_signature,
    read_delivery,
    signed_message,
)

VECTORS = Path(__file__).parents[1] / "vectors" / "paypal"
LIVE = json.loads((VECTORS / "paypal_real_cert_v2.json").read_text())
SANDBOX = json.loads((VECTORS / "paypal_real_signatures.json").read_text())
PREFIXES = tuple(f"https://{host}{CERT_PATH}" for host in CERT_HOSTS["live"])
GOOD_URL = "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-1a5f47cb"


def cases():
    for vector in LIVE["vectors"]:
        pem = LIVE["cert_by_url"][vector["headers"]["paypal-cert-url"]]
        yield vector, load_pem_x509_certificate(pem.encode()).public_key()
    key = load_pem_public_key(SANDBOX["public_key_pem"].encode())
    for vector in SANDBOX["vectors"]:
        yield vector, key


CASES = list(cases())
VECTOR, KEY = CASES[0]


def headers(vector):
    return {name.lower(): value for name, value in vector["headers"].items()}


@pytest.mark.parametrize(("vector", "key"), CASES, ids=range(len(CASES)))
def test_every_real_delivery_verifies(vector, key):
    assert vector["expect"] == "valid"
    body = vector["raw_body"].encode()
    delivery = read_delivery(headers(vector))
    assert zlib.crc32(body) == int(vector["crc32_decimal"])
    if "signed_string" in vector:
        message = signed_message(delivery, vector["webhook_id"], body)
        assert message.decode() == vector["signed_string"]
    check_signature(key, delivery, vector["webhook_id"], body)


@pytest.mark.parametrize(
    "change",
    [
        {"body": VECTOR["raw_body"].encode() + b" "},
        {"body": json.dumps(json.loads(VECTOR["raw_body"])).encode()},
        {"webhook_id": "4JH86294D6297924G"},
        {"header": ("paypal-transmission-id", "4cce5920-5106-11ef-84e2-f38df3f70684")},
        {"header": ("paypal-transmission-time", "2024-08-02T19:34:58Z")},
        {"header": ("paypal-transmission-sig", "A" * 344)},
        {"key": CASES[-1][1]},
    ],
)
def test_whatever_is_tampered_with_the_delivery_is_refused(change):
    sent = headers(VECTOR) | dict([change["header"]] if "header" in change else [])
    with pytest.raises(WebhookRejected, match="signature is wrong"):
        check_signature(
            change.get("key", KEY),
            read_delivery(sent),
            change.get("webhook_id", VECTOR["webhook_id"]),
            change.get("body", VECTOR["raw_body"].encode()),
        )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("paypal-auth-algo", "SHA1withRSA"),
        ("paypal-auth-algo", "none"),
        ("paypal-auth-algo", None),
        ("paypal-transmission-id", None),
        ("paypal-transmission-id", "a|b"),
        ("paypal-transmission-id", "é"),
        ("paypal-transmission-time", ""),
        ("paypal-transmission-time", "2024|x"),
        ("paypal-transmission-sig", None),
        ("paypal-transmission-sig", "not base64!"),
        ("paypal-transmission-sig", "é"),
        ("paypal-transmission-sig", "AAA"),
    ],
)
def test_a_delivery_whose_headers_are_missing_or_odd_is_refused(name, value):
    sent = headers(VECTOR) | {name: value}
    if value is None:
        del sent[name]
    with pytest.raises(WebhookRejected):
        read_delivery(sent)


def test_the_certificates_of_real_deliveries_are_where_we_look_for_them():
    for vector in LIVE["vectors"]:
        check_cert_url(headers(vector)["paypal-cert-url"], PREFIXES)
    sandbox = tuple(f"https://{host}{CERT_PATH}" for host in CERT_HOSTS["sandbox"])
    for vector in SANDBOX["vectors"]:
        check_cert_url(headers(vector)["paypal-cert-url"], sandbox)
        with pytest.raises(WebhookRejected):
            check_cert_url(headers(vector)["paypal-cert-url"], PREFIXES)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://attacker.example/v1/notifications/certs/CERT-1",
        GOOD_URL.replace("https", "http"),
        GOOD_URL.replace("https", "HTTPS"),
        GOOD_URL.replace("https", "ftp"),
        GOOD_URL.replace("https://", "https:///"),
        GOOD_URL.replace("https://", "//"),
        "file:///v1/notifications/certs/CERT-1",
        GOOD_URL.replace("//api", "//user@api"),
        GOOD_URL.replace("//api", "//user:pass@api"),
        "https://api.paypal.com@attacker.example/v1/notifications/certs/CERT-1",
        "https://attacker.example#@api.paypal.com/v1/notifications/certs/CERT-1",
        "https://attacker.example\\@api.paypal.com/v1/notifications/certs/CERT-1",
        GOOD_URL.replace("paypal.com", "paypal.com:443"),
        GOOD_URL.replace("paypal.com", "paypal.com:8443"),
        GOOD_URL.replace("paypal.com", "paypal.com."),
        GOOD_URL.replace("paypal.com", "paypal.com.attacker.example"),
        GOOD_URL.replace("api.paypal.com", "api-paypal.com"),
        GOOD_URL.replace("api.paypal.com", "evil.api.paypal.com"),
        GOOD_URL.replace("api.paypal.com", "xapi.paypal.com"),
        GOOD_URL.replace("api.paypal.com", "www.paypal.com"),
        GOOD_URL.replace("paypal", "paypa1"),
        GOOD_URL.replace("paypal", "pаypal"),  # noqa: RUF001 - a Cyrillic letter
        GOOD_URL.replace("api.paypal.com", "api.sandbox.paypal.com"),
        GOOD_URL.replace("api.paypal.com", "169.254.169.254"),
        GOOD_URL.replace("api.paypal.com", "127.0.0.1"),
        GOOD_URL.replace("api.paypal.com", "localhost"),
        GOOD_URL.replace("api.paypal.com", "[::ffff:169.254.169.254]"),
        GOOD_URL.replace("api.paypal.com", "2852039166"),
        "https://169.254.169.254/latest/meta-data/",
        GOOD_URL + "?x=1",
        GOOD_URL + "#x",
        GOOD_URL + "/",
        GOOD_URL + "/../../redirect",
        GOOD_URL + "%2e%2e",
        GOOD_URL + ".pem",
        GOOD_URL + "\n",
        GOOD_URL + " ",
        " " + GOOD_URL,
        GOOD_URL.replace("/certs/", "/certs/../certs/"),
        GOOD_URL.replace("/certs/", "/certs//"),
        GOOD_URL.replace("/certs/", "/%63erts/"),
        GOOD_URL.replace("/v1/notifications/certs", ""),
        "https://api.paypal.com/v1/notifications/certs/",
        "https://api.paypal.com/v1/notifications/certs/" + "A" * 129,
        "https://api.paypal.com%2f.attacker.example/v1/notifications/certs/CERT-1",
    ],
)
def test_a_certificate_that_is_not_at_paypal_is_refused(url):
    with pytest.raises(WebhookRejected, match="not at PayPal"):
        check_cert_url(url, PREFIXES)
