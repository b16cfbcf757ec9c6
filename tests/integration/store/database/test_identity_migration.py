"""Accounts of before: what nothing had proved is forgotten, and what an operator had disconnected stays so."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from b24_pipeline.paths import bundled
from b24_pipeline.store.database import migrations
from b24_pipeline.store.database.migrations import migrate
from b24_pipeline.store.database.warehouse import Warehouse
from tests.support.installation import execute, fetch

LAST_BEFORE = "0018_analysts"
ACCOUNTS = """
insert into user_accounts (
    name, bitrix24_domain, bitrix24_member_id, bitrix24_refresh_token, bitrix24_webhook_url,
    bitrix24_status, bitrix24_status_reason
)
values
('oauth', 'a.bitrix24.com', 'member-a', 'locked', null, 'connected', null),
('webhook', 'b.bitrix24.com', 'member-b', null, 'locked', 'connected', null),
('closed', 'c.bitrix24.com', null, null, null, 'disconnected', null),
('ended', 'd.bitrix24.com', null, null, null, 'disconnected', 'the application was removed in the portal')
"""


def test_unproved_identities_go(
    empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a connection by OAuth has proved one; only what has no reason was disconnected by the operator."""
    for path in bundled("migrations").glob("*.sql"):
        if path.stem <= LAST_BEFORE:
            shutil.copy(path, tmp_path)
    warehouse = Warehouse(empty_database_url)
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "bundled", lambda _name: tmp_path)
        assert migrate(warehouse)[-1] == LAST_BEFORE
    execute(warehouse, ACCOUNTS)
    assert migrate(warehouse)[:2] == ["0019_proved_identity", "0020_invitations"]
    asked = (
        "select name, bitrix24_member_id as member, bitrix24_disconnected_at as closed_at from user_accounts"
    )
    found = {row["name"]: (row["member"], row["closed_at"] is not None) for row in fetch(warehouse, asked)}
    assert found == {
        "oauth": ("member-a", False),
        "webhook": (None, False),
        "closed": (None, True),
        "ended": (None, False),
    }
    warehouse.close()
