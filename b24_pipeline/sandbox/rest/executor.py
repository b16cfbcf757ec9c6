"""Running one command: fault, scope, budget, method, bill."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Protocol

from b24_pipeline.sandbox.portal import PortalState
from b24_pipeline.sandbox.rest.answer import RestAnswer
from b24_pipeline.sandbox.rest.limiter import OperatingWindow
from b24_pipeline.sandbox.rest.methods import find_method
from b24_pipeline.sandbox.rest.php import Params
from b24_pipeline.sandbox.rest.timing import command_seconds, time_block
from b24_pipeline.sandbox.rest_error import RestError


class CommandFaults(Protocol):
    """What tests inject into single commands."""

    def refuse(self, method: str, params: Params) -> None:
        """Raise the error that is injected for this command, if any."""

    def distort(self, method: str, params: Params, result: Any) -> Any:
        """The result with injected values in it."""


@dataclass
class Executed:
    """An answer, when it was made, and what it was billed (seconds)."""

    answer: RestAnswer
    start: float
    finish: float
    seconds: float


class Executor:
    """Runs commands of one portal; `bill_batch` decides who pays inside a batch."""

    def __init__(self, portal: PortalState, operating: OperatingWindow, faults: CommandFaults) -> None:
        self.portal = portal
        self.operating = operating
        self._faults = faults
        self.bills_batch = portal.config.limits.bill_batch == "batch"

    def run(self, method: str, params: Params, *, in_batch: bool = False) -> Executed:
        """Runs one command. Raises RestError."""
        billed = not (in_batch and self.bills_batch)
        if billed:
            self.check_budget(method)
        self._faults.refuse(method, params)
        found = find_method(self.portal, method)
        start, measured = self.portal.clock.now(), time.perf_counter()
        answer = found(self.portal, params)
        if method.lower() in self.portal.quirks.no_total:
            answer.total = None
        answer.result = self._faults.distort(method, params, answer.result)
        seconds = command_seconds(self.portal.config.cost, answer, time.perf_counter() - measured)
        finish = self.portal.clock.now()
        if billed:
            self.operating.record(method.lower(), seconds, finish)
        return Executed(answer, start, max(finish, start + self._shown(seconds)), seconds)

    def check_budget(self, method: str) -> None:
        """429 once the method has used up its operating time."""
        if self.operating.blocked(method.lower(), self.portal.clock.now()):
            description = "Method is blocked due to operation time limit."
            raise RestError("OPERATION_TIME_LIMIT", description, 429)

    def block(self, method: str, executed: Executed) -> dict[str, Any]:
        """The `time` block of a command."""
        usage = self.operating.usage(method.lower(), executed.finish)
        return time_block(executed.start, executed.finish, executed.seconds, usage)

    def _shown(self, seconds: float) -> float:
        return 0.0 if self.portal.config.cost.is_free else seconds
