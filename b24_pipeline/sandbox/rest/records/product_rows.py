"""`crm.item.productrow.*` (docs/bitrix24-rest-more.md, section 3.1)."""

from __future__ import annotations

from typing import Any

from b24_pipeline.sandbox.crm.item_entity import CrmItemEntity, owner_code
from b24_pipeline.sandbox.portal import PortalState
from b24_pipeline.sandbox.rest.answer import Method, RestAnswer
from b24_pipeline.sandbox.rest.php import Params, as_dict, as_list, either_case
from b24_pipeline.sandbox.rest.records.camel_lists import camel_list, camel_rows, described_camel
from b24_pipeline.sandbox.rest.records.listing import records
from b24_pipeline.sandbox.rest_error import RestError

_TYPE, _ID = "=ownerType", "=ownerId"


def _list(portal: PortalState, params: Params) -> RestAnswer:
    """The two conditions on the owner are obligatory, literally so; the type is a single one."""
    given = as_dict(either_case(params, "filter"))
    if given.get(_TYPE) in (None, "", []) or given.get(_ID) in (None, "", []):
        raise RestError("100", "Could not find value for parameter {=ownerType, =ownerId}")
    _check_type(portal, str(given[_TYPE]))
    owners = given[_ID]
    if isinstance(owners, list | dict):
        owners = _several(portal, as_list(owners))
    entity = records(portal, "product_row")
    rows = camel_rows(entity, given | {_ID: owners})
    return camel_list(entity, params, rows, "productRows", selects=False)


def _check_type(portal: PortalState, code: str) -> None:
    known = {owner_code(entity): entity for entity in portal.entities.values()}
    entity = known.get(code) if code else None
    if entity is None:
        raise RestError("ENTITY_TYPE_NOT_SUPPORTED", f"Owner type {code} is not supported")
    if isinstance(entity, CrmItemEntity) and entity.type_id in portal.quirks.forbidden_types:
        raise RestError("ACCESS_DENIED", "Доступ запрещен")


def _several(portal: PortalState, owners: list[Any]) -> list[Any]:
    """The check of rights casts an array to 1: an administrator may ask for several, others mostly not."""
    if portal.quirks.row_owners == "refused" or not portal.caller_is_admin:
        raise RestError("ACCESS_DENIED", "Доступ запрещен")
    return [1] if portal.quirks.row_owners == "first" else owners


def _fields(portal: PortalState, _params: Params) -> RestAnswer:
    return RestAnswer({"fields": described_camel(records(portal, "product_row"))})


METHODS: dict[str, Method] = {"crm.item.productrow.list": _list, "crm.item.productrow.fields": _fields}
