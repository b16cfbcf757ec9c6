"""The `time` block (docs/bitrix24-rest.md, section 3.3) and what a call costs."""

from __future__ import annotations

from typing import Any

from b24_pipeline.sandbox.clock import moment_text
from b24_pipeline.sandbox.config import CostModel
from b24_pipeline.sandbox.rest.answer import RestAnswer
from b24_pipeline.sandbox.rest.limiter import MethodUsage


def time_block(start: float, finish: float, processing: float, usage: MethodUsage | None) -> dict[str, Any]:
    """Seconds and zone times; `usage` is left out where a portal would leave it out."""
    block: dict[str, Any] = {
        "start": start,
        "finish": finish,
        "duration": finish - start,
        "processing": processing,
        "date_start": moment_text(int(start)),
        "date_finish": moment_text(int(finish)),
    }
    if usage is not None:
        block |= {"operating_reset_at": usage.reset_at, "operating": usage.seconds}
    return block


def command_seconds(cost: CostModel, answer: RestAnswer, measured: float) -> float:
    """What one command is billed: the cost model's figure, or its run time where that is off."""
    if cost.is_free:
        return measured
    rows = answer.rows * cost.row_seconds + answer.counted * cost.counted_row_seconds
    return cost.command_seconds + rows
