"""What tells sandboxes from one another."""

from __future__ import annotations

from b24_pipeline.sandbox import SandboxConfig


def test_portals_of_one_seed_are_told_apart() -> None:
    """Each has a member_id and an application token of its own; the application is one for all."""
    one, other = SandboxConfig(identity="8077"), SandboxConfig(identity="8078")
    assert one.member_id != other.member_id
    assert one.application_token != other.application_token
    assert (one.client_id, one.client_secret) == (other.client_id, other.client_secret)
    assert one.member_id == SandboxConfig(identity="8077").member_id
    assert SandboxConfig().member_id not in {one.member_id, other.member_id}
