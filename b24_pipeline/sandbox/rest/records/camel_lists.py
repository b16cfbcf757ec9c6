"""Lists of the new kind, such as those of product rows and products: camelCase names, strict about them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from b24_pipeline.sandbox.crm.record_entity import RecordEntity
from b24_pipeline.sandbox.rest.answer import RestAnswer
from b24_pipeline.sandbox.rest.paging import CONTROLLER, page
from b24_pipeline.sandbox.rest.php import Params, as_dict, as_list, either_case
from b24_pipeline.sandbox.rest.records.listing import shown_page
from b24_pipeline.sandbox.rest_error import invalid_argument, invalid_filter
from b24_pipeline.sandbox.rows.cells import Rows
from b24_pipeline.sandbox.rows.comparison import FilterCondition, parse_condition


def camel_rows(entity: RecordEntity, given: Params) -> Rows:
    """The rows of a filter; RestError for a name that there is not."""
    return entity.table.matching([_condition(entity, str(key), value) for key, value in given.items()])


def camel_list(
    entity: RecordEntity, params: Params, rows: Rows, wrapper: str, *, selects: bool = True
) -> RestAnswer:
    """A page of these rows in the order that was asked for, by id without one."""
    rows = entity.table.ordered(rows, _ordering(entity, as_dict(either_case(params, "order"))))
    names = _names(entity)
    select = [str(name) for name in as_list(either_case(params, "select"))] if selects else []
    chosen = (
        list(names.values())
        if not select or "*" in select
        else [names[one] for one in names if one in select]
    )
    render: Callable[[Rows], Any] = lambda shown: {wrapper: shown_page(entity, shown, chosen)}  # noqa: E731
    return page(params, rows, render, kind=CONTROLLER)


def described_camel(entity: RecordEntity) -> dict[str, Any]:
    """The answer of a `fields` method."""
    return {name: entity.described()[column] for name, column in _names(entity).items()}


def _names(entity: RecordEntity) -> dict[str, str]:
    return {entity.shown_name(column): column for column in entity.listed_fields()}


def _condition(entity: RecordEntity, key: str, value: Any) -> FilterCondition:
    parsed = parse_condition(key, value)
    names = _names(entity)
    if parsed.field not in names:
        raise invalid_filter(parsed.field)
    return FilterCondition(parsed.operation, names[parsed.field], parsed.value)


def _ordering(entity: RecordEntity, given: Params) -> list[tuple[str, bool]]:
    names = _names(entity)
    for name in given:
        if name not in names:
            raise invalid_argument(f"Invalid order: field '{name}' is not allowed in order")
    return [(names[name], str(way).upper() != "DESC") for name, way in given.items()]
