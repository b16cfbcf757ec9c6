"""`batch`: up to fifty commands, in order, each may use the results of earlier ones.

docs/bitrix24-rest.md, section 4.
"""

from __future__ import annotations

from typing import Any

from b24_pipeline.sandbox.rest.executor import Executor
from b24_pipeline.sandbox.rest.php import Params, as_dict, either_case, list_or_object, parse_query, truthy
from b24_pipeline.sandbox.rest.references import resolve
from b24_pipeline.sandbox.rest_error import RestError
from b24_pipeline.sandbox.rows.page import Page, encode_together

MOST_COMMANDS = 50
_PARTS = ("result", "error", "total", "next", "time")


class Batch:
    """One batch while it runs; `seconds` is what all its commands cost, `rows` what they showed."""

    def __init__(self, executor: Executor, params: Params) -> None:
        self._executor = executor
        self._commands = as_dict(either_case(params, "cmd"))
        self._halt = truthy(either_case(params, "halt"))
        self._parts: dict[str, dict[str, Any]] = {name: {} for name in _PARTS}
        self.seconds = 0.0
        self.rows = 0
        self.methods: list[str] = []

    def run(self) -> dict[str, Any]:
        """The five maps. Errors of commands are data: the batch itself succeeds."""
        if self._executor.bills_batch:
            self._executor.check_budget("batch")
        for place, (key, command) in enumerate(self._commands.items()):
            try:
                self._run_command(place, key, str(command))
            except RestError as error:
                self._parts["error"][key] = error.body()
                if self._halt:
                    break
        if self._executor.bills_batch:
            self._bill_batch()
        encode_together(result for result in self._parts["result"].values() if isinstance(result, Page))
        names = {"result": "result"} | {name: f"result_{name}" for name in _PARTS[1:]}
        return {names[name]: list_or_object(part) for name, part in self._parts.items()}

    def _run_command(self, place: int, key: str, command: str) -> None:
        if place >= MOST_COMMANDS:
            raise RestError("ERROR_BATCH_LENGTH_EXCEEDED", "Max batch length exceeded")
        method, _, query = command.partition("?")
        method = method.strip().strip("/").removesuffix(".json")
        if method.lower() == "batch":
            raise RestError("ERROR_BATCH_METHOD_NOT_ALLOWED", "Method is not allowed for batch usage", 405)
        params = resolve(parse_query(query), self._parts)
        self.methods.append(method.lower())
        executed = self._executor.run(method, params, in_batch=True)
        self.seconds += executed.seconds
        self.rows += executed.answer.rows
        self._keep(key, executed.answer.result, executed.answer.total, executed.answer.next)
        self._parts["time"][key] = self._executor.block(method, executed)

    def _keep(self, key: str, result: Any, total: int | None, following: int | None) -> None:
        self._parts["result"][key] = result
        if total is not None:
            self._parts["total"][key] = total
        if following is not None:
            self._parts["next"][key] = following

    def _bill_batch(self) -> None:
        """The other reading of docs/bitrix24-rest.md, section 3.2: `batch` pays, all commands show one figure."""
        now = self._executor.portal.clock.now()
        self._executor.operating.record("batch", self.seconds, now)
        usage = self._executor.operating.usage("batch", now)
        for block in self._parts["time"].values():
            block |= {"operating": usage.seconds, "operating_reset_at": usage.reset_at}
