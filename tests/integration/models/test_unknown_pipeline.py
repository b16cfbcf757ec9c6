"""A move whose pipeline is not known."""

from __future__ import annotations

from datetime import timedelta

from b24_pipeline.models import build, load_project
from b24_pipeline.store.database.warehouse import Warehouse
from tests.support.data import model_data
from tests.support.installation import fetch


def test_move_of_an_unknown_pipeline_counts_in_that_of_its_deal(warehouse: Warehouse) -> None:
    """The stay is a stay like any other, and no stage without a pipeline appears."""
    with warehouse.connect() as conn:
        account = model_data.add_portal(conn, "acme")
        for number, code in enumerate(("C4:S1", "DT_4:S2", "C4:S3")):
            model_data.add_stage(conn, account, code, 10 * number, category=4)
            at = model_data.START + timedelta(hours=number)
            model_data.add_move(conn, account, "deal", 1, code, at, category=4, history_id=number + 1)
        moved = model_data.START + timedelta(hours=2)
        model_data.add_deal(conn, account, 1, "C4:S3", category=4, moved=moved)
        conn.execute("update bitrix24_status_history set to_category_id = null where history_id = 2")
    build(warehouse.connect, load_project())
    stays = fetch(
        warehouse,
        "select category_id, status_id, extract(epoch from exited_at - entered_at)::int as seconds "
        "from analytics.fct_stage_interval where entity_type = 'deal' order by entered_at",
    )
    assert [tuple(stay.values()) for stay in stays] == [
        (4, "C4:S1", 3600),
        (4, "DT_4:S2", 3600),
        (4, "C4:S3", None),
    ]
