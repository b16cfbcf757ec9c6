"""Events of items: the type is in their data, and their name may end in it as well."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from b24_pipeline.bitrix.events.inbound import is_deletion, is_user_field_event, parse_event


def body(event: str, **fields: str) -> bytes:
    data = {f"data[FIELDS][{name}]": value for name, value in fields.items()}
    auth = {"auth[member_id]": "a" * 32, "auth[application_token]": "token"}
    return urlencode({"event": event, **data, **auth}).encode()


@pytest.mark.parametrize(
    ("event", "type_id", "entity_type"),
    [
        ("ONCRMDYNAMICITEMUPDATE", "156", "item_156"),
        ("onCrmDynamicItemAdd", "31", "invoice"),
        ("ONCRMDYNAMICITEMDELETE_156", "156", "item_156"),
        ("ONCRMDYNAMICITEMUPDATE", "", None),
        ("ONCRMDYNAMICITEMUPDATE", "x", None),
        ("ONCRMDYNAMICITEMUPDATE", "0", None),
        ("ONCRMDYNAMICITEMUPDATE", "99999999999", None),
    ],
)
def test_item_is_named_by_its_type(event: str, type_id: str, entity_type: str | None) -> None:
    """Without a usable number nothing can be fetched."""
    found = parse_event(body(event, ID="7", ENTITY_TYPE_ID=type_id))
    assert found.entity_type == entity_type
    assert found.entity_id == (7 if entity_type else None)


def test_quote_has_events_of_its_own() -> None:
    """As leads and deals have."""
    found = parse_event(body("ONCRMQUOTEUPDATE", ID="7"))
    assert (found.entity_type, found.entity_id) == ("quote", 7)


@pytest.mark.parametrize(
    "event", ["ONCRMDYNAMICITEMDELETE", "ONCRMDYNAMICITEMDELETE_156", "ONCRMQUOTEDELETE"]
)
def test_deletions_are_told_apart(event: str) -> None:
    """What is gone is not asked for as long as what has changed."""
    assert is_deletion(event)
    assert not is_deletion(event.replace("DELETE", "UPDATE"))
    assert not is_deletion("ONCRMTYPEDELETE")


@pytest.mark.parametrize(
    "event", ["ONCRMTYPEADD", "ONCRMTYPEDELETE", "ONCRMTYPEUSERFIELDADD", "ONCRMQUOTEUSERFIELDUPDATE"]
)
def test_types_and_their_fields_are_directories(event: str) -> None:
    """They name no object of an entity: the directories are read again."""
    assert is_user_field_event(event)
    found = parse_event(body(event, ID="13", ENTITY_ID="CRM_13"))
    assert (found.entity_type, found.entity_id) == (None, None)
