"""docs/tables.md is what the database says of itself, and the database says something of everything."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from b24_pipeline.store.database.warehouse import Warehouse

GENERATOR = Path(__file__).parents[3] / "docs" / "generate_tables.py"


@pytest.fixture
def generator(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module behind `make docs`, which is in no package."""
    spec = importlib.util.spec_from_file_location("generate_tables", GENERATOR)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "generate_tables", module)  # its dataclass looks itself up there
    spec.loader.exec_module(module)
    return module


def test_page_is_up_to_date(generator: ModuleType, warehouse: Warehouse) -> None:
    """The page in the repository is the one that `make docs` writes; if not, run it."""
    page = generator.page(generator.columns_of(warehouse), generator.functions_of(warehouse))
    assert page == generator.PAGE.read_text(encoding="utf-8")
    assert "### `funnel_as_of(" in page


def test_everything_has_a_comment(generator: ModuleType, warehouse: Warehouse) -> None:
    """No table, view or column, raw or model, is left without a comment in the database."""
    columns = generator.columns_of(warehouse)
    tables = {f"{column.schema_name}.{column.relation}" for column in columns if not column.about}
    bare = [f"{one.schema_name}.{one.relation}.{one.name}" for one in columns if not one.comment]
    assert all(function.about for function in generator.functions_of(warehouse))
    assert tables == set()
    assert bare == []
