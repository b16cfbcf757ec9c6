"""Select masks of classic lists."""

from __future__ import annotations

import pytest

from b24_pipeline.sandbox.crm.item_names import item_name
from b24_pipeline.sandbox.rows.selection import selected

FIELDS = ("ID", "TITLE", "STATUS_ID", "PHONE", "EMAIL", "UF_CRM_1")


@pytest.mark.parametrize(
    ("select", "shown"),
    [
        ((), ("ID", "TITLE", "STATUS_ID", "UF_CRM_1")),
        (("*",), ("ID", "TITLE", "STATUS_ID")),
        (("UF_*",), ("UF_CRM_1",)),
        (("*", "UF_*"), ("ID", "TITLE", "STATUS_ID", "UF_CRM_1")),
        (("*", "UF_*", "PHONE"), ("ID", "TITLE", "STATUS_ID", "PHONE", "UF_CRM_1")),
        (("PHONE",), ("ID", "PHONE")),
        (("title",), ("TITLE",)),
        (("TITLE", "NO_SUCH_FIELD"), ("TITLE",)),
        (("NO_SUCH_FIELD",), ("ID", "TITLE", "STATUS_ID", "UF_CRM_1")),
    ],
)
def test_a_mask_shows_its_fields(select: tuple[str, ...], shown: tuple[str, ...]) -> None:
    """`*` has no user fields, no mask has multifields, and `ID` joins both."""
    assert selected(select, FIELDS) == shown


@pytest.mark.parametrize(
    ("classic", "item"),
    [
        ("ID", "id"),
        ("ASSIGNED_BY_ID", "assignedById"),
        ("DATE_CREATE", "createdTime"),
        ("DATE_MODIFY", "updatedTime"),
        ("CREATED_BY_ID", "createdBy"),
        ("STATUS_ID", "stageId"),
        ("UF_CRM_3_1747309727", "ufCrm3_1747309727"),
        ("UF_CRM_1747309727", "ufCrm_1747309727"),
        ("UF_CRM_3_DIGIT10", "ufCrm_3_DIGIT10"),
    ],
)
def test_items_spell_fields_their_own_way(classic: str, item: str) -> None:
    """The renamed fields and the user fields of docs/bitrix24-rest.md, section 6.3."""
    assert item_name(classic, original=False) == item
