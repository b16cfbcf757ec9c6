"""User fields: definition, catalogue entry, `userfield.list` entry (docs/bitrix24-rest.md, section 6.7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_LABELS = ("EDIT_FORM_LABEL", "LIST_COLUMN_LABEL", "LIST_FILTER_LABEL")
_SETTINGS: dict[str, dict[str, Any]] = {
    "string": {"SIZE": 20, "ROWS": 1, "REGEXP": "", "MIN_LENGTH": 0, "MAX_LENGTH": 0, "DEFAULT_VALUE": None},
    "url": {"POPUP": "Y", "SIZE": 20, "MIN_LENGTH": 0, "MAX_LENGTH": 0, "DEFAULT_VALUE": None},
    "money": {"DEFAULT_VALUE": ""},
    "boolean": {"DEFAULT_VALUE": 0, "DISPLAY": "CHECKBOX", "LABEL": ["", ""], "LABEL_CHECKBOX": ""},
    "double": {"PRECISION": 2, "SIZE": 20, "MIN_VALUE": 0, "MAX_VALUE": 0, "DEFAULT_VALUE": None},
    "enumeration": {"DISPLAY": "LIST", "LIST_HEIGHT": 1, "CAPTION_NO_VALUE": "", "SHOW_NO_VALUE": "Y"},
    "crm_status": {"ENTITY_TYPE": "SOURCE"},
    "crm": {"LEAD": "N", "CONTACT": "N", "COMPANY": "Y", "DEAL": "Y"},
}


@dataclass(frozen=True)
class EnumOption:
    """One choice of an enumeration."""

    id: int
    value: str
    default: bool = False

    def rendered(self, place: int) -> dict[str, str]:
        """The entry of `LIST`."""
        flag = "Y" if self.default else "N"
        return {
            "ID": str(self.id),
            "SORT": str((place + 1) * 10),
            "VALUE": self.value,
            "DEF": flag,
            "XML_ID": f"opt{self.id}",
        }


@dataclass(frozen=True)
class UserField:
    """A field that the portal's owner added; `name` starts with `UF_CRM_`."""

    id: int
    entity_type: str
    name: str
    type: str
    label: str
    multiple: bool = False
    options: tuple[EnumOption, ...] = ()
    entity: str = ""

    @property
    def entity_id(self) -> str:
        """What it belongs to, in settings and events: `CRM_DEAL`, or `entity` where that was given."""
        return self.entity or f"CRM_{self.entity_type.upper()}"

    @property
    def settings(self) -> Any:
        """Type settings; an empty PHP array is a list."""
        return _SETTINGS.get(self.type, [])

    def described(self) -> dict[str, Any]:
        """The entry of `crm.*.fields`, where the title is the code and labels are beside it."""
        entry: dict[str, Any] = {
            "type": self.type,
            "isRequired": False,
            "isReadOnly": False,
            "isImmutable": False,
            "isMultiple": self.multiple,
            "isDynamic": True,
        }
        if self.options:
            entry["items"] = [{"ID": str(option.id), "VALUE": option.value} for option in self.options]
        labels = dict.fromkeys(("listLabel", "formLabel", "filterLabel"), self.label)
        return entry | {"title": self.name} | labels | {"settings": self.settings}

    def rendered(self, *, labelled: bool) -> dict[str, Any]:
        """The entry of `userfield.list`; labels only if `filter[LANG]` asked for them."""
        entry: dict[str, Any] = {
            "ID": str(self.id),
            "ENTITY_ID": self.entity_id,
            "FIELD_NAME": self.name,
            "USER_TYPE_ID": self.type,
            "XML_ID": None,
            "SORT": "100",
            "MULTIPLE": "Y" if self.multiple else "N",
            "MANDATORY": "N",
            "SHOW_FILTER": "E",
            "SHOW_IN_LIST": "Y",
            "EDIT_IN_LIST": "Y",
            "IS_SEARCHABLE": "N",
            "SETTINGS": self.settings,
        }
        if labelled:
            entry |= dict.fromkeys(_LABELS, self.label) | {"ERROR_MESSAGE": None, "HELP_MESSAGE": None}
        if self.type == "enumeration":
            entry["LIST"] = [option.rendered(place) for place, option in enumerate(self.options)]
        return entry
