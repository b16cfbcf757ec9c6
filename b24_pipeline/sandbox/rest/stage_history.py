"""`crm.stagehistory.list` (docs/bitrix24-rest.md, section 6.5)."""

from __future__ import annotations

import numpy as np

from b24_pipeline.sandbox.clock import parse_moment
from b24_pipeline.sandbox.crm.entity import CrmEntity
from b24_pipeline.sandbox.crm.item_entity import CrmItemEntity
from b24_pipeline.sandbox.data.histories import history_fields
from b24_pipeline.sandbox.portal import PortalState
from b24_pipeline.sandbox.rest.answer import Method, RestAnswer
from b24_pipeline.sandbox.rest.paging import CONTROLLER, page
from b24_pipeline.sandbox.rest.php import Params, as_dict, as_list, either_case
from b24_pipeline.sandbox.rest_error import RestError, invalid_argument, invalid_filter
from b24_pipeline.sandbox.rows.cells import Integers, Mask
from b24_pipeline.sandbox.rows.codecs import php_int
from b24_pipeline.sandbox.rows.columns import Numbers
from b24_pipeline.sandbox.rows.comparison import FilterCondition, parse_condition
from b24_pipeline.sandbox.rows.table import Table


def _list(portal: PortalState, params: Params) -> RestAnswer:
    entity = portal.entity_of(php_int(params.get("entityTypeId")))
    history = None if entity is None else entity.history
    if entity is None or history is None:
        raise RestError("ENTITY_TYPE_NOT_SUPPORTED", "Entity type is not supported")
    fields = history_fields(entity.type)
    given = as_dict(either_case(params, "filter"))
    conditions = [_condition(key, value, fields) for key, value in given.items()]
    if any(_unreadable(condition) for condition in conditions):
        return RestAnswer(None)
    rows = history.matching(conditions, _gap(portal, entity, history))
    strict = not isinstance(entity, CrmItemEntity)
    rows = history.ordered(rows, _ordering(as_dict(either_case(params, "order")), fields, strict=strict))
    select = {str(name).upper() for name in as_list(either_case(params, "select"))}
    names = [name for name in fields if name in select or not select - {"*"}]
    return page(params, rows, lambda shown: {"items": history.page(shown, names)}, kind=CONTROLLER)


def _condition(key: str, value: object, fields: tuple[str, ...]) -> FilterCondition:
    parsed = parse_condition(key, value)
    name = parsed.field.upper()
    if name not in fields:
        raise invalid_filter(parsed.field)
    return FilterCondition(parsed.operation, name, parsed.value)


def _unreadable(condition: FilterCondition) -> bool:
    """A time that cannot be read makes the result null, and no error (docs/bitrix24-rest-more.md, section 1.4)."""
    if condition.field != "CREATED_TIME":
        return False
    values = condition.value if isinstance(condition.value, list) else [condition.value]
    return any(parse_moment(str(value)) is None for value in values if value not in ("", None))


def _ordering(given: Params, fields: tuple[str, ...], *, strict: bool) -> list[tuple[str, bool]]:
    """Unknown names are refused, or with items ignored (docs/bitrix24-rest-more.md, section 1.4)."""
    pairs = [(str(name).upper(), str(way).upper() != "DESC") for name, way in given.items()]
    if not strict:
        return [pair for pair in pairs if pair[0] in fields]
    for name, _ in pairs:
        if name not in fields:
            raise invalid_argument(f"Invalid order: field '{name}' is not allowed in order")
    return pairs


def _gap(portal: PortalState, entity: CrmEntity, history: Table) -> tuple[str, _Visible] | None:
    """The records of a deal's earlier pipelines are missing, where the portal is set so."""
    if not portal.config.history_current_pipeline_only or entity.type != "deal":
        return None
    return f"current pipeline {entity.table.version}", _Visible(entity.table, history)


class _Visible:
    """Which history rows are in the pipeline where their owner is now."""

    def __init__(self, owners: Table, history: Table) -> None:
        self._owners = owners
        self._history = history

    def __call__(self) -> Mask:
        size = self._history.size
        owner_ids, categories = _data(self._history, "OWNER_ID"), _data(self._history, "CATEGORY_ID")
        places = np.searchsorted(self._owners.ids, owner_ids[:size])
        current = _data(self._owners, "CATEGORY_ID")[np.minimum(places, self._owners.size - 1)]
        mask: Mask = categories[:size] == current
        return mask


def _data(table: Table, name: str) -> Integers:
    column = table.columns[name]
    if not isinstance(column, Numbers):
        raise TypeError(f"{name} is not a number column")
    return column.data


METHODS: dict[str, Method] = {"crm.stagehistory.list": _list}
