"""`b24 migrate`: brings the database up to date."""

from __future__ import annotations

from b24_pipeline import runtime
from b24_pipeline.commands.opening import chosen_settings
from b24_pipeline.commands.screen import output
from b24_pipeline.store.database.migrations import migrate as bring_up_to_date
from b24_pipeline.store.database.warehouse import Warehouse


def migrate() -> None:
    """Bring the database up to date; harmless twice."""
    warehouse = Warehouse(runtime.database_url(chosen_settings(own=True)))
    try:
        applied = bring_up_to_date(warehouse)
    finally:
        warehouse.close()
    for name in applied:
        output.print(f"applied {name}")
    output.print("the database is up to date")
