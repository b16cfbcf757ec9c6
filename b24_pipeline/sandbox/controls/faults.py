"""Faults that tests inject, at the request (HTTP) or at a single command."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from b24_pipeline.sandbox.rest.php import Params, either_case
from b24_pipeline.sandbox.rest.scopes import scope_of
from b24_pipeline.sandbox.rest_error import RestError
from b24_pipeline.sandbox.rows.page import Page

FaultKind = Literal[
    "error",
    "html",
    "truncate",
    "empty",
    "disconnect",
    "delay",
    "drip",
    "redirect",
    "revoke",
    "portal_deleted",
    "same_page",
    "drop_scope",
    "command_error",
    "mutate",
    "repeat",
]
_PAGE_ROWS = 50
_WRAPPERS = (
    "items", "item", "types", "type", "productRows", "tasks", "products", "sections", "prices", "catalogs",
)  # fmt: skip
REQUEST_KINDS = frozenset(
    {
        "error",
        "html",
        "truncate",
        "empty",
        "disconnect",
        "delay",
        "drip",
        "redirect",
        "revoke",
        "portal_deleted",
    }
)


@dataclass(frozen=True)
class Fault:
    """One injected fault.

    `method` (empty: any) is the method of the HTTP request, so `batch` for a batch; for
    the last five kinds it is the method of a command, inside a batch or not. It strikes
    the next `times` times (None: until cleared), at each `every`-th match.

    - `error`: JSON error `error`, `description` with HTTP `status`
    - `html`: a gateway's page with `status`; `empty`: `status` and no body
    - `truncate`: half of the right body, then the connection is cut
    - `disconnect`: the connection is cut without an answer
    - `delay`: wait `seconds`, then answer; `drip`: a byte each `seconds`
    - `redirect`: 302 to `location` (docs/bitrix24-rest.md, section 2.5)
    - `revoke`: INVALID_CREDENTIALS; `portal_deleted`: PORTAL_DELETED
    - `same_page`: the method answers for ever what it answered first
    - `drop_scope`: methods of `scope` are out of scope
    - `command_error`: `error`, `description` for commands (of these `ids`, if any)
    - `mutate`: `field` of the rows with these `ids` shows `value`, any JSON
    - `repeat`: the rows with these `ids` come twice in a list, whose page still has fifty rows at most

    The methods `oauth.authorize` and `oauth.token` are the pages under `/oauth/`, which only
    a fault that names them hits. A token answer that is delayed or cut has been given: the
    old refresh token is used up.
    """

    kind: FaultKind
    method: str = ""
    times: int | None = None
    every: int = 1
    status: int = 500
    error: str = "INTERNAL_SERVER_ERROR"
    description: str = "Internal server error"
    seconds: float = 1.0
    location: str = ""
    scope: str = ""
    ids: tuple[int, ...] = ()
    field: str = ""
    value: Any = None

    def concerns(self, method: str) -> bool:
        """Whether the fault is armed for this method."""
        if not self.method:
            return not method.startswith("oauth.")
        return self.method.lower() == method.lower()


class _Armed:
    """An armed fault, and how often a request has met it."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.met = 0
        self.struck = 0
        self.first_answers: dict[str, Any] = {}

    def strikes(self) -> bool:
        """Count a match; True when this one is hit."""
        self.met += 1
        if self.met % self.fault.every or (self.fault.times is not None and self.struck >= self.fault.times):
            return False
        self.struck += 1
        return True


@dataclass
class _Act:
    """Something that waits for a command."""

    method: str
    left: int
    act: Callable[[], object]


class Faults:
    """The armed faults; safe to change from another thread."""

    def __init__(self) -> None:
        self._armed: list[_Armed] = []
        self._acts: list[_Act] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Arms a fault for the next matching requests."""
        with self._lock:
            self._armed.append(_Armed(fault))

    def clear(self) -> None:
        """Disarms all faults."""
        with self._lock:
            self._armed.clear()
            self._acts.clear()

    def before(self, method: str, nth: int, act: Callable[[], object]) -> None:
        """Let something happen in the middle of a run: right before the `nth` command of a method from now on.

        The portal is locked then, by the thread that runs the act.
        """
        with self._lock:
            self._acts.append(_Act(method.lower(), nth, act))

    def listed(self) -> list[dict[str, Any]]:
        """What is armed and how often it struck."""
        with self._lock:
            return [
                {"kind": armed.fault.kind, "method": armed.fault.method, "struck": armed.struck}
                for armed in self._armed
            ]

    def for_request(self, method: str) -> Fault | None:
        """The fault that hits this HTTP request, if any."""
        for armed in self._of(REQUEST_KINDS, method):
            if armed.strikes():
                return armed.fault
        return None

    def refuse(self, method: str, params: Params) -> None:
        """Raise what is injected for this command, after what was to happen before it."""
        self._happen(method.lower())
        for armed in self._of({"command_error", "drop_scope"}, method):
            fault = armed.fault
            if fault.kind == "drop_scope":
                _refuse_scope(fault, method)
            elif _wants(fault, params) and armed.strikes():
                raise RestError(fault.error, fault.description, fault.status)

    def distort(self, method: str, params: Params, result: Any) -> Any:
        """The result of a command with injected values."""
        for armed in self._of({"mutate", "repeat", "same_page"}, method):
            if armed.fault.kind == "same_page":
                result = armed.first_answers.setdefault(method.lower(), result)
            elif armed.strikes():
                result = _opened(result)
                (_mutate if armed.fault.kind == "mutate" else _repeat)(armed.fault, result)
        return result

    def _happen(self, method: str) -> None:
        due = []
        with self._lock:
            for waiting in [act for act in self._acts if act.method == method]:
                waiting.left -= 1
                if not waiting.left:
                    due.append(waiting)
                    self._acts.remove(waiting)
        for waiting in due:
            waiting.act()

    def _of(self, kinds: Iterable[str], method: str) -> list[_Armed]:
        if not self._armed:
            return []
        with self._lock:
            return [
                armed for armed in self._armed if armed.fault.kind in kinds and armed.fault.concerns(method)
            ]


def _refuse_scope(fault: Fault, method: str) -> None:
    if scope_of(method) == fault.scope:
        description = "The request requires higher privileges than provided by the webhook token"
        raise RestError("insufficient_scope", description, 403)


def _wants(fault: Fault, params: Params) -> bool:
    return not fault.ids or str(either_case(params, "id")) in {str(identifier) for identifier in fault.ids}


def _opened(result: Any) -> Any:
    """The result with its pages made into objects, so that values can be replaced."""
    if isinstance(result, Page):
        return result.objects()
    return {key: _opened(value) for key, value in result.items()} if isinstance(result, dict) else result


def _mutate(fault: Fault, result: Any) -> None:
    wanted = {str(identifier) for identifier in fault.ids}
    for row in _rows(result):
        if str(row.get("ID", row.get("id"))) in wanted:
            row[fault.field] = fault.value


def _repeat(fault: Fault, result: Any) -> None:
    wanted = {str(identifier) for identifier in fault.ids}
    page = _listed(result) if isinstance(result, dict) else result
    if isinstance(page, list):
        page[:] = [row for row in page for _ in range(1 + (str(row.get("ID", row.get("id"))) in wanted))][
            :_PAGE_ROWS
        ]


def _listed(result: dict[str, Any]) -> Any:
    """What is inside a wrapper; None where the result is the row itself."""
    return next((result[name] for name in _WRAPPERS if name in result), None)


def _rows(result: Any) -> list[dict[str, Any]]:
    if isinstance(result, dict):
        inner = _listed(result)
        return _rows(inner) if inner is not None else [result]
    return [row for row in result if isinstance(row, dict)] if isinstance(result, list) else []
