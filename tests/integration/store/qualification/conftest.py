"""A portal whose leads and deals are qualified by conditions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from b24_pipeline.store.database.warehouse import Warehouse
from tests.support.data.qualifying import (
    ROWS,
)
from tests.support.installation import account, fetch

YES, NO = True, False


@pytest.fixture
def portal(warehouse: Warehouse) -> UUID:
    made: UUID = account(warehouse)
    return made


def rows(warehouse: Warehouse) -> list[dict[str, Any]]:
    return fetch(warehouse, f"{ROWS} order by entity_type, entity_id")
