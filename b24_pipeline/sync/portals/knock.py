"""Whether a Bitrix24 portal answers at an address: asked before a person is sent there."""

from __future__ import annotations

from collections.abc import Sequence

from b24_pipeline.bitrix.http.address import read_address
from b24_pipeline.bitrix.http.exchange import ask
from b24_pipeline.bitrix.http.transport import Timeouts, open_http
from b24_pipeline.errors import CredentialRefused, TokenExpired, UnreadableAnswer

TIMEOUTS = Timeouts(connect=5.0, read=5.0, write=5.0, pool=5.0, total=10.0)
MAX_ANSWER_BYTES = 64 * 1024


def knock(domain: str, allowed: Sequence[str]) -> None:
    """Returns where a portal answers that it knows nobody without a token: it is there, and its REST is open.

    Raises AddressRefused, PortalUnreachable, CertificateRefused, UnreadableAnswer where something else answers, and
    what a portal says whose REST is closed (PaymentRequired, AccessDenied, PortalDeleted).
    """
    address = read_address(domain.strip(), allowed)
    with open_http(address, TIMEOUTS, connections=1) as http:
        received = ask(
            http, address.named, "profile", f"{address.origin}/rest/profile.json", {}, MAX_ANSWER_BYTES
        )
    try:
        received.decoded(address.named)
    except (CredentialRefused, TokenExpired):
        return
    raise UnreadableAnswer(address.named, "answered, but not as a Bitrix24 portal does; is this its address?")
