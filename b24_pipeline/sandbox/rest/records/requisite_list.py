"""`crm.requisite.*` (docs/bitrix24-rest-more.md, section 9): a classic list."""

from __future__ import annotations

import numpy as np

from b24_pipeline.sandbox.portal import PortalState
from b24_pipeline.sandbox.rest.answer import Method, RestAnswer
from b24_pipeline.sandbox.rest.classic import conditions, ordering, unordered
from b24_pipeline.sandbox.rest.paging import page
from b24_pipeline.sandbox.rest.php import Params, as_dict, as_list, either_case
from b24_pipeline.sandbox.rest.records.listing import records, wanted_row
from b24_pipeline.sandbox.rest_error import not_found
from b24_pipeline.sandbox.rows.selection import selected


def _list(portal: PortalState, params: Params) -> RestAnswer:
    entity = records(portal, "requisite")
    fields = tuple(entity.listed_fields())
    order = ordering(fields, as_dict(either_case(params, "order")))
    rows = entity.table.matching(conditions(fields, as_dict(either_case(params, "filter"))))
    rows = unordered(portal, entity.table.ordered(rows, order), order)
    names = selected(tuple(map(str, as_list(either_case(params, "select")))), fields)
    return page(params, rows, lambda shown: entity.table.page(shown, names))


def _get(portal: PortalState, params: Params) -> RestAnswer:
    entity = records(portal, "requisite")
    row = wanted_row(entity, params, not_found())
    return RestAnswer(entity.table.page(np.array([row]), entity.listed_fields()).row(0), rows=1)


def _fields(portal: PortalState, _params: Params) -> RestAnswer:
    return RestAnswer(records(portal, "requisite").described())


METHODS: dict[str, Method] = {
    "crm.requisite.list": _list,
    "crm.requisite.get": _get,
    "crm.requisite.fields": _fields,
}
