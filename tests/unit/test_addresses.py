"""Where a webhook may go."""

import httpcore
import pytest

from batua.errors import ConfigurationError, InvalidRequest
from batua.events import Addresses, read_networks
from batua.events.addresses import AddressRefused, GuardedBackend, new_resolver

PRIVATE = (
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1",
    "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255",
    "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
    "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::1",
    "fc00::1", "fd00::1", "fd00:ec2::254", "fe80::1", "fe80::1%2", "fec0::1", "ff02::1",
)  # fmt: skip
PUBLIC = ("8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8")

STRICT = Addresses()
DEVELOPING = Addresses(loopback_http=True)


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_refused_even_beside_one_that_is(address):
    for found in ([address], ["8.8.8.8", address], [address, "8.8.8.8"]):
        with pytest.raises(AddressRefused):
            STRICT.require(found, is_tls=True)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_reached_by_tls_alone(address):
    assert STRICT.require([address], is_tls=True) == [address.removeprefix("::ffff:")]
    for addresses in (STRICT, DEVELOPING):
        with pytest.raises(AddressRefused):
            addresses.require([address], is_tls=False)


def test_a_name_without_an_address_leads_nowhere():
    with pytest.raises(AddressRefused, match="no address"):
        STRICT.require([], is_tls=True)


def test_networks_of_ones_own_may_be_allowed_and_open_nothing_else():
    addresses = Addresses(allowed=read_networks("10.1.0.0/16, fd00:1::/32"))
    for address in ("10.1.2.3", "::ffff:10.1.2.3", "fd00:1::5"):
        assert addresses.require([address], is_tls=True)
        with pytest.raises(AddressRefused):
            addresses.require([address], is_tls=False)
    for address in ("10.2.0.1", "fd00:2::1", "127.0.0.1", "169.254.169.254"):
        with pytest.raises(AddressRefused):
            addresses.require([address], is_tls=True)


def test_in_development_this_machine_may_be_reached_and_nothing_else():
    for address in ("127.0.0.1", "::1"):
        assert DEVELOPING.require([address], is_tls=False) == [address]
    for address in ("10.0.0.1", "169.254.169.254", "0.0.0.0"):
        for is_tls in (True, False):
            with pytest.raises(AddressRefused):
                DEVELOPING.require([address], is_tls=is_tls)


@pytest.mark.parametrize("text", ["10.0.0.0/33", "10.1.2.3/16", "localhost", "10.0.0.0-10.0.0.9"])
def test_what_is_no_network_is_refused(text):
    with pytest.raises(ConfigurationError, match="BATUA_WEBHOOK_ALLOW_PRIVATE"):
        read_networks(text)


@pytest.mark.parametrize(
    "url",
    ["http://shop.example/", "ftp://shop.example/", "file:///etc/passwd", "//shop.example", "",
     "https://", "https:///path", "https://user:pw@shop.example/", "https://user@shop.example/",
     "https://shop.example/#part", "https://shop.example:99999/", "https://shop.example:0/",
     "https://shop.example/a b", "https://shop.example/\n", "https://शॉप.example/", "https://[::1/",
     "https://shop.example/" + "x" * 2000],
)  # fmt: skip
def test_a_url_that_can_not_be_meant_is_refused(url):
    with pytest.raises(InvalidRequest) as refused:
        STRICT.require_url(url)
    assert refused.value.code == "webhook_url_refused"


def test_plain_http_is_for_development():
    assert DEVELOPING.require_url("http://127.0.0.1:9000/hook").port == 9000
    assert STRICT.require_url("https://shop.example/hook?x=1").hostname == "shop.example"


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "127.1", "0177.0.0.1"])
async def test_however_this_machine_is_written_it_is_found_out(host):
    backend = GuardedBackend(STRICT, new_resolver(), is_tls=True)
    with pytest.raises((AddressRefused, httpcore.ConnectError)):
        await backend.connect_tcp(host, 443, timeout=5)


async def test_a_name_that_is_unknown_is_a_failure_like_any_other():
    async def nobody(host, port):
        raise OSError("unknown name")

    backend = GuardedBackend(STRICT, nobody, is_tls=True)
    with pytest.raises(httpcore.ConnectError, match=r"shop\.example can't be looked up"):
        await backend.connect_tcp("shop.example", 443, timeout=5)
