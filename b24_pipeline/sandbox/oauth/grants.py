"""Codes, access tokens and refresh tokens that are out (docs/bitrix24-rest.md, section 2.1 and 2.2)."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass, field

from b24_pipeline.sandbox.config import SandboxConfig
from b24_pipeline.sandbox.oauth.refusals import expired_token, invalid_grant, invalid_token

REFRESH_SECONDS = 180 * 86400.0


@dataclass(frozen=True)
class Pair:
    """An access token with its refresh token; `expires` in Unix seconds is the access token's."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    user_id: int
    expires: float
    refresh_expires: float


class Grants:
    """Every grant of one app on one portal; safe to use from several threads.

    With single-use refresh tokens a refresh ends the old pair: its refresh token is
    `invalid_grant` from then on and its access token `expired_token` (promises, fact 6).
    Times are the machine's, whatever the portal's clock says: the server is not the portal.
    """

    def __init__(self, config: SandboxConfig) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._codes: dict[str, tuple[int, float]] = {}
        self._by_access: dict[str, Pair] = {}
        self._by_refresh: dict[str, Pair] = {}
        self._ended: set[str] = set()
        self._for_events: dict[int, Pair] = {}

    def code(self, user_id: int) -> str:
        """A code for the redirect, good once and for `code_seconds`."""
        code = secrets.token_hex(35)
        with self._lock:
            self._codes[code] = (user_id, time.time() + self._config.code_seconds)
        return code

    def exchange(self, code: str) -> Pair:
        """The first pair for a code; raises invalid_grant."""
        with self._lock:
            user_id, until = self._codes.pop(code, (0, 0.0))
            if time.time() > until:
                raise invalid_grant()
            return self._issued(user_id)

    def refresh(self, token: str) -> Pair:
        """A new pair for a refresh token; raises invalid_grant."""
        with self._lock:
            old = self._by_refresh.get(token)
            if old is None or time.time() > old.refresh_expires:
                raise invalid_grant()
            if self._config.refresh_is_single_use:
                del self._by_refresh[token]
                self._ended.add(old.access)
            return self._issued(old.user_id)

    def grant(self, user_id: int) -> Pair:
        """A pair without a code, as an installation event brings it."""
        with self._lock:
            return self._issued(user_id)

    def for_event(self, user_id: int) -> Pair:
        """A pair for events of this user: the same one until half of its time is over."""
        with self._lock:
            kept = self._for_events.get(user_id)
            if kept is None or kept.expires - time.time() < self._config.access_token_seconds / 2:
                kept = self._for_events[user_id] = self._issued(user_id)
            return kept

    def holder(self, access: str) -> Pair:
        """Whose access token this is; raises invalid_token or expired_token."""
        with self._lock:
            pair = self._by_access.get(access)
            if pair is None:
                raise invalid_token()
            if access in self._ended or time.time() >= pair.expires:
                raise expired_token()
            return pair

    def expire(self) -> None:
        """End every access token; refresh tokens stay good."""
        with self._lock:
            self._ended.update(self._by_access)
            self._for_events.clear()

    def revoke(self) -> None:
        """Forget everything, as when the app is removed."""
        with self._lock:
            for grants in (self._codes, self._by_access, self._by_refresh, self._for_events):
                grants.clear()

    def _issued(self, user_id: int) -> Pair:
        now = time.time()
        pair = Pair(
            access=secrets.token_hex(35),
            refresh=secrets.token_hex(35),
            user_id=user_id,
            expires=now + self._config.access_token_seconds,
            refresh_expires=now + REFRESH_SECONDS,
        )
        self._by_access[pair.access] = self._by_refresh[pair.refresh] = pair
        return pair
