"""`userfieldconfig.*`: user fields of every entity at once (docs/bitrix24-rest-more.md, section 1.6)."""

from __future__ import annotations

from typing import Any

from b24_pipeline.sandbox.crm.user_fields import UserField
from b24_pipeline.sandbox.portal import PortalState
from b24_pipeline.sandbox.rest.answer import Method, RestAnswer
from b24_pipeline.sandbox.rest.paging import CONTROLLER, page
from b24_pipeline.sandbox.rest.php import Params, as_dict, as_list, either_case
from b24_pipeline.sandbox.rest.smart.dict_rows import matching_rows, ordered_rows
from b24_pipeline.sandbox.rest_error import RestError
from b24_pipeline.sandbox.rows.codecs import php_int

_FILTERABLE = (
    "id", "fieldName", "userTypeId", "xmlId", "sort", "multiple", "mandatory", "showFilter", "showInList",
    "editInList", "isSearchable",
)  # fmt: skip


def _list(portal: PortalState, params: Params) -> RestAnswer:
    """All fields of the module, labels and enumerations left to `get`; a filter by `entityId` is not heeded."""
    _check_module(params)
    given = {key: value for key, value in as_dict(either_case(params, "filter")).items() if key != "entityId"}
    rows = matching_rows((_rendered(field) for field in _fields(portal)), given, _FILTERABLE)
    order = as_dict(either_case(params, "order")) or {"sort": "ASC", "id": "ASC"}
    rows = ordered_rows(rows, order, _FILTERABLE)
    select = {str(name) for name in as_list(either_case(params, "select"))} - {"*"}
    if select:
        rows = [{name: value for name, value in row.items() if name in select} for row in rows]
    return page(params, rows, lambda shown: {"fields": list(shown)}, kind=CONTROLLER)


def _get(portal: PortalState, params: Params) -> RestAnswer:
    """One field, with its options."""
    _check_module(params)
    wanted = php_int(either_case(params, "id"))
    for field in _fields(portal):
        if field.id == wanted:
            options = [_option(entry) for entry in field.rendered(labelled=False).get("LIST", [])]
            enum = {"enum": options} if options else {}
            return RestAnswer({"field": _rendered(field) | enum}, rows=1)
    raise RestError("", "Настройки пользовательского поля не найдены")


def _check_module(params: Params) -> None:
    if str(params.get("moduleId", "")) != "crm":
        raise RestError("", "Не указан moduleId")


def _fields(portal: PortalState) -> list[UserField]:
    return [field for entity in portal.entities.values() for field in entity.user_fields]


def _rendered(field: UserField) -> dict[str, Any]:
    return {
        "id": str(field.id),
        "entityId": field.entity_id,
        "fieldName": field.name,
        "userTypeId": field.type,
        "xmlId": None,
        "sort": "100",
        "multiple": "Y" if field.multiple else "N",
        "mandatory": "N",
        "showFilter": "E",
        "showInList": "Y",
        "editInList": "Y",
        "isSearchable": "N",
        "settings": field.settings,
        "languageId": {"ru": "ru"},
        "editFormLabel": {"ru": field.label},
        "listColumnLabel": {"ru": field.label},
        "listFilterLabel": {"ru": field.label},
        "errorMessage": {"ru": ""},
        "helpMessage": {"ru": ""},
    }


def _option(entry: dict[str, str]) -> dict[str, str]:
    return {
        "id": entry["ID"],
        "value": entry["VALUE"],
        "def": entry["DEF"],
        "sort": entry["SORT"],
        "xmlId": entry["XML_ID"],
    }


METHODS: dict[str, Method] = {"userfieldconfig.list": _list, "userfieldconfig.get": _get}
