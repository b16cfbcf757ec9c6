"""The queue service: sends events behind the portal's back, once each, in whatever order.

docs/bitrix24-rest.md, section 7.4.
"""

from __future__ import annotations

import heapq
import itertools
import random
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal

import httpx

from b24_pipeline.sandbox.config import EventDelivery

_HEADERS = {"content-type": "application/x-www-form-urlencoded", "user-agent": "Bitrix24 Webhook Engine"}
_KEPT = 300_000
_CONNECTIONS = 64
_LATE_SECONDS = 0.3
"""A second copy and an event out of its turn come up to this much later."""
_GATHER_SECONDS = 0.2
"""How long a burst waits to be full."""


@dataclass(frozen=True)
class Delivery:
    """One event for one handler."""

    event: str
    entity_id: int | None
    handler: str
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class SentEvent:
    """What became of a delivery at `time` (Unix seconds): the handler's HTTP status, 0 without an answer."""

    time: float
    event: str
    entity_id: int | None
    handler: str
    status: int | Literal["lost"]


class Sender:
    """A thread and its queue; the thread starts with the first event."""

    def __init__(self, delivery: EventDelivery) -> None:
        self._changed = threading.Condition()
        self._queue: list[tuple[float, int, Delivery]] = []
        self._numbers = itertools.count()
        self._sent: deque[SentEvent] = deque(maxlen=_KEPT)
        self._in_flight = 0
        self._thread: threading.Thread | None = None
        self._stopped = False
        self.configure(delivery)

    def configure(self, delivery: EventDelivery) -> None:
        """Send what comes from now on in another way."""
        with self._changed:
            self._delivery = delivery
            self._random = random.Random(delivery.seed)  # noqa: S311 - repeatable, not secret

    @property
    def delivery(self) -> EventDelivery:
        """How events are sent."""
        return self._delivery

    @property
    def sent(self) -> list[SentEvent]:
        """What became of the events so far, the latest 300,000 of them."""
        with self._changed:
            return list(self._sent)

    def post(self, delivery: Delivery) -> None:
        """Queue an event, distorted as configured."""
        with self._changed:
            if self._stopped:
                return
            if self._random.random() < self._delivery.lose:
                self._sent.append(_outcome(delivery, "lost"))
                return
            due = time.monotonic() + self._delivery.delay_seconds
            self._push(due + self._lateness(self._delivery.reorder), delivery)
            if self._random.random() < self._delivery.duplicate:
                self._push(due + self._lateness(1.0), delivery)
            self._begin()
            self._changed.notify_all()

    def _lateness(self, share: float) -> float:
        return self._random.uniform(0.0, _LATE_SECONDS) if self._random.random() < share else 0.0

    def _push(self, due: float, delivery: Delivery) -> None:
        heapq.heappush(self._queue, (due, next(self._numbers), delivery))

    def _begin(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="b24-sandbox-events", daemon=True)
            self._thread.start()

    def wait(self, timeout: float) -> list[SentEvent]:
        """Until nothing waits or is under way; what was sent so far. Raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self._queue and not self._in_flight, timeout):
                waiting = len(self._queue) + self._in_flight
                raise TimeoutError(f"{waiting} events of the sandbox were not sent within {timeout:g} s")
            return list(self._sent)

    def stop(self) -> None:
        """Send no more; what waits is dropped."""
        with self._changed:
            self._stopped = True
            self._queue.clear()
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout=self._delivery.timeout_seconds + 1)

    def _run(self) -> None:
        limits = httpx.Limits(keepalive_expiry=1.0)
        # A handler that redirects has refused: nobody follows, nobody tries again.
        with (
            httpx.Client(headers=_HEADERS, limits=limits, trust_env=False, follow_redirects=False) as client,
            ThreadPoolExecutor(_CONNECTIONS, thread_name_prefix="b24-sandbox-burst") as pool,
        ):
            while burst := self._next():
                outcomes = (
                    [self._send(client, burst[0])]
                    if len(burst) == 1
                    else list(pool.map(lambda delivery: self._send(client, delivery), burst))
                )
                self._note(outcomes)

    def _next(self) -> list[Delivery]:
        """The deliveries to send now, at most a burst; waits for them. Empty at the end."""
        with self._changed:
            while not self._stopped:
                pause = self._pause()
                if pause is not None and pause <= 0:
                    return self._pop()
                self._changed.wait(pause)
        return []

    def _pause(self) -> float | None:
        """Seconds until a burst may leave, None while nothing is queued."""
        if not self._queue:
            return None
        patience = _GATHER_SECONDS if len(self._queue) < self._delivery.burst else 0.0
        return self._queue[0][0] + patience - time.monotonic()

    def _pop(self) -> list[Delivery]:
        burst: list[Delivery] = []
        now, size = time.monotonic(), min(self._delivery.burst, _CONNECTIONS)
        while self._queue and len(burst) < size and self._queue[0][0] <= now:
            burst.append(heapq.heappop(self._queue)[2])
        self._in_flight = len(burst)
        return burst

    def _send(self, client: httpx.Client, delivery: Delivery) -> SentEvent:
        timeout = self._delivery.timeout_seconds
        try:
            # The answer's text interests nobody: only its status is read.
            with client.stream("POST", delivery.handler, content=delivery.body, timeout=timeout) as response:
                return _outcome(delivery, response.status_code)
        # Whatever a handler's address or answer is like, the next event is sent.
        except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError):
            return _outcome(delivery, 0)

    def _note(self, outcomes: list[SentEvent]) -> None:
        with self._changed:
            self._sent.extend(outcomes)
            self._in_flight = 0
            self._changed.notify_all()


def _outcome(delivery: Delivery, status: int | Literal["lost"]) -> SentEvent:
    return SentEvent(time.time(), delivery.event, delivery.entity_id, delivery.handler, status)
