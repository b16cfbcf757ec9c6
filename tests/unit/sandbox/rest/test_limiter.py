"""The leaky bucket and the operating time."""

from __future__ import annotations

from b24_pipeline.sandbox.config import Limits
from b24_pipeline.sandbox.rest.limiter import OperatingWindow, RequestBucket


def test_a_burst_passes_and_the_next_request_is_refused() -> None:
    """Fifty at once, not one more; after half a second one more."""
    bucket = RequestBucket(Limits.standard())
    assert all(bucket.admit("a", 100.0) for _ in range(50))
    assert not bucket.admit("a", 100.0)
    assert bucket.admit("a", 100.5)
    assert bucket.highest == 50


def test_each_source_address_has_its_own_bucket() -> None:
    """Another egress address is not touched."""
    bucket = RequestBucket(Limits(burst=1))
    assert bucket.admit("a", 0.0)
    assert not bucket.admit("a", 0.0)
    assert bucket.admit("b", 0.0)


def test_without_limits_nothing_is_refused() -> None:
    """`Limits.off()` has no bucket and no time budget."""
    bucket, operating = RequestBucket(Limits.off()), OperatingWindow(Limits.off())
    operating.record("crm.deal.list", 10_000.0, 0.0)
    assert all(bucket.admit("a", 0.0) for _ in range(1000))
    assert not operating.blocked("crm.deal.list", 0.0)


def test_a_method_over_its_time_is_blocked_and_others_go_on() -> None:
    """Only the method that used up its seconds is refused."""
    operating = OperatingWindow(Limits.standard())
    operating.record("crm.deal.list", 481.0, 1000.0)
    assert operating.blocked("crm.deal.list", 1001.0)
    assert not operating.blocked("crm.lead.list", 1001.0)


def test_seconds_fall_out_of_the_window_at_the_reset() -> None:
    """`operating_reset_at` is when the oldest bucket leaves."""
    operating = OperatingWindow(Limits.standard())
    operating.record("m", 300.0, 1000.0)
    operating.record("m", 300.0, 1100.0)
    usage = operating.usage("m", 1100.0)
    assert usage.seconds == 600.0
    assert operating.blocked("m", usage.reset_at - 2)
    assert not operating.blocked("m", usage.reset_at)


def test_a_ban_lasts_its_time_and_clears_the_buckets() -> None:
    """The newer server's way: refused for 300 s, then free."""
    operating = OperatingWindow(Limits(ban_seconds=300))
    operating.record("m", 500.0, 1000.0)
    assert operating.blocked("m", 1001.0)
    assert operating.usage("m", 1100.0).reset_at in {1301, 1302}
    assert operating.blocked("m", 1300.0)
    assert not operating.blocked("m", 1301.5)


def test_short_calls_may_go_unrecorded() -> None:
    """With the cloud's floor calls of 0.1 s and less are free."""
    operating = OperatingWindow(Limits(operating_floor_seconds=0.1))
    operating.record("m", 0.1, 0.0)
    assert operating.usage("m", 0.0).seconds == 0
