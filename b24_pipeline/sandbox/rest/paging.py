"""`start`, `next`, `total` (docs/bitrix24-rest.md, section 5, Paging)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from b24_pipeline.sandbox.rest.answer import RestAnswer
from b24_pipeline.sandbox.rest.php import Params
from b24_pipeline.sandbox.rows.codecs import php_int

PAGE = 50
UNCOUNTED = -1
CLASSIC, EXACT, CONTROLLER = "classic", "exact", "controller"
"""Kinds of lists: old ones, old ones that take any `start`, new ones."""


def page(params: Params, rows: Any, render: Callable[[Any], Any], *, kind: str = CLASSIC) -> RestAnswer:
    """One page of `rows`. Classic lists round `start` down to a page, those of the other kinds do not.

    `start=-1` counts nothing: there is no `next`, and `total` is 0, or with a controller there is none
    (docs/bitrix24-rest-more.md, section 0). `START` is ignored.
    """
    start = php_int(params.get("start", 0))
    if start == UNCOUNTED:
        shown = rows[:PAGE]
        return RestAnswer(render(shown), total=None if kind == CONTROLLER else 0, rows=len(shown))
    start = max(0, start - start % PAGE if kind == CLASSIC else start)
    shown = rows[start : start + PAGE]
    following = start + PAGE if start + PAGE < len(rows) else None
    return RestAnswer(render(shown), total=len(rows), next=following, rows=len(shown), counted=len(rows))
