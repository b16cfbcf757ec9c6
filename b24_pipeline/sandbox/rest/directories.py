"""Pipelines, stages and other directories (docs/bitrix24-rest.md, section 6.4); currencies (6.8)."""

from __future__ import annotations

from typing import Any

from b24_pipeline.sandbox.crm.item_entity import INVOICE_TYPE_ID, QUOTE, QUOTE_TYPE_ID, CrmItemEntity
from b24_pipeline.sandbox.crm.stages import DirectoryEntry, directory_of
from b24_pipeline.sandbox.portal import PortalState
from b24_pipeline.sandbox.rest.answer import Method, RestAnswer, whole_list
from b24_pipeline.sandbox.rest.php import Params, as_dict, either_case
from b24_pipeline.sandbox.rest_error import RestError
from b24_pipeline.sandbox.rows.codecs import php_int
from b24_pipeline.sandbox.rows.comparison import cell_test, parse_condition, sort_key

_WITH_CATEGORIES = {2, 3, 4, 31}


def _status_list(portal: PortalState, params: Params) -> RestAnswer:
    rows = [status.rendered() for status in portal.directories.rows()]
    for key, value in as_dict(either_case(params, "filter")).items():
        test = parse_condition(key.upper(), value)
        fits = cell_test(test.operation, test.value)
        rows = [row for row in rows if test.field not in row or fits(row[test.field])]
    for name, way in reversed(as_dict(either_case(params, "order")).items()):
        rows.sort(key=lambda row: sort_key(row.get(name.upper())), reverse=str(way).upper() == "DESC")
    return whole_list(rows)


def _entity_items(portal: PortalState, params: Params) -> RestAnswer:
    return whole_list(_short(portal.directories.items(str(params.get("entityId", "")))))


def _entity_types(portal: PortalState, _params: Params) -> RestAnswer:
    ids = list(dict.fromkeys(status.entity_id for status in portal.directories.rows()))
    return RestAnswer([_entity_type(portal, entity_id) for entity_id in ids])


def _entity_type(portal: PortalState, entity_id: str) -> dict[str, Any]:
    items = portal.directories.items(entity_id)
    entry: dict[str, Any] = {"ID": entity_id, "NAME": entity_id, "SEMANTIC_INFO": []}
    if not items or not items[0].is_stage:
        return entry
    last = {status.semantics: status for status in items}
    names = {"FINAL_SUCCESS_FIELD": last.get("S"), "FINAL_UNSUCCESS_FIELD": last.get("F")}
    info: dict[str, Any] = {name: status.status_id if status else "" for name, status in names.items()}
    info |= {"START_FIELD": items[0].status_id, "FINAL_SORT": last["S"].sort if "S" in last else 0}
    return entry | {"SEMANTIC_INFO": info, "ENTITY_TYPE_ID": _owner_type(entity_id)}


def _owner_type(entity_id: str) -> int:
    """The entity type whose stages a directory holds."""
    if entity_id.startswith("DYNAMIC_"):
        return int(entity_id.split("_")[1])
    known = {"STATUS": 1, "QUOTE_STATUS": QUOTE_TYPE_ID}
    return known.get(entity_id, INVOICE_TYPE_ID if entity_id.startswith("SMART_INVOICE") else 2)


def _short(statuses: list[DirectoryEntry]) -> list[dict[str, Any]]:
    return [{"NAME": status.name, "SORT": status.sort, "STATUS_ID": status.status_id} for status in statuses]


def _category_list(portal: PortalState, params: Params) -> RestAnswer:
    type_id = php_int(params.get("entityTypeId"))
    entity = portal.entity_of(type_id)
    if isinstance(entity, CrmItemEntity) and entity.type != QUOTE:
        found = [pipeline.rendered() for pipeline in portal.directories.pipelines_of(entity.type)]
        return RestAnswer({"categories": found}, total=len(found), rows=len(found))
    if type_id not in _WITH_CATEGORIES:
        raise RestError("ENTITY_TYPE_NOT_SUPPORTED", f"Entity type {type_id} is not supported")
    if type_id != 2:
        default = {"id": 0, "name": "Общая", "sort": 100, "entityTypeId": type_id, "isDefault": "Y"}
        return RestAnswer({"categories": [default]}, total=1, rows=1)
    rows = [pipeline.rendered() for pipeline in portal.directories.pipelines]
    return RestAnswer({"categories": rows}, total=len(rows), rows=len(rows))


def _deal_categories(portal: PortalState, _params: Params) -> RestAnswer:
    """The deprecated list leaves the default funnel out."""
    rows = [
        {"ID": str(pipeline.category_id), "NAME": pipeline.name, "SORT": str(pipeline.sort), "IS_LOCKED": "N"}
        for pipeline in portal.directories.pipelines
        if pipeline.category_id
    ]
    return whole_list(rows)


def _default_category(portal: PortalState, _params: Params) -> RestAnswer:
    default = portal.directories.pipelines[0]
    return RestAnswer({"ID": "0", "NAME": default.name, "SORT": str(default.sort)})


def _category_status(_portal: PortalState, params: Params) -> RestAnswer:
    return RestAnswer(directory_of("deal", php_int(either_case(params, "id"))))


def _category_stages(portal: PortalState, params: Params) -> RestAnswer:
    return RestAnswer(_short(portal.directories.stages("deal", php_int(either_case(params, "id")))))


def _currencies(portal: PortalState, _params: Params) -> RestAnswer:
    """The total is always 0."""
    rows = portal.currencies
    return RestAnswer(rows, total=0, rows=len(rows))


METHODS: dict[str, Method] = {
    "crm.status.list": _status_list,
    "crm.status.entity.items": _entity_items,
    "crm.status.entity.types": _entity_types,
    "crm.category.list": _category_list,
    "crm.currency.list": _currencies,
    "crm.dealcategory.list": _deal_categories,
    "crm.dealcategory.default.get": _default_category,
    "crm.dealcategory.status": _category_status,
    "crm.dealcategory.stage.list": _category_stages,
}
