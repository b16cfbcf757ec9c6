"""What an application's card must say."""

from __future__ import annotations

from b24_pipeline.web.connect.mending import ConnectValues


def test_the_permission_to_stand_inside_is_asked_for_where_it_is_of_use() -> None:
    """A portal opens a page of ours in itself over https alone."""
    assert ConnectValues("https://b24.example.com").scopes.endswith(", placement")
    assert "placement" not in ConnectValues("http://127.0.0.1:8024").scopes
