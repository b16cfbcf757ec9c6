"""`start`, `next`, `total` (docs/bitrix24-rest.md, section 5, Paging)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from b24_pipeline.sandbox.rest.answer import RestAnswer
from b24_pipeline.sandbox.rest.php import Params
from b24_pipeline.sandbox.rows.codecs import php_int

PAGE = 50
UNCOUNTED = -1


def page(params: Params, rows: Any, render: Callable[[Any], Any], *, floor: bool = True) -> RestAnswer:
    """One page of `rows`; `floor` rounds `start` down to a page, as classic lists do.

    `start=-1` counts nothing: `total` is 0 and there is no `next`. `START` is ignored.
    """
    start = php_int(params.get("start", 0))
    if start == UNCOUNTED:
        shown = rows[:PAGE]
        return RestAnswer(render(shown), total=0, rows=len(shown))
    start = max(0, start - start % PAGE if floor else start)
    shown = rows[start : start + PAGE]
    following = start + PAGE if start + PAGE < len(rows) else None
    return RestAnswer(render(shown), total=len(rows), next=following, rows=len(shown), counted=len(rows))
