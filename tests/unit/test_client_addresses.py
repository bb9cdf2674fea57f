"""Who a client is, whatever a header says of it."""

import pytest

from batua.errors import ConfigurationError
from batua.limits import ClientAddresses

PROXIES = "10.0.0.0/8, 2001:db8:ffff::/48"
FOUND = {
    # peer, X-Forwarded-For lines, client
    "no header": ("10.0.0.1", [], "10.0.0.1"),
    "one hop": ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
    "a spoofed hop to the left": ("10.0.0.1", ["8.8.8.8, 203.0.113.9"], "203.0.113.9"),
    "a spoofed hop that we trust": ("10.0.0.1", ["10.9.9.9, 203.0.113.9"], "203.0.113.9"),
    "two proxies": ("10.0.0.1", ["203.0.113.9, 10.0.0.2"], "203.0.113.9"),
    "proxies all the way": ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
    "two lines": ("10.0.0.1", ["8.8.8.8", "203.0.113.9"], "203.0.113.9"),
    "with a port": ("10.0.0.1", ["203.0.113.9:4711"], "203.0.113.9"),
    "rubbish to the left": ("10.0.0.1", ["<script>, 203.0.113.9"], "203.0.113.9"),
    "rubbish behind a proxy": ("10.0.0.1", ["203.0.113.9, unknown, 10.0.0.2"], "10.0.0.2"),
    "nothing in it": ("10.0.0.1", [""], "10.0.0.1"),
    "an untrusted peer": ("198.51.100.7", ["203.0.113.9"], "198.51.100.7"),
    "an untrusted peer says it is trusted": ("198.51.100.7", ["10.0.0.1"], "198.51.100.7"),
    "IPv6 by its /64": ("10.0.0.1", ["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::/64"),
    "IPv6 with a port": ("10.0.0.1", ["[2001:db8:1:2::9]:443"], "2001:db8:1:2::/64"),
    "a trusted peer in IPv6": ("2001:db8:ffff::1", ["203.0.113.9"], "203.0.113.9"),
    "IPv4 in IPv6": ("::ffff:10.0.0.1", ["::ffff:203.0.113.9"], "203.0.113.9"),
    "an untrusted peer in IPv6": ("2001:db8:1:2::9", ["203.0.113.9"], "2001:db8:1:2::/64"),
    "no peer": (None, ["203.0.113.9"], "nobody"),
}


def lines(name, values):
    return [(b"host", b"shop"), *((name, value.encode()) for value in values)]


@pytest.mark.parametrize(("peer", "sent", "client"), FOUND.values(), ids=FOUND.keys())
def test_the_client_is_the_right_most_hop_that_is_not_ours(peer, sent, client):
    assert ClientAddresses(PROXIES).find(peer, lines(b"x-forwarded-for", sent)) == client


def test_without_proxies_no_header_says_anything():
    found = ClientAddresses()
    for peer in ("10.0.0.1", "127.0.0.1", "::1"):
        plain = found.find(peer, [])
        assert found.find(peer, lines(b"x-forwarded-for", ["203.0.113.9"])) == plain
        assert found.find(peer, lines(b"forwarded", ["for=203.0.113.9"])) == plain


@pytest.mark.parametrize(
    ("sent", "client"),
    [
        (["for=203.0.113.9"], "203.0.113.9"),
        (["for=8.8.8.8, proto=https;FOR=203.0.113.9;by=10.0.0.1"], "203.0.113.9"),
        (['for="[2001:db8:1:2::9]:4711"'], "2001:db8:1:2::/64"),
        (["for=_hidden, for=10.0.0.2"], "10.0.0.2"),
        (["proto=https"], "10.0.0.1"),
    ],
)
def test_the_standard_header_is_read_where_it_is_chosen(sent, client):
    found = ClientAddresses(PROXIES, "forwarded")
    assert found.find("10.0.0.1", lines(b"forwarded", sent)) == client


def test_the_header_that_was_not_chosen_is_anybodys():
    sent = [*lines(b"forwarded", ["for=8.8.8.8"]), *lines(b"x-forwarded-for", ["203.0.113.9"])]
    assert ClientAddresses(PROXIES).find("10.0.0.1", sent) == "203.0.113.9"
    assert ClientAddresses(PROXIES, "forwarded").find("10.0.0.1", sent) == "8.8.8.8"


@pytest.mark.parametrize("wrong", ["10.0.0.0/33", "proxy.example", "10.0.0.1/8", "10.0.0.1;::1"])
def test_a_network_that_is_none_is_refused_by_name(wrong):
    with pytest.raises(ConfigurationError, match="BATUA_TRUSTED_PROXIES: "):
        ClientAddresses(f"127.0.0.1, {wrong}")
