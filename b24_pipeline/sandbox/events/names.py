"""Names of events (docs/bitrix24-rest.md, section 7.2)."""

from __future__ import annotations

CALL_END = "ONVOXIMPLANTCALLEND"
USER_ADDED = "ONUSERADD"
FUNNEL_CHANGE = "ONCRMDEALMOVETOCATEGORY"
INSTALL, UNINSTALL = "ONAPPINSTALL", "ONAPPUNINSTALL"
TEST = "ONAPPTEST"
QUEUE = "ONOFFLINEEVENT"

_ENTITIES = ("LEAD", "DEAL", "CONTACT", "COMPANY", "QUOTE")
_ACTIONS = ("ADD", "UPDATE", "DELETE")
_WITHOUT_USER_FIELDS = (
    "TYPE",
    "ACTIVITY",
    "CURRENCY",
    "DEALRECURRING",
    "TIMELINECOMMENT",
    "DYNAMICITEM",
    "REQUISITE",
)
_WITH_USER_FIELDS = (*_ENTITIES, "TYPE")
_CATALOGUE = tuple(f"CATALOG.{one}.ON.{action}" for one in ("PRODUCT", "PRICE") for action in _ACTIONS)
_APP = (INSTALL, "ONAPPUPDATE", UNINSTALL, "ONAPPPAYMENT", TEST, "ONAPPMETHODCONFIRM", QUEUE)


def changed(entity_type: str, action: str) -> str:
    """`ONCRMDEALADD` for deal and ADD; actions are also UPDATE, DELETE and USERFIELDADD."""
    return f"ONCRM{entity_type.upper()}{action}"


def item_events(action: str, type_id: int) -> tuple[str, str]:
    """The two events of an item: of all types, and of its own (docs/bitrix24-rest-more.md, section 1.5)."""
    common = changed("DYNAMICITEM", action)
    return common, f"{common}_{type_id}"


def of_type(type_id: int) -> tuple[str, ...]:
    """The events that only items of this type raise; they go with the type."""
    return tuple(item_events(action, type_id)[1] for action in _ACTIONS)


NAMES: tuple[str, ...] = (
    *(changed(entity, action) for entity in _ENTITIES for action in _ACTIONS),
    FUNNEL_CHANGE,
    *(
        changed(entity, f"USERFIELD{action}")
        for entity in _WITH_USER_FIELDS
        for action in (*_ACTIONS, "SETENUMVALUES")
    ),
    *(changed(entity, action) for entity in _WITHOUT_USER_FIELDS for action in _ACTIONS),
    USER_ADDED,
    CALL_END,
    *(f"ONTASK{action}" for action in _ACTIONS),
    *_CATALOGUE,
    *_APP,
)
"""Every event that can be bound, but for those that `item_events` names after a type."""

FOR_APPS_ONLY = frozenset({FUNNEL_CHANGE, *_APP, *_CATALOGUE})
"""What an outgoing webhook never gets (docs/bitrix24-rest.md, section 7.1)."""
