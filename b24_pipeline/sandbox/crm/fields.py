"""Field descriptions: what `crm.*.fields` tells (docs/bitrix24-rest.md, section 6.2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_STATUS_TYPES = {
    "SOURCE_ID": "SOURCE",
    "HONORIFIC": "HONORIFIC",
    "STATUS_ID": "STATUS",
    "STAGE_ID": "DEAL_STAGE",
    "COMPANY_TYPE": "COMPANY_TYPE",
    "INDUSTRY": "INDUSTRY",
    "EMPLOYEES": "EMPLOYEES",
}


@dataclass(frozen=True)
class Field:
    """One standard field. `flags`: R read-only, Q required, I immutable, M multiple, D deprecated,
    H hidden from lists (`CONTACT_IDS` never comes from one)."""

    name: str
    type: str
    title: str
    flags: str = ""

    @property
    def read_only(self) -> bool:
        """The portal alone writes it."""
        return "R" in self.flags

    @property
    def listed(self) -> bool:
        """Lists and `get` show it."""
        return "H" not in self.flags

    def described(self, entity_type: str) -> dict[str, Any]:
        """The entry of `crm.*.fields`, keys in the recorded order."""
        entry: dict[str, Any] = {
            "type": self.type,
            "isRequired": "Q" in self.flags,
            "isReadOnly": self.read_only,
            "isImmutable": "I" in self.flags,
            "isMultiple": "M" in self.flags,
            "isDynamic": False,
        }
        if "D" in self.flags:
            entry["isDeprecated"] = True
        if self.type == "crm_status":
            entry["statusType"] = self._status_type(entity_type)
        entry["title"] = self.title
        if self.name == "COMPANY_ID":
            entry["settings"] = {"parentEntityTypeId": 4}
        return entry

    def _status_type(self, entity_type: str) -> str:
        return _STATUS_TYPES.get(self.name, f"{entity_type.upper()}_TYPE")


def parse_fields(text: str) -> tuple[Field, ...]:
    """Fields from lines of `NAME type flags|title`; `-` stands for no flags."""
    fields = []
    for line in text.strip().splitlines():
        described, title = line.split("|", 1)
        name, kind, flags = described.split()
        fields.append(Field(name, kind, title.strip() or name, flags.strip("-")))
    return tuple(fields)
