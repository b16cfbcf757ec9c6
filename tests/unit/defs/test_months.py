"""The months by which Dagster's partitions are named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from b24_pipeline.defs.assets.partitions import MONTHS

BEGINS = datetime(2026, 11, 30, 10, tzinfo=UTC)
"""December begins in UTC+14, and in no time zone earlier."""


@pytest.mark.parametrize(
    ("moment", "last"), [(BEGINS - timedelta(minutes=1), "2026-11-01"), (BEGINS, "2026-12-01")]
)
def test_a_month_is_there_when_it_begins_in_the_earliest_time_zone(moment: datetime, last: str) -> None:
    """A portal ahead of UTC has rows of December while it is November there."""
    keys = MONTHS.get_partition_keys(current_time=moment)
    assert (keys[0], keys[-1]) == ("2012-01-01", last)
