"""`b24 migrate`: brings the database up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING

from b24_pipeline import runtime
from b24_pipeline.commands.screen import output
from b24_pipeline.settings import settings
from b24_pipeline.store.database.migrations import migrate as bring_up_to_date
from b24_pipeline.store.database.warehouse import Warehouse

if TYPE_CHECKING:
    pass


def migrate() -> None:
    """Bring the database up to date; harmless twice."""
    warehouse = Warehouse(runtime.database_url(settings()))
    try:
        applied = bring_up_to_date(warehouse)
    finally:
        warehouse.close()
    for name in applied:
        output.print(f"applied {name}")
    output.print("the database is up to date")
