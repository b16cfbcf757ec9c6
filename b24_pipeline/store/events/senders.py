"""Who may send events: a portal proves itself by its application_token (docs/bitrix24-rest.md, section 7.3)."""

from __future__ import annotations

import hmac
import secrets
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
    """Digests of the application tokens: by member_id, and of portals whose member_id is not known yet.

    `awaiting_proof`: the member_id of those whose application token is not known yet.
    """

    by_member: dict[str, tuple[UUID, bytes]] = field(default_factory=dict)
    unnamed: tuple[tuple[UUID, bytes], ...] = ()
    awaiting_proof: frozenset[str] = frozenset()


class Authenticator:
    """Knows who may send. Reads the database at `reload` only; `now` is a monotonic clock in seconds."""

    def __init__(self, warehouse: Warehouse, vault: Vault, now: Callable[[], float] = time.monotonic) -> None:
        self._warehouse = warehouse
        self._vault = vault
        self._now = now
        self._senders = Senders()
        self._loaded_at = float("-inf")
        self._reloading = threading.Lock()
        # compared where there is nothing to compare with, so that strangers take as long as liars
        self._nobody = _digest(secrets.token_hex())

    def account_of(self, member_id: str, application_token: str) -> UUID | None:
        """The account that this pair proves; None where it proves none. Takes the same time either way."""
        given = _digest(application_token)
        account, expected = self._senders.by_member.get(member_id, (None, self._nobody))
        return account if hmac.compare_digest(given, expected) else None

    def unnamed_account_of(self, application_token: str) -> UUID | None:
        """The account that this token proves, of those whose member_id is not known yet."""
        given = _digest(application_token)
        found = [account for account, digest in self._senders.unnamed if hmac.compare_digest(given, digest)]
        return found[0] if len(found) == 1 else None

    def awaits_proof(self, member_id: str) -> bool:
        """Whether an access token in its next event may prove this portal."""
        return member_id in self._senders.awaiting_proof

    def is_stale(self, *, after_seconds: float = FRESH_SECONDS) -> bool:
        """Whether the senders were read longer ago than `after_seconds`."""
        return self._now() - self._loaded_at > after_seconds

    def reload(self, *, after_seconds: float = FRESH_SECONDS) -> None:
        """Reads the senders again, unless another thread has just done so. Raises DatabaseError."""
        with self._reloading:
            if self.is_stale(after_seconds=after_seconds):
                self._senders = self._warehouse.transact(self._read)
                self._loaded_at = self._now()

    def adopt(self, account: UUID, member_id: str) -> bool:
        """Gives a portal the member_id that its first event names; False where another portal has it."""

        def adopt(connection: Connection) -> bool:
            return bool(_sql.adopt_member_id(connection, account=account, member_id=member_id))

        adopted = self._warehouse.transact(adopt)
        self.reload(after_seconds=0.0)
        return adopted

    def _read(self, connection: Connection) -> Senders:
        by_member, unnamed = {}, []
        for account, member_id, locked in _sql.senders(connection):
            digest = self._opened(account, locked)
            if digest is None:
                continue
            if member_id:
                by_member[member_id] = (account, digest)
            else:
                unnamed.append((account, digest))
        awaiting = frozenset(member_id for (member_id,) in _sql.awaiting_proof(connection))
        return Senders(by_member, tuple(unnamed), awaiting)

    def _opened(self, account: UUID, locked: str) -> bytes | None:
        """The digest of a token; None for one that no key opens: it lets nobody in and stops nobody else."""
        try:
            return _digest(self._vault.open(account, APPLICATION_TOKEN, locked))
        except SecretKeyError as error:
            log.warning("application_token cannot be read", account=str(account), error=str(error))
            return None


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()
