"""What a method gives back, and what it cost the portal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from b24_pipeline.sandbox.portal import PortalState
from b24_pipeline.sandbox.rest.php import Params


@dataclass
class RestAnswer:
    """`total` and `next` stand beside `result`; `rows` were rendered, `counted` were counted."""

    result: Any
    total: int | None = None
    next: int | None = None
    rows: int = 0
    counted: int = 0


Method = Callable[[PortalState, Params], RestAnswer]


def whole_list(rows: list[Any]) -> RestAnswer:
    """The answer of a list method that is never paged."""
    return RestAnswer(rows, total=len(rows), rows=len(rows), counted=len(rows))
