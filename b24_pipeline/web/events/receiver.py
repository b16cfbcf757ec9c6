"""The receiver of inbound events: it answers 200 only after the event is committed to the landing table.

Bitrix24 does not repeat an event, and calls a slow handler less often
(docs/bitrix24-rest.md, section 7.4). So events that arrive during a commit share
the next commit, and an event that cannot be stored within a second gets 503.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from uuid import UUID

import orjson

from b24_pipeline.bitrix.events.inbound import INSTALLED, UNINSTALLED, InboundEvent, parse_event
from b24_pipeline.errors import B24Error, DatabaseError, MalformedEvent, PortalUnreachable
from b24_pipeline.log import logger
from b24_pipeline.store.database.warehouse import StorageError
from b24_pipeline.store.events.landing import Landing
from b24_pipeline.store.events.senders import RELOAD_SECONDS, Authenticator

log = logger("receiver")

SECONDS_TO_LAND = 0.9
MOST_IN_A_COMMIT = 500
MOST_WAITING = 2000
MOST_WAITING_PER_PORTAL = MOST_WAITING // 2
"""The events of one portal that may wait, so that a flood from it leaves room for the others."""
MOST_INSTALLS = 4
"""Installations handled at once. Each asks the authorization server, and a stranger can send any number."""

OnInstall = Callable[[InboundEvent], Any]
"""Proves an installation by its access token and stores it; returns the portal, which has an `id`. Raises B24Error."""
Prove = Callable[[InboundEvent], object]
"""Stores the application token of an event that the access token in it proves. Raises B24Error."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to an event: HTTP status, and for a refusal a code and a message. `code` None: it has landed."""

    status: HTTPStatus
    code: str | None = None
    message: str = ""

    @property
    def content(self) -> bytes:
        """The JSON body, encoded."""
        return orjson.dumps({"error": self.code, "message": self.message} if self.code else {"success": True})


LANDED = Receipt(HTTPStatus.OK)
# an unknown portal and a wrong token get the same answer, so that a caller cannot find out which portals there are
FORBIDDEN = Receipt(
    HTTPStatus.FORBIDDEN,
    "forbidden",
    "the portal is not connected, or the application_token is wrong",
)
NOT_STORED = Receipt(
    HTTPStatus.SERVICE_UNAVAILABLE, "not_stored", "the event could not be stored; it will be found by polling"
)


@dataclass(slots=True)
class _Waiting:
    account: UUID
    event: InboundEvent
    landed: asyncio.Future[bool]


class Receiver:
    """Lands events; all calls are made in one event loop.

    `receipts` counts the answers by code, where an event that has landed counts as `landed`.
    Without `on_install` and `prove` no installation and no unproved token is accepted.
    """

    def __init__(
        self,
        landing: Landing,
        authenticator: Authenticator,
        *,
        on_install: OnInstall | None = None,
        prove: Prove | None = None,
    ) -> None:
        self.receipts: Counter[str] = Counter()
        self._landing = landing
        self._authenticator = authenticator
        self._on_install = on_install
        self._prove = prove
        self._proofs: dict[str, asyncio.Task[None]] = {}
        self._waiting: deque[_Waiting] = deque()
        self._waiting_by_account: Counter[UUID] = Counter()
        self._committing: asyncio.Task[None] | None = None
        self._installs = 0
        # commits follow one another in a thread of their own; everything else has other threads
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="b24-landing")
        self._reader = ThreadPoolExecutor(MOST_INSTALLS + 1, thread_name_prefix="b24-senders")

    async def receive(self, body: bytes) -> Receipt:
        """Lands one event, given as the body of its request; returns the answer to its sender."""
        receipt = await self._receive(body)
        self.count(receipt)
        return receipt

    def count(self, receipt: Receipt) -> None:
        """Counts an answer; the webhook counts here what it refuses before the body is read."""
        self.receipts[receipt.code or "landed"] += 1

    @property
    def waiting(self) -> int:
        """The number of events that wait for a commit."""
        return len(self._waiting)

    async def close(self) -> None:
        """Waits for the commits under way, and ends the threads."""
        if self._committing:
            await self._committing
        self._writer.shutdown(wait=False, cancel_futures=True)
        self._reader.shutdown(wait=False, cancel_futures=True)

    async def _receive(self, body: bytes) -> Receipt:
        try:
            event = parse_event(body)
        except MalformedEvent as error:
            return Receipt(HTTPStatus.BAD_REQUEST, "malformed", str(error))
        try:
            if event.event == INSTALLED and self._on_install:
                account = await self._install(event, self._on_install)
            else:
                account = await self._proved_account(event)
            if account is None:
                return FORBIDDEN
            receipt = await self._land(account, event)
        except (DatabaseError, TimeoutError):
            return NOT_STORED
        if event.event in (INSTALLED, UNINSTALLED):
            await self._reload(lambda: self._authenticator.reload(after_seconds=0.0))
        return receipt

    async def _proved_account(self, event: InboundEvent) -> UUID | None:
        """The account whose portal the event proves to come from, None where nothing proves it."""
        senders = self._authenticator
        if senders.is_stale():
            await self._reload(senders.reload)
        account = senders.account_of(event.member_id, event.application_token)
        if account is None and senders.is_stale(after_seconds=RELOAD_SECONDS):
            await self._reload(lambda: senders.reload(after_seconds=RELOAD_SECONDS))
            account = senders.account_of(event.member_id, event.application_token)
        if account is None and self._prove and event.access_token and senders.awaits_proof(event.member_id):
            await self._learn(event, self._prove)
            account = senders.account_of(event.member_id, event.application_token)
        unnamed = senders.unnamed_account_of(event.application_token)
        if account or unnamed is None:
            return account
        adopted = await self._in_thread(lambda: senders.adopt(unnamed, event.member_id))
        return unnamed if adopted else None

    async def _learn(self, event: InboundEvent, prove: Prove) -> None:
        """Waits for the proof of a portal's token; the events of a burst share one proof."""
        if event.member_id not in self._proofs:
            proof = asyncio.create_task(self._proof(event, prove))
            self._proofs[event.member_id] = proof
            proof.add_done_callback(lambda _: self._proofs.pop(event.member_id))
        async with asyncio.timeout(SECONDS_TO_LAND):
            await asyncio.shield(self._proofs[event.member_id])

    async def _proof(self, event: InboundEvent, prove: Prove) -> None:
        """Proves without a time limit: an event that did not wait for it is refused, the next one is known."""
        try:
            await asyncio.get_running_loop().run_in_executor(self._reader, prove, event)
        except B24Error as error:
            log.warning("an event was not proved", member_id=event.member_id, error=str(error))
        await self._reload(lambda: self._authenticator.reload(after_seconds=0.0))

    async def _reload(self, reload: Callable[[], None]) -> None:
        """Reads the senders again; where the database is away, those that are known stay valid."""
        with suppress(DatabaseError, TimeoutError):
            await self._in_thread(reload)

    async def _in_thread(self, work: Callable[[], Any], seconds: float = SECONDS_TO_LAND) -> Any:
        async with asyncio.timeout(seconds):
            return await asyncio.get_running_loop().run_in_executor(self._reader, work)

    async def _install(self, event: InboundEvent, install: OnInstall) -> UUID | None:
        """The account that was made or renewed, None for an installation that cannot be proved."""
        if self._installs >= MOST_INSTALLS:
            raise TimeoutError
        self._installs += 1
        try:
            portal = await asyncio.get_running_loop().run_in_executor(self._reader, install, event)
        except (DatabaseError, PortalUnreachable):
            raise TimeoutError from None
        except B24Error as error:
            log.warning("an installation was refused", error=str(error))
            return None
        finally:
            self._installs -= 1
        account: UUID = portal.id
        return account

    async def _land(self, account: UUID, event: InboundEvent) -> Receipt:
        if len(self._waiting) >= MOST_WAITING or self._waiting_by_account[account] >= MOST_WAITING_PER_PORTAL:
            return NOT_STORED
        loop = asyncio.get_running_loop()
        waiting = _Waiting(account, event, loop.create_future())
        self._waiting.append(waiting)
        self._waiting_by_account[account] += 1
        if self._committing is None or self._committing.done():
            self._committing = loop.create_task(self._commit())
        async with asyncio.timeout(SECONDS_TO_LAND):
            return LANDED if await waiting.landed else NOT_STORED

    async def _commit(self) -> None:
        """Commits batch after batch while events wait."""
        while self._waiting:
            batch = self._next_batch()
            if batch:
                landed = await self._stored(batch)
                for waiting, stored in zip(batch, landed, strict=True):
                    if not waiting.landed.done():
                        waiting.landed.set_result(stored)

    def _next_batch(self) -> list[_Waiting]:
        """The next events to commit, without those whose senders already got the answer 503."""
        taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_IN_A_COMMIT))]
        self._waiting_by_account.subtract(waiting.account for waiting in taken)
        if not self._waiting:
            self._waiting_by_account.clear()
        return [waiting for waiting in taken if not waiting.landed.done()]

    async def _stored(self, batch: list[_Waiting]) -> list[bool]:
        events = [(waiting.account, waiting.event) for waiting in batch]
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._writer, self._landing.land, events)
        except (B24Error, StorageError) as error:
            log.warning("events were not stored", events=len(batch), error=type(error).__name__)
            if len(batch) == 1 or isinstance(error, DatabaseError):
                return [False] * len(batch)
            # an event that the database refuses, such as of a portal that was just purged, must not cost the others
            return [(await self._stored([waiting]))[0] for waiting in batch]
        return [True] * len(batch)
