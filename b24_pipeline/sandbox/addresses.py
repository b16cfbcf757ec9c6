"""Where the portal and the authorization server answer, also after the portal moved.

docs/bitrix24-rest.md, section 2.5.
"""

from __future__ import annotations


class SandboxAddresses:
    """`host:port` of the portal, which may change, and of the authorization server, which does not."""

    def __init__(self, address: str) -> None:
        self.portal = address
        self.server = address
        self._former: set[str] = set()

    def move(self, address: str) -> None:
        """The portal answers at another address from now on; the former one points there."""
        self._former.add(self.portal)
        self._former.discard(address)
        self.portal = address

    @property
    def moved(self) -> bool:
        """Whether the portal ever had another address."""
        return bool(self._former)

    def is_former(self, host: str) -> bool:
        """Whether a `Host` header names an address that the portal had before."""
        return host in self._former

    @property
    def url(self) -> str:
        """The portal's origin."""
        return f"http://{self.portal}"

    @property
    def client_endpoint(self) -> str:
        """The portal's REST entry, as token answers and events name it."""
        return f"{self.url}/rest/"

    @property
    def server_url(self) -> str:
        """The authorization server's origin."""
        return f"http://{self.server}"

    @property
    def server_endpoint(self) -> str:
        """The authorization server's REST entry."""
        return f"{self.server_url}/rest/"
