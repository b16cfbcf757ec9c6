"""What the lists of records have in common."""

from __future__ import annotations

import numpy as np

from b24_pipeline.sandbox.crm.record_entity import RecordEntity
from b24_pipeline.sandbox.portal import PortalState
from b24_pipeline.sandbox.rest.answer import RestAnswer
from b24_pipeline.sandbox.rest.php import Params, either_case
from b24_pipeline.sandbox.rest_error import RestError, invalid_id, not_found
from b24_pipeline.sandbox.rows.cells import Rows
from b24_pipeline.sandbox.rows.codecs import php_int
from b24_pipeline.sandbox.rows.page import Page


def records(portal: PortalState, entity_type: str) -> RecordEntity:
    """The records of a type."""
    entity = portal.entities[entity_type]
    if not isinstance(entity, RecordEntity):
        raise TypeError(f"{entity_type} is no type of records")
    return entity


def shown_page(entity: RecordEntity, rows: Rows, columns: list[str]) -> Page:
    """These rows with these columns, under the names of answers."""
    return Page(
        [(entity.shown_name(name), entity.table.columns[name]) for name in columns], rows, entity.family
    )


def wanted_row(entity: RecordEntity, params: Params, missing: RestError) -> int:
    """The row of the id that was asked for; raises `missing` where there is none."""
    asked = either_case(params, "id")
    if asked in (None, ""):
        raise invalid_id()
    row = entity.table.row_of(php_int(asked))
    if row is None:
        raise missing
    return row


def record_of(entity_type: str, portal: PortalState, params: Params) -> RestAnswer:
    """One record by its id, with all fields of its list."""
    entity = records(portal, entity_type)
    row = wanted_row(entity, params, not_found())
    return RestAnswer(entity.table.page(np.array([row]), entity.listed_fields()).row(0), rows=1)


def fields_of(entity_type: str, portal: PortalState, _params: Params) -> RestAnswer:
    """The description of a record's fields."""
    return RestAnswer(records(portal, entity_type).described())
