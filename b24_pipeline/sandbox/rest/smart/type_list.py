"""`crm.type.*` and `crm.enum.ownertype` (docs/bitrix24-rest-more.md, sections 1.1 and 1.2)."""

from __future__ import annotations

from typing import Any

from b24_pipeline.sandbox.crm.smart_types import SWITCHES, SmartTypeRecord
from b24_pipeline.sandbox.portal import PortalState
from b24_pipeline.sandbox.rest.answer import Method, RestAnswer
from b24_pipeline.sandbox.rest.paging import CONTROLLER, page
from b24_pipeline.sandbox.rest.php import Params, as_dict, either_case
from b24_pipeline.sandbox.rest.smart.dict_rows import matching_rows, ordered_rows
from b24_pipeline.sandbox.rest_error import RestError
from b24_pipeline.sandbox.rows.codecs import php_int

_FIELDS = (
    "id", "title", "code", "createdBy", "updatedBy", "entityTypeId", "customSectionId", "createdTime",
    "updatedTime", *SWITCHES,
)  # fmt: skip
_OWNER_TYPES = (
    (1, "Лид", "LEAD", "L"),
    (2, "Сделка", "DEAL", "D"),
    (3, "Контакт", "CONTACT", "C"),
    (4, "Компания", "COMPANY", "CO"),
    (5, "Счет (старая версия)", "INVOICE", "I"),
    (31, "Счет", "SMART_INVOICE", "SI"),
    (7, "Коммерческое предложение", "QUOTE", "Q"),
    (8, "Реквизиты", "REQUISITE", "RQ"),
    (14, "Заказ", "ORDER", "O"),
    (36, "Документ", "SMART_DOCUMENT", "DO"),
    (39, "Документ КЭДО", "SMART_B2E_DOC", "SBD"),
)


def _list(portal: PortalState, params: Params) -> RestAnswer:
    """For administrators of the CRM alone; the built-in types 31, 36 and 39 are not among them."""
    if not portal.caller_is_admin:
        raise RestError("ACCESS_DENIED", "Доступ запрещен")
    rows = [smart_type.rendered() for smart_type in portal.smart_types.rows]
    rows = matching_rows(rows, as_dict(either_case(params, "filter")), _FIELDS)
    rows = ordered_rows(rows, as_dict(either_case(params, "order")), _FIELDS)
    return page(params, rows, lambda shown: {"types": list(shown)}, kind=CONTROLLER)


def _get(portal: PortalState, params: Params) -> RestAnswer:
    wanted = php_int(either_case(params, "id"))
    return _described(portal, [one for one in portal.smart_types.rows if one.id == wanted])


def _by_type_id(portal: PortalState, params: Params) -> RestAnswer:
    wanted = php_int(params.get("entityTypeId"))
    return _described(portal, [one for one in portal.smart_types.rows if one.entity_type_id == wanted])


def _described(portal: PortalState, found: list[SmartTypeRecord]) -> RestAnswer:
    """A wrong id is the error 0; who may read the items may read their type."""
    if not found:
        raise RestError("0", "Смарт-процесс не найден")
    smart_type = found[0]
    if smart_type.entity_type_id in portal.quirks.forbidden_types:
        raise RestError("ACCESS_DENIED", "Доступ запрещен")
    children = portal.smart_types.children(smart_type.entity_type_id)
    return RestAnswer({"type": smart_type.described(children)}, rows=1)


def _fields(_portal: PortalState, _params: Params) -> RestAnswer:
    fields: dict[str, Any] = {name: _field(name) for name in _FIELDS}
    return RestAnswer({"fields": fields})


def _field(name: str) -> dict[str, Any]:
    kind = "boolean" if name in SWITCHES else "datetime" if name.endswith("Time") else "string"
    if name in {"id", "entityTypeId", "customSectionId"}:
        kind = "integer"
    return {"type": kind, "isRequired": name == "title", "isReadOnly": kind == "datetime", "title": name}


def _owner_types(portal: PortalState, _params: Params) -> RestAnswer:
    """For any user: built-in types and smart processes alike, in one answer."""
    rows = [_owner_type(*row) for row in _OWNER_TYPES]
    rows += [
        _owner_type(one.entity_type_id, one.title, one.entity_type.upper(), one.short_symbol)
        for one in portal.smart_types.rows
    ]
    return RestAnswer(rows, rows=len(rows))


def _owner_type(number: int, name: str, symbol: str, short: str) -> dict[str, Any]:
    return {"ID": number, "NAME": name, "SYMBOL_CODE": symbol, "SYMBOL_CODE_SHORT": short}


METHODS: dict[str, Method] = {
    "crm.type.list": _list,
    "crm.type.get": _get,
    "crm.type.getbyentitytypeid": _by_type_id,
    "crm.type.fields": _fields,
    "crm.enum.ownertype": _owner_types,
}
