"""Calls to one portal.

    call = noted ( with retries ( unless stopped ( within budget ( followed ( with a credential ( one request ))))))

Each ring is a method of its own. Secrets are in the URLs, so no URL, body
or header reaches a message or a log: a failure names the portal and the method.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import TracebackType
from typing import Any, Protocol, Self

import httpx

from b24_pipeline.bitrix.answers import Answer, BatchAnswer, Time, read_batch
from b24_pipeline.bitrix.auth.credentials import Credential
from b24_pipeline.bitrix.batch import MAX_COMMANDS, Command, batch_body
from b24_pipeline.bitrix.budget.shared import Budget
from b24_pipeline.bitrix.http.exchange import Received, exchange
from b24_pipeline.bitrix.http.transport import Timeouts, open_http
from b24_pipeline.bitrix.retries import SHRINKING, USUAL, Repeats, Waits, with_retries
from b24_pipeline.bitrix.usage import Usage
from b24_pipeline.errors import (
    OperatingLimit,
    PortalError,
    PortalMoved,
    RequestLimit,
    TokenExpired,
    WorkStopped,
)
from b24_pipeline.errors.groups import PASSING

# Both write whole URLs at INFO.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)


class Keeper(Protocol):
    """Keeps what is stored of a portal true to how it answers."""

    def moved(self, error: PortalMoved) -> Credential:
        """The credential for the new address, once it is proved to be the same portal. Raises where it is not."""

    def failed(self, error: PortalError) -> None:
        """Called where a call failed for good."""

    def answered(self) -> None:
        """Called where a call succeeded."""


@dataclass(frozen=True, slots=True)
class Route:
    """Where requests go: a credential and the connections to its address."""

    credential: Credential
    http: httpx.Client


@dataclass(frozen=True, slots=True)
class PortalRequest:
    """A request on its way through the rings: a method, its body, and the methods whose time it uses.

    `opened_later`: a large answer is handed on undecoded.
    """

    method: str
    body: Mapping[str, Any]
    billed: Sequence[str]
    commands: int = 1
    repeats: Repeats = field(default_factory=lambda: USUAL)
    opened_later: bool = False


class BitrixClient:
    """One portal through one credential; any number of threads may use it.

    `portal` is the label in messages. `keeper`, if there is one, is told how
    calls end, and may follow a portal that has moved. All calls raise what `errors.py` lists
    under PortalError.
    """

    def __init__(
        self,
        *,
        portal: str,
        credential: Credential,
        budget: Budget,
        http: httpx.Client | None = None,
        timeouts: Timeouts | None = None,
        waits: Waits | None = None,
        keeper: Keeper | None = None,
    ) -> None:
        self.portal = portal
        self.usage = Usage()
        self.clock: datetime | None = None
        self._budget = budget
        self._keeper = keeper
        self._waits = waits or Waits()
        self._timeouts = timeouts or Timeouts()
        self._route = Route(credential, http or open_http(credential.address, self._timeouts))
        self._left: list[Route] = []  # other threads may still wait for an answer on these
        self._following = threading.Lock()
        self._is_stopped = False

    def call(self, method: str, params: Mapping[str, Any] | None = None) -> Answer:
        """Calls one method and returns its answer."""
        request = PortalRequest(method, dict(params or {}), (method,))
        answer = Answer.of(self._noted(request).open(self.portal))
        self._note(answer.time, {method: answer.time} if answer.time else {})
        return answer

    def batch(self, commands: Mapping[str, Command], *, halt: bool = False) -> BatchAnswer:
        """Run commands, fifty a request, and once more those that failed in a way that may pass.

        Commands that lean on others (`Reference`) are sent once, and must be at most fifty.
        """
        answer = BatchAnswer()
        for part in _parts(commands):
            answer.take(self.open_batch(part, self._noted(_batch_of(part, halt=halt))))
        again = {} if halt else _passing(commands, answer)
        for part in _parts(again):
            answer.take(self.open_batch(part, self._noted(_batch_of(part))))
        return answer

    def held(self, methods: Iterable[str]) -> set[str]:
        """Those of these methods, in lower case, for which a request would have to wait: their time is used up."""
        return self._budget.held(methods)

    def send_batch(self, commands: Mapping[str, Command]) -> Received:
        """Run at most fifty commands; a large answer is left as it came until `open_batch`.

        For a caller that has many under way and room for few of them decoded. It
        will ask for less where the portal does not manage, so that a heavy batch
        is hardly repeated as it was.
        """
        repeats = SHRINKING if len(commands) > 1 else USUAL
        return self._noted(replace(_batch_of(commands), repeats=repeats, opened_later=True))

    def open_batch(self, commands: Mapping[str, Command], received: Received) -> BatchAnswer:
        """Decode the answer to these commands. Raises as `Received.open` does."""
        methods = {key: command.method for key, command in commands.items()}
        body = received.open(self.portal)
        answer = read_batch(self.portal, body, methods)
        for error in answer.errors.values():
            if isinstance(error, OperatingLimit):
                self._budget.blocked(error.method, None)
        outer = Time.of(body.get("time"))
        self._note(outer, ({"batch": outer} if outer else {}) | _by_method(methods, answer.times))
        return answer

    def close(self) -> None:
        """Closes all connections; calls that still wait end with an error."""
        for route in (self._route, *self._left):
            route.http.close()

    def stop(self) -> None:
        """Has calls end with WorkStopped, also those that other threads wait for."""
        self._is_stopped = True
        self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _noted(self, request: PortalRequest) -> Received:
        try:
            received = self._with_retries(request)
        except PortalError as error:
            if self._keeper:
                self._keeper.failed(error)
            raise
        if self._keeper:
            self._keeper.answered()
        return received

    def _with_retries(self, request: PortalRequest) -> Received:
        return with_retries(lambda: self._unless_stopped(request), request.repeats, self._waits)

    def _unless_stopped(self, request: PortalRequest) -> Received:
        try:
            if not self._is_stopped:
                return self._within_budget(request)
        except Exception:
            if not self._is_stopped:  # else the error is that of connections that were closed
                raise
        raise WorkStopped(self.portal, f"{request.method}: the work on this portal was stopped; run it again")

    def _within_budget(self, request: PortalRequest) -> Received:
        self._budget.acquire(request.billed)
        self.usage.sent(request.commands)
        try:
            return self._followed(request)
        except RequestLimit as error:
            self.usage.refused()
            self._budget.refused(error)
            raise
        except OperatingLimit:
            self._budget.blocked(request.method, None)
            raise

    def _followed(self, request: PortalRequest) -> Received:
        """Sends the request, once more to the new address of a portal that has moved: a redirect would be a GET."""
        route = self._route
        try:
            return self._with_credential(request, route)
        except PortalMoved as error:
            if self._keeper is None:
                raise
            self._follow(route, error, self._keeper)
        return self._with_credential(request, self._route)

    def _follow(self, left: Route, error: PortalMoved, keeper: Keeper) -> None:
        with self._following:
            if self._route is not left:
                return  # another thread has done it
            credential = keeper.moved(error)
            self._left.append(left)
            self._route = Route(credential, open_http(credential.address, self._timeouts))

    def _with_credential(self, request: PortalRequest, route: Route) -> Received:
        url, sent = route.credential.prepare(request.method, request.body)
        try:
            return self._one_request(request, route.http, url, sent)
        except TokenExpired:
            route.credential.refresh(str(sent.get("auth", "")))
        url, sent = route.credential.prepare(request.method, request.body)
        return self._one_request(request, route.http, url, sent)

    def _one_request(
        self, request: PortalRequest, http: httpx.Client, url: str, body: Mapping[str, Any]
    ) -> Received:
        received = exchange(http, self.portal, request.method, url, body)
        self.usage.answered()
        if not (request.opened_later and received.looks_whole):
            received.body = received.decoded(self.portal)
        return received

    def _note(self, outer: Time | None, figures: Mapping[str, Time]) -> None:
        """Pass on what an answer says of operating time and of the portal's clock."""
        if outer and outer.at and (self.clock is None or outer.at > self.clock):
            self.clock = outer.at
        reported = {method: figure for method, figure in figures.items() if figure.operating is not None}
        for method, figure in reported.items():
            self._budget.spent(method, figure.operating or 0.0, figure.operating_reset_at, figure.finish)
        inner = {
            method: figure for method, figure in reported.items() if method != "batch" and figure.operating
        }
        # Some servers bill a batch as a whole and repeat that figure at each command: count it once.
        self.usage.reported(inner or reported)


def _batch_of(commands: Mapping[str, Command], *, halt: bool = False) -> PortalRequest:
    billed = ("batch", *dict.fromkeys(command.method for command in commands.values()))
    return PortalRequest("batch", batch_body(commands, halt=halt), billed, len(commands))


def _parts(commands: Mapping[str, Command]) -> Iterable[dict[str, Command]]:
    entries = list(commands.items())
    for start in range(0, len(entries), MAX_COMMANDS):
        yield dict(entries[start : start + MAX_COMMANDS])


def _passing(commands: Mapping[str, Command], answer: BatchAnswer) -> dict[str, Command]:
    """The commands whose error may pass, if none of them leans on another."""
    if any(command.chained for command in commands.values()):
        return {}
    failed = answer.errors.items()
    return {key: commands[key] for key, error in failed if isinstance(error, PASSING) and key in commands}


def _by_method(methods: Mapping[str, str], times: Mapping[str, Time]) -> dict[str, Time]:
    """One figure a method: `operating` counts up through a batch, durations add up."""
    merged: dict[str, Time] = {}
    for key, time_ in times.items():
        method = methods.get(key, "batch")
        merged[method] = time_.after(merged[method]) if method in merged else time_
    return merged
