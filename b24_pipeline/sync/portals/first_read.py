"""What the first read of an entity will cost its portal, by the number of its rows and what earlier reads have cost."""

from __future__ import annotations

import math
from dataclasses import dataclass

from b24_pipeline.bitrix.batch import MAX_COMMANDS
from b24_pipeline.bitrix.budget.bucket import parse_rate
from b24_pipeline.bitrix.budget.operating import WINDOW_SECONDS, OperatingRules
from b24_pipeline.bitrix.lists.ranges import PAGE_ROWS
from b24_pipeline.store.crm import sync_log
from b24_pipeline.store.crm.sync_log import WholeReads
from b24_pipeline.sync.job import Job


@dataclass(frozen=True, slots=True)
class FirstRead:
    """The cost of reading all rows and moves of an entity once.

    `seconds` it takes at least; `operating_seconds` is run time in the portal, None where no earlier read has told
    what a request takes.
    """

    commands: int
    requests: int
    seconds: float
    operating_seconds: float | None


def known_costs(job: Job) -> WholeReads:
    """What whole reads of this portal have cost."""
    return job.transact(sync_log.whole_reads)


def first_read(plan: str, known: WholeReads, rows: int, moves: int | None) -> FirstRead:
    """The cost for so many rows and moves, of a portal of this plan.

    Fifty rows a command, fifty commands a request; rows and moves are two lists, `moves` None: it has no second one.
    A few more requests look where the lists begin and end. The time is that of the requests as they took before, at
    least the portal's rate, and longer where its time budget of ten minutes is used up.
    """
    pages = [count // PAGE_ROWS + 1 for count in (rows, moves) if count is not None]
    requests = sum(math.ceil(count / MAX_COMMANDS) for count in pages)
    operating = known.operating_seconds / known.requests * requests if known.requests else None
    taken = known.seconds / known.requests * requests if known.requests else 0.0
    granted = requests / parse_rate(plan).leak_per_second
    spread = (operating or 0.0) / OperatingRules().limit_seconds * WINDOW_SECONDS
    seconds = max(taken, granted, spread if spread > WINDOW_SECONDS else 0.0)
    return FirstRead(
        sum(pages), requests, round(seconds, 1), None if operating is None else round(operating, 1)
    )
