"""`crm.timeline.comment.*` (docs/bitrix24-rest-more.md, section 9): comments of one element at a time."""

from __future__ import annotations

from functools import partial

from b24_pipeline.sandbox.portal import PortalState
from b24_pipeline.sandbox.rest.answer import Method, RestAnswer
from b24_pipeline.sandbox.rest.classic import ordering
from b24_pipeline.sandbox.rest.paging import page
from b24_pipeline.sandbox.rest.php import Params, as_dict, as_list, either_case
from b24_pipeline.sandbox.rest.records.listing import record_of, records
from b24_pipeline.sandbox.rest_error import RestError
from b24_pipeline.sandbox.rows.comparison import FilterCondition
from b24_pipeline.sandbox.rows.selection import selected

_OWNER = ("ENTITY_ID", "ENTITY_TYPE")
_SORTABLE = ("ID", "CREATED", "AUTHOR_ID")


def _list(portal: PortalState, params: Params) -> RestAnswer:
    """The owner is obligatory, and every other condition ignored: there is no reading by the key."""
    entity = records(portal, "comment")
    given = {
        str(key).upper().lstrip("="): value for key, value in as_dict(either_case(params, "filter")).items()
    }
    if not all(given.get(name) for name in _OWNER):
        raise RestError("", "ENTITY_ID and ENTITY_TYPE are required in filter")
    rows = entity.table.matching([FilterCondition("equal", name, given[name]) for name in _OWNER])
    rows = entity.table.ordered(rows, ordering(_SORTABLE, as_dict(either_case(params, "order"))))
    names = selected(tuple(map(str, as_list(either_case(params, "select")))), tuple(entity.listed_fields()))
    return page(params, rows, lambda shown: entity.table.page(shown, names))


METHODS: dict[str, Method] = {
    "crm.timeline.comment.list": _list,
    # the one way to the owner of a comment that an event named
    "crm.timeline.comment.get": partial(record_of, "comment"),
}
