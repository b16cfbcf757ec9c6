"""A CRM whose leads and deals own ad leads are matched to."""

from __future__ import annotations

from typing import Any

import pytest

from b24_pipeline.store.database.warehouse import Warehouse
from tests.support.data.own_leads import Crm

PHONE, OTHER = "8 (921) 123-45-67", "+7 921 765-43-21"


@pytest.fixture
def crm(warehouse: Warehouse) -> Crm:
    return Crm(warehouse)


def picked(found: dict[str, Any], *names: str) -> tuple[Any, ...]:
    return tuple(found[name] for name in names)
