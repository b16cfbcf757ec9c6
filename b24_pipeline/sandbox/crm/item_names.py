"""The names of classic fields in `crm.item.*` (docs/bitrix24-rest.md, section 6.3)."""

from __future__ import annotations

import re

from b24_pipeline.sandbox.crm.entity import CrmEntity
from b24_pipeline.sandbox.rows.selection import MULTIFIELDS, is_user_field

_SPECIAL = {
    "DATE_CREATE": "createdTime",
    "DATE_MODIFY": "updatedTime",
    "CREATED_BY_ID": "createdBy",
    "MODIFY_BY_ID": "updatedBy",
    "MOVED_BY_ID": "movedBy",
    "LAST_ACTIVITY_BY": "lastActivityBy",
    "STATUS_ID": "stageId",
    "STATUS_SEMANTIC_ID": "stageSemanticId",
}
_USER_FIELD = re.compile(r"^UF_CRM_(?:(\d+)_)?(.+)$")


def camel_case(name: str) -> str:
    """`ASSIGNED_BY_ID` -> `assignedById`."""
    head, *rest = name.lower().split("_")
    return head + "".join(part.capitalize() for part in rest)


def item_name(name: str, *, original: bool) -> str:
    """The item spelling of a classic field; `original` keeps user fields as they are."""
    if not is_user_field(name):
        return _SPECIAL.get(name) or camel_case(name)
    if original:
        return name
    matched = _USER_FIELD.match(name)
    owner, code = matched.groups() if matched else (None, name)
    if code.isdecimal():
        return f"ufCrm{owner or ''}_{code}"
    if re.search(r"\d", name):
        return "ufCrm_" + name.removeprefix("UF_CRM_")
    return camel_case(name)


def item_names(entity: CrmEntity, *, original: bool) -> dict[str, str]:
    """Item name -> classic name of all fields that items show; multifields are `fm`."""
    plain = (name for name in entity.listed_fields() if name not in MULTIFIELDS)
    return {item_name(name, original=original): name for name in plain}
