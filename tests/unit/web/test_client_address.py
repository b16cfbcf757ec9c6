"""Who sent a request: its limits are its own, and a forged header gives it no others."""

from __future__ import annotations

from typing import Any

import pytest

from b24_pipeline.web.client_address import ClientAddresses


def scope(client: str | None, *forwarded: str) -> dict[str, Any]:
    headers = [(b"x-forwarded-for", line.encode()) for line in forwarded]
    return {"client": (client, 1) if client else None, "headers": headers}


@pytest.mark.parametrize(
    ("client", "forwarded", "address"),
    [
        ("203.0.113.9", (), "203.0.113.9"),
        ("203.0.113.9", ("198.51.100.1",), "203.0.113.9"),  # no proxy of ours: the header is the sender's own
        ("127.0.0.1", (), "127.0.0.1"),
        ("127.0.0.1", ("198.51.100.1",), "198.51.100.1"),
        (
            "127.0.0.1",
            ("6.6.6.6, 198.51.100.1",),
            "198.51.100.1",
        ),  # what came before our proxy is not believed
        ("127.0.0.1", ("6.6.6.6", "198.51.100.1, 10.1.2.3"), "198.51.100.1"),  # two proxies of ours
        ("::ffff:127.0.0.1", ("198.51.100.1",), "198.51.100.1"),
        ("127.0.0.1", ("nonsense",), "127.0.0.1"),
        ("127.0.0.1", ("nonsense, 198.51.100.1",), "198.51.100.1"),
        ("2001:db8:1:2:3:4:5:6", (), "2001:db8:1:2::"),  # a customer has a whole network
        ("127.0.0.1", ("[2001:db8:1:2::7]",), "2001:db8:1:2::"),
        (None, (), ""),
        ("a-unix-socket", (), ""),
    ],
)
def test_the_nearest_address_that_is_not_ours(
    client: str | None, forwarded: tuple[str, ...], address: str
) -> None:
    """Behind our proxies the sender is whom the outermost of them saw."""
    assert ClientAddresses(["127.0.0.1", "10.0.0.0/8"]).of(scope(client, *forwarded)) == address
