"""Who calls: the key of a request, and what its role allows.

The operator's key (B24_ADMIN_KEY) is compared by its digest, so that the time of an answer says nothing of its
length or beginning, and before any other, so that it needs no database.
"""

from __future__ import annotations

import hmac

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from limits import parse as parse_limit
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.types import Scope

from b24_pipeline.errors import KeyRefused, RoleTooLow, TooOften
from b24_pipeline.store.access.holder import OPERATOR, AccessRole, KeyHolder
from b24_pipeline.store.access.keys import AccessKeys, digest, is_shaped
from b24_pipeline.web.client_address import ClientAddresses

MOST_UNKNOWN = parse_limit("60/minute")
"""Of one address: each key that we could have made costs a query."""

key_of = HTTPBearer(auto_error=False, description="A key of `b24 access add`, or B24_ADMIN_KEY")
"""Reads the bearer key of a request, None where it has none."""
given_key = Depends(key_of)
"""The parameter that has the bearer key of a request, or None."""


class Guard:
    """Tells whose key a request has. `admin_key` None: there is no operator's key; `keys` None: there are no others."""

    def __init__(self, admin_key: str | None, keys: AccessKeys | None, addresses: ClientAddresses) -> None:
        self._wanted = digest(admin_key) if admin_key else None
        self._keys = keys
        self._addresses = addresses
        self._counted = MovingWindowRateLimiter(MemoryStorage())

    def holder(
        self, scope: Scope, given: HTTPAuthorizationCredentials | None, needed: AccessRole = "viewer"
    ) -> KeyHolder:
        """Whose key was given, if the role suffices. Raises KeyRefused, RoleTooLow and TooOften, and DatabaseError."""
        found = self._found(scope, given.credentials) if given else None
        if found is None:
            raise KeyRefused(self._expected())
        if not found.may(needed):
            raise RoleTooLow(f"the key {found.name!r} has the role {found.role}; this needs {needed}")
        return found

    def _found(self, scope: Scope, key: str) -> KeyHolder | None:
        if self._wanted is not None and hmac.compare_digest(digest(key), self._wanted):
            return OPERATOR
        if self._keys is None or not is_shaped(key):
            return None
        sender = self._addresses.of(scope)
        if not self._counted.test(MOST_UNKNOWN, sender):
            raise TooOften("too many wrong keys came just now; wait a minute")
        found = self._keys.holder(key)
        if found is None:
            self._counted.hit(MOST_UNKNOWN, sender)
        return found

    def _expected(self) -> str:
        if self._wanted is None:
            return "B24_ADMIN_KEY is not set, and no key of `b24 access add` was given: set it, or make one"
        return (
            "expected a key of `b24 access add` or the value of B24_ADMIN_KEY, in the header `Authorization: Bearer` "
            "or in the form"
        )
