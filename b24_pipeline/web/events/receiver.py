"""The receiver of inbound events: it answers 200 only after the event is committed to the landing table.

Bitrix24 does not repeat an event, and calls a slow handler less often
(docs/bitrix24-rest.md, section 7.4). So events that arrive during a commit share
the next commit, and an event that cannot be stored within a second gets 503.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID

import orjson

from b24_pipeline.bitrix.events.inbound import INSTALLED, UNINSTALLED, InboundEvent, parse_event
from b24_pipeline.errors import B24Error, DatabaseError, MalformedEvent
from b24_pipeline.log import logger
from b24_pipeline.store.database.warehouse import StorageError
from b24_pipeline.store.events.landing import Landing
from b24_pipeline.store.events.senders import Authenticator
from b24_pipeline.web.events.proving import Proofs, Proving

log = logger("receiver")

SECONDS_TO_LAND = 0.9
MOST_IN_A_COMMIT = 500
MOST_WAITING = 2000
MOST_WAITING_PER_PORTAL = MOST_WAITING // 2
"""The events of one portal that may wait, so that a flood from it leaves room for the others."""


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
    `proofs` asks others about an event; without it only tokens that are known are accepted.
    """

    def __init__(self, landing: Landing, authenticator: Authenticator, proofs: Proofs | None = None) -> None:
        self.receipts: Counter[str] = Counter()
        self._landing = landing
        self._proving = Proving(authenticator, proofs or Proofs())
        self._waiting: deque[_Waiting] = deque()
        self._waiting_by_account: Counter[UUID] = Counter()
        self._committing: asyncio.Task[None] | None = None
        # commits follow one another in a thread of their own; everything else has other threads
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="b24-landing")

    async def receive(self, body: bytes, sender: str = "") -> Receipt:
        """Lands one event, given as the body of its request; returns the answer to its sender.

        `sender` is the address that the request came from.
        """
        receipt = await self._receive(body, sender)
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
        self._proving.close()

    async def _receive(self, body: bytes, sender: str) -> Receipt:
        try:
            event = parse_event(body)
        except MalformedEvent as error:
            return Receipt(HTTPStatus.BAD_REQUEST, "malformed", str(error))
        try:
            account = await self._proving.account_of(event, sender)
            if account is None:
                return FORBIDDEN
            receipt = await self._land(account, event)
        except (DatabaseError, TimeoutError):
            return NOT_STORED
        if event.event in (INSTALLED, UNINSTALLED):
            await self._proving.look_again()
        return receipt

    async def _land(self, account: UUID, event: InboundEvent) -> Receipt:
        if len(self._waiting) >= MOST_WAITING or self._waiting_by_account[account] >= MOST_WAITING_PER_PORTAL:
            return NOT_STORED
        loop = asyncio.get_running_loop()
        waiting = _Waiting(account, event, loop.create_future())
        self._waiting.append(waiting)
        self._waiting_by_account[account] += 1
        if self._committing is None or self._committing.done():
            # of its own context: what it logs is of many requests, not of the one that began it
            self._committing = loop.create_task(self._commit(), context=Context())
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
