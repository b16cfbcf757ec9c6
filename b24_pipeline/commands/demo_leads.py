"""What an advertiser sets up by hand: own leads from a file, key stages of their directions, qualification."""

from __future__ import annotations

import csv
from pathlib import Path

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection, Warehouse
from b24_pipeline.store.own_leads.directions import Directions
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.store.qualification import evaluation
from b24_pipeline.store.qualification.conditions import Condition
from b24_pipeline.sync.own_leads.lead_file import open_lead_file
from b24_pipeline.sync.own_leads.load_file import load_file
from b24_pipeline.sync.own_leads.match_copy import link_own_leads
from b24_pipeline.sync.own_leads.qualify import mark_own_leads

_sql = queries.load(__file__)

COLUMNS = ("id", "name", "phone", "creative", "direction", "utm_source", "utm_campaign", "created_at")
KEY_STAGES = {
    "Доставка": [(0, "PREPARATION"), (0, "EXECUTING"), (0, "WON")],
    "Ремонт": [(6, "C6:1"), (6, "C6:2"), (6, "C6:WON")],
}
QUALIFIED_BY = Condition(
    field_name="UF_CRM_1710009999", field_type="enumeration", entity_type="deal", enum_id="2045"
)
"""The sandbox's field "Квалификация" of deals with the value "Да"."""


def advertise(warehouse: Warehouse, portal: Portal, file: Path) -> int:
    """Writes a file of own leads, loads and matches them, sets key stages and a condition; returns how many leads.

    The models have to be built afterwards. Twice does no harm.
    """
    with warehouse.connect() as connection:
        rows = _sql.leads(connection, account=portal.id)
        with file.open("w", encoding="utf-8", newline="") as lines:
            written = csv.writer(lines)
            written.writerow(COLUMNS)
            for row in rows:
                written.writerow(row)
    loaded = load_file(warehouse, portal, open_lead_file(file, {}))
    link_own_leads(warehouse, portal)
    directions = Directions(warehouse)
    for direction in directions.all(portal.id):
        directions.set_key_stages(portal.id, direction.id, "deal", KEY_STAGES[direction.name])
    warehouse.transact(_qualify, portal)
    mark_own_leads(warehouse, portal)
    return loaded.imported.rows


def _qualify(connection: Connection, portal: Portal) -> None:
    evaluation.set_conditions(connection, portal.id, [QUALIFIED_BY])
