"""What roles of analysts see of smart processes, by really connecting as them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.acceptance.test_analysts import Installed, installed_on, small_portal
from tests.conftest import Server


@pytest.fixture
def installed(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installed]:
    """A small portal, synced."""
    with installed_on(server, tmp_path, monkeypatch) as everything:
        yield everything


def test_smart_processes_are_read_with_custom_fields_alone(installed: Installed) -> None:
    """Their views have custom fields: a role without --custom-fields sees none of them, nor any other column."""
    without, granted = installed.server.role("ann"), installed.server.role("bi")
    installed.done("analysts", "grant", without)
    installed.done("analysts", "grant", granted, "--custom-fields", "acme")
    truth = small_portal().truth
    name = f"item_{truth.types()['entity_type_id'].iloc[0]}"
    installed.done("portal", "entities", "acme", "--add", name)
    installed.done("sync", "acme", "--no-models")
    columns = [
        column
        for (column,) in installed.admin(
            f"select attname from pg_attribute where attrelid = 'analytics_acme.{name}'::regclass and attnum > 0"
        )
    ]
    custom = [column for column in columns if column.startswith("uf_")]
    assert custom and {"entity_id", "title"} <= {*columns}
    for column in ("entity_id", "title", *custom):
        query = f"select count({column}) from analytics_acme.{name}"
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            installed.read(without, query)
        assert installed.read(granted, query) == installed.admin(query)
    assert installed.read(granted, f"select count(*) from analytics_acme.{name}") == [(20,)]
    installed.done("analysts", "revoke", granted)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        installed.read(granted, f"select entity_id from analytics_acme.{name}")
