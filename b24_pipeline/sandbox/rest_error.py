"""Refusals (docs/bitrix24-rest.md, section 8)."""

from __future__ import annotations

from typing import Any


class RestError(Exception):
    """The method was refused: {code} ({status}): {description}"""

    def __init__(self, code: str, description: str, status: int = 400) -> None:
        super().__init__(f"{code or 'error'} ({status}): {description}")
        self.code = code
        self.description = description
        self.status = status

    def body(self) -> dict[str, Any]:
        """The JSON body, which has no `time`."""
        return {"error": self.code, "error_description": self.description}


def not_found() -> RestError:
    """What classic methods say about a deleted element (docs/bitrix24-rest.md, section 6.9)."""
    return RestError("", "Not found")


def invalid_id() -> RestError:
    """What classic methods say without an id, as recorded."""
    return RestError("", "ID is not defined or invalid.")


def invalid_argument(description: str) -> RestError:
    """The error as `crm.item.*` and stage history write it."""
    return RestError("INVALID_ARG_VALUE", description)


def invalid_filter(name: str) -> RestError:
    """Items and stage history know which fields they have."""
    return invalid_argument(f"Invalid filter: field '{name}' is not allowed in filter")
