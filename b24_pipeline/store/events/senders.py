"""Who may send events: a portal proves itself by its application_token (docs/bitrix24-rest.md, section 7.3)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from uuid import UUID

from b24_pipeline.errors import SecretKeyError
from b24_pipeline.log import logger
from b24_pipeline.store.database import queries
from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.database.warehouse import Connection, Warehouse

_sql = queries.load(__file__, "landing")

APPLICATION_TOKEN = "bitrix24_application_token"  # noqa: S105 - the column's name
FRESH_SECONDS = 5.0
RELOAD_SECONDS = 1.0
"""A sender that is not known may just have been connected; strangers cost one look a second, not one each."""

log = logger("events")


@dataclass(frozen=True, slots=True)
class Senders:
    """Digests of the application tokens: of portals whose identity is proved, and of all others.

    `of_others`: None where several accounts have the same token, which proves none of them. `provable`: by member_id,
    whether an access token in an event may prove the portal.
    """

    of_proved: dict[tuple[str, bytes], UUID] = field(default_factory=dict)
    of_others: dict[bytes, UUID | None] = field(default_factory=dict)
    provable: dict[str, bool] = field(default_factory=dict)


class Authenticator:
    """Knows who may send. Reads the database at `reload` only; `now` is a monotonic clock in seconds."""

    def __init__(self, warehouse: Warehouse, vault: Vault, now: Callable[[], float] = time.monotonic) -> None:
        self._warehouse = warehouse
        self._vault = vault
        self._now = now
        self._senders = Senders()
        self._loaded_at = float("-inf")
        self._reloading = threading.Lock()

    def account_of(self, member_id: str, application_token: str) -> UUID | None:
        """The account whose token this is; None where it proves none.

        A portal connected by OAuth is meant by its member_id too. The identity of one with a webhook credential is not
        known, so its token decides alone; an event that names another portal that we know is not its. Tokens are looked
        up by their digests, so that the time that it takes says nothing about them.
        """
        given, senders = _digest(application_token), self._senders
        if member_id in senders.provable:
            return senders.of_proved.get((member_id, given))
        return senders.of_others.get(given)

    def may_be_proved(self, member_id: str) -> bool:
        """Whether an access token in an event may prove this portal."""
        return self._senders.provable.get(member_id, False)

    def is_stale(self, *, after_seconds: float = FRESH_SECONDS) -> bool:
        """Whether the senders were read longer ago than `after_seconds`."""
        return self._now() - self._loaded_at > after_seconds

    def reload(self, *, after_seconds: float = FRESH_SECONDS) -> None:
        """Reads the senders again, unless another thread has just done so. Raises DatabaseError."""
        with self._reloading:
            if self.is_stale(after_seconds=after_seconds):
                self._senders = self._warehouse.transact(self._read)
                self._loaded_at = self._now()

    def _read(self, connection: Connection) -> Senders:
        senders = Senders(provable=dict(_sql.provable(connection)))
        for account, member_id, locked in _sql.senders(connection):
            _add(senders, account, member_id, self._opened(account, locked))
        for account, member_id, digest in _sql.other_tokens(connection):
            _add(senders, account, member_id, bytes.fromhex(digest))
        return senders

    def _opened(self, account: UUID, locked: str) -> bytes | None:
        """The digest of a token; None for one that no key opens: it lets nobody in and stops nobody else."""
        try:
            return _digest(self._vault.open(account, APPLICATION_TOKEN, locked))
        except SecretKeyError as error:
            log.warning("application_token cannot be read", account=str(account), error=str(error))
            return None


def _add(senders: Senders, account: UUID, member_id: str | None, digest: bytes | None) -> None:
    if digest is None:
        return
    if member_id:
        senders.of_proved[member_id, digest] = account
    else:
        ours = senders.of_others.get(digest, account) == account
        senders.of_others[digest] = account if ours else None


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()
