"""Which addresses we would connect to: fault 52 as a table."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b24_pipeline.bitrix.http.address import CLOUD_ZONES, is_public, parse_address
from b24_pipeline.errors import AddressRefused

REFUSED = [
    "evil.com",
    "https://evil.com/",
    "acme.bitrix24.ru.evil.com",
    "acme.bitrix24.evil",
    "bitrix24.ru",
    ".bitrix24.ru",
    "a.b.bitrix24.ru",
    "evilbitrix24.ru",
    "acme.bitrix24.ru.",
    "acme.bitrix24.ru..",
    "-acme.bitrix24.ru",
    "ac_me.bitrix24.ru",
    "x@10.0.0.1",
    "acme.bitrix24.ru@10.0.0.1",
    "https://acme.bitrix24.ru:secret@evil.com",
    "10.0.0.1",
    "127.0.0.1",
    "127.1",
    "0x7f000001",
    "2130706433",
    "0177.0.0.1",
    "169.254.169.254",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "localhost",
    "xn--80ak6aa92e.bitrix24.ru",
    "аcme.bitrix24.ru",
    "acme.bitrix24.ru:22",
    "acme.bitrix24.ru:8443",
    "acme.bitrix24.ru:99999",
    "http://acme.bitrix24.ru",
    "ftp://acme.bitrix24.ru",
    "file:///etc/passwd",
    "acme.bitrix24.ru/rest",
    "acme.bitrix24.ru?x=1",
    "acme.bitrix24.ru#x",
    "acme.bitrix24.ru\\@evil.com",
    "acme.bitrix24.ru\n",
    "acme.bitrix24.ru evil.com",
    "acme\t.bitrix24.ru",
    "",
    "https://",
    "a" * 70 + ".bitrix24.ru",
]


@pytest.mark.parametrize("text", REFUSED)
def test_refused(text: str) -> None:
    """Whatever is not exactly the host of a cloud portal is refused before any connection."""
    with pytest.raises(AddressRefused):
        parse_address(text)


@pytest.mark.parametrize(
    "text", ["acme.bitrix24.ru", "https://acme.bitrix24.com/", "ACME.Bitrix24.com.br:443"]
)
def test_clouds_are_accepted(text: str) -> None:
    """Any cloud zone, any case, over https on 443."""
    address = parse_address(text)
    assert address.host == text.lower().removeprefix("https://").removesuffix("/").removesuffix(":443")
    assert (address.scheme, address.port, address.allowed) == ("https", 443, False)
    assert address.origin == f"https://{address.host}"


@pytest.mark.parametrize(
    ("text", "pattern", "origin"),
    [
        ("http://127.0.0.1:8077", "127.0.0.1:*", "http://127.0.0.1:8077"),
        ("http://127.0.0.1:8077", "127.0.0.1", "http://127.0.0.1:8077"),
        ("http://localhost:8077/", "localhost:8077", "http://localhost:8077"),
        ("crm.corp.example", "*.corp.example", "https://crm.corp.example"),
        ("https://crm.corp.example:8443", "*.corp.example:8443", "https://crm.corp.example:8443"),
        ("http://[::1]:80", "[::1]", "http://[::1]"),
        ("xn--80ak6aa92e.bitrix24.ru", "xn--80ak6aa92e.bitrix24.ru", "https://xn--80ak6aa92e.bitrix24.ru"),
    ],
)
def test_the_operator_may_allow_more(text: str, pattern: str, origin: str) -> None:
    """An allowed host may be private, on any port, without TLS."""
    address = parse_address(text, ["other.example", f" {pattern.upper()} "])
    assert (address.origin, address.allowed) == (origin, True)


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("corp.example", "*.corp.example"),
        ("evilcorp.example", "*.corp.example"),
        ("crm.corp.example.evil.com", "*.corp.example"),
        ("10.0.0.1", "*.0.0.1"),
        ("localhost:22", "localhost:8077"),
        ("anything.example", ""),
        ("anything.example", "*"),
        ("..corp.example", "*.corp.example"),
    ],
)
def test_a_pattern_allows_no_more_than_it_says(text: str, pattern: str) -> None:
    """Whole labels, the named port, and no pattern for everything."""
    with pytest.raises(AddressRefused):
        parse_address(text, [pattern])


def test_the_message_says_what_to_do_and_repeats_no_password() -> None:
    """A portal of one's own is named together with the setting; a password in the text is not repeated."""
    with pytest.raises(AddressRefused, match=r"crm\.example\.com.*B24_ALLOWED_PORTALS"):
        parse_address("crm.example.com")
    with pytest.raises(AddressRefused) as caught:
        parse_address("https://user:canary@crm.example.com")
    assert "canary" not in str(caught.value)


@settings(deadline=None)
@given(
    st.text(max_size=60) | st.from_regex(r"(https?://)?[a-z0-9.@:\[\]-]{0,30}(\.bitrix24\.(ru|com))?[/.:@]?")
)
def test_accepted_means_a_public_cloud_over_https(text: str) -> None:
    """Property: nothing else ever comes through, and nothing but AddressRefused is raised."""
    try:
        address = parse_address(text)
    except AddressRefused:
        return
    name, _, zone = address.host.partition(".bitrix24.")
    assert zone in CLOUD_ZONES
    assert name
    assert not set(name) & set("./@:[]")
    assert (address.scheme, address.port) == ("https", 443)


@pytest.mark.parametrize(
    "ip",
    [
        *("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fd00::1", "ff02::1"),
        *(
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "192.0.2.1",
            "240.0.0.1",
        ),
    ],
)
def test_private_addresses(ip: str) -> None:
    """Private, loopback, link-local, multicast, reserved, and all of these wrapped in IPv6."""
    assert not is_public(ip)


@pytest.mark.parametrize("ip", ["8.8.8.8", "::ffff:8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808"])
def test_public_addresses(ip: str) -> None:
    """The internet."""
    assert is_public(ip)
