"""PayPal's webhooks from the bytes to the event: certificates of our own, and PayPal's real one."""

import base64
import json
import zlib
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import httpx
import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from batua.contract import (
    DisputeResult,
    Mode,
    PaymentResult,
    RefundResult,
    TokenResult,
    Transport,
    WebhookRejected,
    WebhookRequest,
)
from batua.gateways.paypal import PayPalGateway
from batua.gateways.paypal.certificates import Authorities, Certificates, load_authorities
from batua.gateways.paypal.codes import CERT_NAMES
from batua.gateways.paypal.settings import PayPalSettings

VECTORS = Path(__file__).parents[1] / "vectors" / "paypal"
REAL = json.loads((VECTORS / "paypal_real_cert_v2.json").read_text())
NOW = datetime(2026, 11, 22, tzinfo=UTC)
NAME = CERT_NAMES["sandbox"]
URL = "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1"
WEBHOOK_ID = "4JH86294D6297924G"


async def run_here(call):
    return call()


class Hosts:
    """The outside world: what is at which URL, and who was asked."""

    def __init__(self, cert=None):
        self.pages = {} if cert is None else {URL: cert}
        self.asked = []

    def __call__(self, request):
        self.asked.append(str(request.url))
        answer = self.pages.get(str(request.url), httpx.Response(404))
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer) if isinstance(answer, int) else answer


def transport_to(hosts, now=NOW):
    return Transport(
        http=httpx.AsyncClient(transport=httpx.MockTransport(hosts), trust_env=False),
        session=requests.Session(),
        run_blocking=run_here,
        timeout_s=1.0,
        now=lambda: now,
    )


def certificate(subject, key, *, issuer=None, issuer_key=None, is_ca=False, **odd):
    """A certificate as an authority makes them; ``odd`` says what is wrong with it."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    signer = issuer_key or key
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(odd.get("begins", NOW - timedelta(days=30)))
        .not_valid_after(odd.get("ends", NOW + timedelta(days=30)))
        .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.KeyUsage(
            digital_signature=not is_ca, key_cert_sign=is_ca, crl_sign=is_ca,
            content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, encipher_only=False, decipher_only=False,
        ), critical=True)
    )  # fmt: skip
    if not is_ca:
        names = x509.SubjectAlternativeName([x509.DNSName(odd.get("san", subject))])
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        builder = builder.add_extension(names, critical=False).add_extension(usage, critical=False)
    return builder.sign(signer, hashes.SHA256())


@cache
def keys():
    """A root's, an intermediate's, a leaf's and a stranger's; made once, for they take long."""
    return (
        *(ec.generate_private_key(ec.SECP256R1()) for _ in range(2)),
        *(rsa.generate_private_key(65537, 2048) for _ in range(2)),
    )


@cache
def root():
    return certificate("Test Root", keys()[0], is_ca=True)


@cache
def intermediate():
    return certificate("Test CA", keys()[1], issuer=root(), issuer_key=keys()[0], is_ca=True)


def leaf(subject=NAME, **odd):
    return certificate(subject, keys()[2], issuer=intermediate(), issuer_key=keys()[1], **odd)


def pem(*certificates):
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)


def page(*certificates):
    return httpx.Response(200, content=pem(*certificates))


def certificates_at(hosts, *, intermediates=(), now=NOW):
    return Certificates(
        transport_to(hosts, now),
        Authorities((root(),), intermediates),
        prefixes=("https://api.sandbox.paypal.com/v1/notifications/certs/",),
        name=NAME,
    )


async def test_a_leaf_with_its_intermediate_is_good():
    hosts = Hosts(cert=page(leaf(), intermediate()))
    key = await certificates_at(hosts).key(URL)
    assert key == keys()[2].public_key()


async def test_a_leaf_alone_is_good_where_the_intermediate_is_known():
    hosts = Hosts(cert=page(leaf()))
    key = await certificates_at(hosts, intermediates=(intermediate(),)).key(URL)
    assert key == keys()[2].public_key()
    with pytest.raises(WebhookRejected, match="ca_file: CN=Test CA"):
        await certificates_at(hosts).key(URL)


async def test_a_certificate_is_fetched_once():
    hosts = Hosts(cert=page(leaf(), intermediate()))
    certificates = certificates_at(hosts)
    for _ in range(3):
        await certificates.key(URL)
    assert hosts.asked == [URL]


def by_a_stranger():
    stranger = certificate("Test Root", keys()[3], is_ca=True)
    return page(certificate(NAME, keys()[2], issuer=stranger, issuer_key=keys()[3]), stranger)


def by_no_authority():
    below = certificate(NAME, keys()[3], issuer=leaf(), issuer_key=keys()[2])
    return page(below, leaf(), intermediate())


def elliptic():
    return certificate(NAME, keys()[0], issuer=intermediate(), issuer_key=keys()[1])


NO_GOOD = {
    "expired": lambda: page(leaf(ends=NOW - timedelta(days=1)), intermediate()),
    "not begun": lambda: page(leaf(begins=NOW + timedelta(days=1)), intermediate()),
    "of the live environment": lambda: page(leaf(CERT_NAMES["live"]), intermediate()),
    "of another host": lambda: page(leaf("attacker.example"), intermediate()),
    "right CN, wrong SAN": lambda: page(leaf(san="attacker.example"), intermediate()),
    "of a lookalike": lambda: page(leaf(f"{NAME}.attacker.example"), intermediate()),
    "self-signed": lambda: page(certificate(NAME, keys()[2])),
    "of a stranger with the root's name": by_a_stranger,
    "of an authority that is none": by_no_authority,
    "the root itself": lambda: page(root()),
    "an elliptic key": lambda: page(elliptic(), intermediate()),
    "no certificate": lambda: httpx.Response(200, content=b"<html></html>"),
    "nothing": lambda: httpx.Response(200, content=b""),
    "too long": lambda: httpx.Response(200, content=pem(leaf()) + b"\n" * 70_000),
    "too many": lambda: page(leaf(), *[intermediate()] * 9),
    "a redirect": lambda: httpx.Response(302, headers={"location": "http://169.254.169.254/"}),
    "not found": lambda: httpx.Response(404),
    "in trouble": lambda: httpx.Response(500),
    "cut": lambda: httpx.ReadError("cut"),
    "unreachable": lambda: httpx.ConnectError("no"),
    "slow": lambda: httpx.ReadTimeout("slow"),
}


@pytest.mark.parametrize("what", list(NO_GOOD))
async def test_a_certificate_that_is_not_good_is_refused(what):
    hosts = Hosts(cert=NO_GOOD[what]())
    with pytest.raises(WebhookRejected):
        await certificates_at(hosts).key(URL)
    assert hosts.asked == [URL]


@pytest.mark.parametrize(
    "url",
    [
        "https://attacker.example/v1/notifications/certs/CERT-1",
        URL.replace("https", "http"),
        URL.replace("//api", "//user@api"),
        URL.replace(".com", ".com:8443"),
        URL.replace(".com", ".com.attacker.example"),
        URL.replace("api.sandbox.paypal.com", "169.254.169.254"),
        URL.replace("api.sandbox.paypal.com", "127.0.0.1"),
        URL + "?x",
        URL + "%0d%0a",
        URL + "/..",
    ],
)
async def test_nobody_is_asked_for_a_certificate_that_is_elsewhere(url):
    hosts = Hosts(cert=page(leaf(), intermediate()))
    with pytest.raises(WebhookRejected, match="not at PayPal"):
        await certificates_at(hosts).key(url)
    assert hosts.asked == []


async def test_a_known_certificate_is_refused_once_it_has_expired():
    moments = [NOW]
    hosts = Hosts(cert=page(leaf(), intermediate()))
    transport = transport_to(hosts)
    certificates = Certificates(
        Transport(
            http=transport.http, session=transport.session, run_blocking=run_here,
            timeout_s=1.0, now=lambda: moments[-1],
        ),
        Authorities((root(),)), prefixes=(URL.removesuffix("CERT-1"),), name=NAME,
    )  # fmt: skip
    await certificates.key(URL)
    moments.append(NOW + timedelta(days=31))
    with pytest.raises(WebhookRejected):
        await certificates.key(URL)


async def test_made_up_ids_do_not_make_us_flood_paypal():
    hosts = Hosts(cert=page(leaf(), intermediate()))
    certificates = certificates_at(hosts)
    await certificates.key(URL)
    for number in range(30):
        with pytest.raises(WebhookRejected):
            await certificates.key(f"{URL}-{number}")
    assert len(hosts.asked) == 20
    assert await certificates.key(URL)  # the known one needs no asking


def test_a_ca_file_names_roots_and_intermediates(tmp_path):
    file = tmp_path / "ca.pem"
    file.write_bytes(pem(root(), intermediate()))
    assert load_authorities(str(file)) == Authorities((root(),), (intermediate(),))
    file.write_bytes(pem(intermediate()))
    only_intermediates = load_authorities(str(file))
    assert only_intermediates.intermediates == (intermediate(),)
    assert only_intermediates.anchors == load_authorities("").anchors
    assert len(only_intermediates.anchors) > 50


@pytest.mark.parametrize("content", [b"", b"nothing", b"-----BEGIN CERTIFICATE-----\nAAAA\n", None])
def test_a_ca_file_that_can_not_be_read_is_refused(tmp_path, content):
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ValueError, match="ca_file"):
        load_authorities(str(file))


# --- the gateway as a whole, in the sandbox, with an authority of our own ---


def event(event_type, resource, **changes):
    return {
        "id": "WH-1-2",
        "create_time": "2026-11-22T00:00:00.000Z",
        "event_type": event_type,
        "resource": resource,
    } | changes


def signed(body, *, webhook_id=WEBHOOK_ID, cert_url=URL, key=None):
    message = f"tid-1|2026-11-22T00:00:00Z|{webhook_id}|{zlib.crc32(body)}".encode()
    signature = (key or keys()[2]).sign(message, padding.PKCS1v15(), hashes.SHA256())
    headers = {
        "paypal-transmission-id": "tid-1",
        "paypal-transmission-time": "2026-11-22T00:00:00Z",
        "paypal-transmission-sig": base64.b64encode(signature).decode(),
        "paypal-cert-url": cert_url,
        "paypal-auth-algo": "SHA256withRSA",
    }
    return WebhookRequest(body=body, headers=headers, received_at=NOW)


@pytest.fixture
def hosts():
    return Hosts(cert=page(leaf(), intermediate()))


@pytest.fixture
def gateway(hosts, tmp_path):
    (tmp_path / "ca.pem").write_bytes(pem(root()))
    settings = PayPalSettings(
        client_id="client", client_secret="hush", webhook_id=WEBHOOK_ID,
        ca_file=str(tmp_path / "ca.pem"),
    )  # fmt: skip
    return PayPalGateway(settings, transport_to(hosts))


async def received(gateway, *args, **changes):
    body = json.dumps(event(*args, **changes)).encode()
    (heard,) = await gateway.verify_webhook(signed(body))
    return heard


LINKS = {
    "capture": [{"rel": "up", "href": "https://api.paypal.com/v2/payments/captures/0JF85"}],
    "order": [{"rel": "up", "href": "https://api.paypal.com/v2/checkout/orders/8PR65"}],
}


@pytest.mark.parametrize(
    ("event_type", "resource", "ids"),
    [
        ("CHECKOUT.ORDER.APPROVED", {"id": "8PR65"}, ("8PR65", "8PR65")),
        ("CHECKOUT.ORDER.COMPLETED", {"id": "8PR65"}, ("8PR65", "8PR65")),
        ("PAYMENT.CAPTURE.PENDING", {"id": "02T21", "links": LINKS["order"]}, ("02T21", "8PR65")),
        (
            "PAYMENT.CAPTURE.COMPLETED",
            {"id": "02T21", "supplementary_data": {"related_ids": {"order_id": "8PR65"}}},
            ("02T21", "8PR65"),
        ),
        ("PAYMENT.CAPTURE.DENIED", {"id": "02T21", "links": LINKS["order"]}, ("02T21", "8PR65")),
    ],
)
async def test_an_order_or_capture_event_leads_to_its_order(gateway, event_type, resource, ids):
    heard = await received(gateway, event_type, resource | {"status": "COMPLETED"})
    assert isinstance(heard.payload, PaymentResult)
    assert (heard.payload.provider_payment_id, heard.payload.provider_reference) == ids
    assert (heard.needs_fetch, heard.event_id, heard.payload.mode) == (True, "WH-1-2", Mode.TEST)
    assert heard.payload.status == "pending"
    assert heard.payload.amount.amount == 0


@pytest.mark.parametrize("event_type", ["PAYMENT.CAPTURE.REFUNDED", "PAYMENT.CAPTURE.REVERSED"])
async def test_a_refund_event_leads_to_its_refund_and_capture(gateway, event_type):
    resource = {"id": "1Y107", "links": LINKS["capture"], "custom_id": "refund.ref_1"}
    heard = await received(gateway, event_type, resource)
    assert isinstance(heard.payload, RefundResult)
    assert heard.payload.provider_refund_id == "1Y107"
    assert heard.payload.provider_payment_id == "0JF85"
    assert heard.payload.refund_id == "ref_1"
    assert (heard.payload.status, heard.needs_fetch) == ("pending", True)


async def test_the_payments_own_id_in_a_refund_is_not_taken_for_a_refunds(gateway):
    resource = {"id": "1Y107", "links": LINKS["capture"], "custom_id": "pay_1"}
    heard = await received(gateway, "PAYMENT.CAPTURE.REFUNDED", resource)
    assert heard.payload.refund_id == ""


async def test_a_dispute_event_leads_to_its_dispute(gateway):
    resource = {
        "dispute_id": "PP-D-4012",
        "disputed_transactions": [{"seller_transaction_id": "0JF85"}],
        "dispute_outcome": {"outcome_code": "RESOLVED_BUYER_FAVOUR"},
    }
    heard = await received(gateway, "CUSTOMER.DISPUTE.RESOLVED", resource)
    assert isinstance(heard.payload, DisputeResult)
    assert heard.payload.provider_dispute_id == "PP-D-4012"
    assert heard.payload.provider_payment_id == "0JF85"
    assert (heard.payload.status, heard.needs_fetch) == ("open", True)


@pytest.mark.parametrize(
    ("event_type", "is_usable"),
    [("VAULT.PAYMENT-TOKEN.CREATED", True), ("VAULT.PAYMENT-TOKEN.DELETED", False)],
)
async def test_a_vault_event_tells_of_a_token(gateway, event_type, is_usable):
    heard = await received(gateway, event_type, {"id": "3nqvjt3n", "customer": {"id": "208743798"}})
    assert heard.payload == TokenResult(
        provider_token="3nqvjt3n",
        provider_customer="208743798",
        is_usable=is_usable,
        mode=Mode.TEST,
    )
    assert heard.needs_fetch


@pytest.mark.parametrize(
    ("event_type", "resource"),
    [
        ("PAYMENT.CAPTURE.COMPLETED", {"id": "02T21"}),
        ("PAYMENT.CAPTURE.COMPLETED", {"links": LINKS["order"]}),
        ("PAYMENT.CAPTURE.COMPLETED", {"id": "02T21", "links": LINKS["capture"]}),
        ("PAYMENT.CAPTURE.COMPLETED", {"id": "02T21", "links": "none"}),
        ("PAYMENT.CAPTURE.REFUNDED", {"id": "1Y107", "links": LINKS["order"]}),
        ("CHECKOUT.ORDER.APPROVED", []),
        ("CUSTOMER.DISPUTE.CREATED", {"id": "PP-D-4012"}),
    ],
)
async def test_an_event_that_does_not_say_of_what_is_kept_for_a_person(
    gateway, event_type, resource
):
    heard = await received(gateway, event_type, resource)
    assert (heard.event_type, heard.payload) == ("unreadable", None)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b"[" * 5000, b'{"event_type":1}'])
async def test_a_signed_body_that_is_no_event_is_kept_for_a_person(gateway, body):
    (heard,) = await gateway.verify_webhook(signed(body))
    assert (heard.event_type, heard.payload, heard.needs_fetch) == ("unreadable", None, True)


async def test_an_event_of_no_interest_has_no_payload(gateway):
    heard = await received(gateway, "BILLING.PLAN.CREATED", {"id": "P-1"})
    assert (heard.event_type, heard.payload) == ("BILLING.PLAN.CREATED", None)


@pytest.mark.parametrize("time", ["2018-19-12T00:00:00Z", "", None, 7, "2022-08-26T18:25:57PDT"])
async def test_an_impossible_time_does_not_lose_an_event(gateway, time):
    heard = await received(gateway, "CHECKOUT.ORDER.APPROVED", {"id": "8PR65"}, create_time=time)
    assert heard.occurred_at is None
    assert heard.payload is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"webhook_id": "WEBHOOK_ID"},
        {"webhook_id": "8PT597110X687430LKGECATA"},
        {"cert_url": "https://attacker.example/v1/notifications/certs/CERT-1"},
        {"cert_url": URL + "-unknown"},
        {"key": "a stranger's"},
    ],
)
async def test_a_delivery_that_is_not_for_us_or_not_of_paypal_is_refused(gateway, changes):
    if "key" in changes:
        changes = {"key": keys()[3]}
    with pytest.raises(WebhookRejected):
        await gateway.verify_webhook(signed(b"{}", **changes))


async def test_headers_are_judged_before_anybody_is_asked(gateway, hosts):
    request = signed(b"{}")
    for name in request.headers:
        left = {key: value for key, value in request.headers.items() if key != name}
        with pytest.raises(WebhookRejected):
            await gateway.verify_webhook(WebhookRequest(body=b"{}", headers=left, received_at=NOW))
    assert hosts.asked == []


# --- PayPal's real deliveries and certificate, at the time they were sent ---


def real_certificates(now=datetime(2024, 8, 2, 19, 35, tzinfo=UTC), **chain):
    pages = {url: httpx.Response(200, content=cert.encode())
             for url, cert in REAL["cert_by_url"].items()}  # fmt: skip
    hosts = Hosts()
    hosts.pages = pages
    part = {name: x509.load_pem_x509_certificate(REAL["chain"][f"{name}_pem"].encode())
            for name in ("root", "intermediate")}  # fmt: skip
    intermediates = () if chain.get("alone") else (part["intermediate"],)
    return Certificates(
        transport_to(hosts, now),
        Authorities((chain.get("root") or part["root"],), intermediates),
        prefixes=("https://api.paypal.com/v1/notifications/certs/",),
        name=chain.get("name", CERT_NAMES["live"]),
    )


def real_gateway(certificates):
    settings = PayPalSettings(client_id="a", client_secret="b", webhook_id="WEBHOOK_ID")
    gateway = PayPalGateway(settings, transport_to(Hosts()))
    # A live gateway would rightly refuse the webhook id of these deliveries.
    gateway._certificates = certificates
    return gateway


def real_request(vector, body=None):
    return WebhookRequest(
        body=vector["raw_body"].encode() if body is None else body,
        headers={name.lower(): value for name, value in vector["headers"].items()},
        received_at=NOW,
    )


@pytest.mark.parametrize("vector", REAL["vectors"], ids=lambda vector: vector["name"])
async def test_real_deliveries_are_verified_by_the_real_certificate(vector):
    gateway = real_gateway(real_certificates())
    (heard,) = await gateway.verify_webhook(real_request(vector))
    assert heard.event_type == vector["event_type"]
    assert heard.event_id == json.loads(vector["raw_body"])["id"]
    assert heard.needs_fetch
    told = {
        "PAYMENT.CAPTURE.PENDING": ("02T21492PP3782704", "8PR65097T8571330M"),
        "PAYMENT.CAPTURE.DECLINED": ("7U133281TB3277326", "48R416400V564864N"),
    }.get(heard.event_type)
    if told:
        assert (heard.payload.provider_payment_id, heard.payload.provider_reference) == told
    elif heard.event_type == "PAYMENT.CAPTURE.REFUNDED":
        assert heard.payload.provider_refund_id == "1Y107995YT783435V"
        assert heard.payload.provider_payment_id == "0JF852973C016714D"
    else:
        assert heard.payload is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"now": datetime(2026, 11, 22, tzinfo=UTC)},
        {"now": datetime(2024, 3, 7, tzinfo=UTC)},
        {"name": CERT_NAMES["sandbox"]},
        {"alone": True},
        {"root": "another"},
    ],
    ids=str,
)
async def test_the_real_certificate_counts_only_in_its_time_chain_and_name(wrong):
    if "root" in wrong:
        wrong = {"root": root()}
    gateway = real_gateway(real_certificates(**wrong))
    with pytest.raises(WebhookRejected, match="certificate"):
        await gateway.verify_webhook(real_request(REAL["vectors"][0]))


def with_checksum(head, tail, wanted):
    """A body between ``head`` and ``tail`` whose CRC-32 is ``wanted``: 64 letters, a or c."""
    letters = bytearray(b"a" * 64)

    def checksum():
        return zlib.crc32(head + letters + tail)

    base = checksum()
    rows = []  # what a letter changes, and which letters that is
    for place in range(64):
        letters[place] = ord("c")
        row = (checksum() ^ base, 1 << place)
        letters[place] = ord("a")
        for pivot in rows:
            if row[0] ^ pivot[0] < row[0]:
                row = (row[0] ^ pivot[0], row[1] ^ pivot[1])
        if row[0]:
            rows.append(row)
    left, chosen = wanted ^ base, 0
    for bits, places in sorted(rows, reverse=True):
        if left ^ bits < left:
            left, chosen = left ^ bits, chosen ^ places
    assert left == 0
    for place in range(64):
        letters[place] = ord("c") if chosen >> place & 1 else ord("a")
    return head + letters + tail


async def test_another_body_of_the_same_checksum_verifies_and_moves_nothing_by_itself():
    vector = next(v for v in REAL["vectors"] if v["event_type"] == "PAYMENT.CAPTURE.PENDING")
    forged = json.loads(vector["raw_body"])
    forged["event_type"] = "PAYMENT.CAPTURE.COMPLETED"
    forged["resource"] |= {
        "status": "COMPLETED", "amount": {"currency_code": "USD", "value": "999999.00"}
    }  # fmt: skip
    head, tail = json.dumps(forged | {"pad": "@"}).encode().split(b"@")
    body = with_checksum(head, tail, int(vector["crc32_decimal"]))
    assert json.loads(body)["resource"]["amount"]["value"] == "999999.00"

    (heard,) = await real_gateway(real_certificates()).verify_webhook(real_request(vector, body))

    assert heard.event_type == "PAYMENT.CAPTURE.COMPLETED"
    assert heard.needs_fetch
    assert heard.payload.amount.amount == 0
    assert heard.payload.status == "pending"
    assert heard.payload.provider_reference == "8PR65097T8571330M"
