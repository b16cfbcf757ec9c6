"""The cost of a first read is foretold by the pages that the portal has, and by what its earlier reads have cost."""

from __future__ import annotations

import pytest

from b24_pipeline.store.crm.sync_log import WholeReads
from b24_pipeline.sync.portals.first_read import FirstRead, first_read

NOTHING = WholeReads(0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("rows", "moves", "expected"),
    [
        (0, 0, FirstRead(2, 2, 1.0, None)),
        (49, 50, FirstRead(3, 2, 1.0, None)),
        (2499, 2500, FirstRead(50 + 51, 1 + 2, 1.5, None)),
        (100_000, 400_000, FirstRead(2001 + 8001, 41 + 161, 101.0, None)),
    ],
)
def test_pages_are_of_fifty_rows_and_requests_of_fifty_pages(
    rows: int, moves: int, expected: FirstRead
) -> None:
    """A list ends with a page that is not full; without any earlier read the time is that of two requests a second."""
    assert first_read("standard", NOTHING, rows, moves) == expected


def test_earlier_reads_tell_what_a_request_takes() -> None:
    """Time and run time in the portal, by request."""
    known = WholeReads(requests=10, operating_seconds=8.0, seconds=25.0)
    assert first_read("standard", known, 100_000, 0) == FirstRead(2002, 42, 105.0, 33.6)
    assert first_read("enterprise", known, 0, 0).seconds == 5.0


def test_a_read_beyond_the_budget_of_ten_minutes_waits_for_it() -> None:
    """480 seconds of run time are granted in ten minutes: 960 take twenty."""
    known = WholeReads(requests=1, operating_seconds=960 / 42, seconds=1.0)
    assert first_read("standard", known, 100_000, 0).seconds == 1200.0
