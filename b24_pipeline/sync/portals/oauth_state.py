"""The `state` that travels with the browser while a portal is connected by OAuth.

It is signed, lives ten minutes, can be used once, and only by the browser that it was made for
(docs/bitrix24-rest.md, section 2.1).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer

from b24_pipeline.errors import AuthorizationRefused, StateExpired, StateForged
from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.oauth_states import Begun, OAuthStates

STATE_SECONDS = 600
CODE_SECONDS = 30
"""So long lives the code that a portal sends the browser back with."""
_NONCE_BYTES = 24


class SignedStates:
    """Makes and reads signed states; the authorizations that they stand for are stored in the database."""

    def __init__(self, warehouse: Warehouse, vault: Vault) -> None:
        self._stored = OAuthStates(warehouse)
        self._signer = signer_of(vault, "oauth state")

    def make(self, begun: Begun, browser: str) -> str:
        """Stores an authorization that has begun and returns its state; `browser` is the value of its cookie."""
        nonce = secrets.token_urlsafe(_NONCE_BYTES)
        self._stored.begin(nonce, begun, digest(browser), seconds=STATE_SECONDS)
        return self._signer.dumps(nonce)

    def use(self, state: str, browser: str) -> Begun:
        """The authorization that a state stands for, which cannot be used again.

        Raises StateForged, StateExpired, StateUsed, and OtherBrowser where the browser is another one.
        """
        return self._stored.use(self._nonce(state), digest(browser), seconds=STATE_SECONDS)

    def _nonce(self, state: str) -> str:
        try:
            return str(self._signer.loads(state, max_age=STATE_SECONDS))
        except SignatureExpired:
            raise StateExpired(
                "authorization", "it was begun more than 10 minutes ago; begin again"
            ) from None
        except BadSignature:
            raise StateForged(
                "authorization", "its state was not made by this installation, or was cut; begin again"
            ) from None


@contextmanager
def late_or_refused(begun: Begun) -> Iterator[None]:
    """Lets an AuthorizationRefused say whether the code can have been too old: it is younger than the authorization."""
    try:
        yield
    except AuthorizationRefused as error:
        if begun.age_seconds < CODE_SECONDS:
            error.of_case("grant_refused")
        raise


def signer_of(vault: Vault, purpose: str) -> URLSafeTimedSerializer:
    """Signs and reads texts of this purpose alone, by the installation's keys."""
    return URLSafeTimedSerializer(
        vault.signing_keys(purpose),
        salt="bitrix24",
        signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
    )


def digest(secret: str) -> str:
    """The SHA-256 of a secret in hexadecimal, so that the secret itself is neither stored nor compared."""
    return hashlib.sha256(secret.encode()).hexdigest()
