"""Conditions of qualification: which custom field with which value makes a lead or deal qualified."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from b24_pipeline.errors import ConditionRefused
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.store.qualification.fields import FieldChoice, choices

MOST_CONDITIONS = 3
_LONGEST_VALUE = 1000


class Condition(BaseModel):
    """A custom field and what its value has to be. `field_id` may be left out: `field_name` says it too."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    field_id: int | None = Field(None, description="The portal's number of the field.")
    field_name: str = Field(
        min_length=1,
        max_length=100,
        description="Its code, such as UF_CRM_1700000000.",
        examples=["UF_CRM_1"],
    )
    field_type: Literal["boolean", "enumeration", "string"]
    entity_type: Literal["lead", "deal", "contact"] = Field(description="Whose field it is.")
    enum_id: str | None = Field(None, max_length=50, description="Of an enumeration: the option's id.")
    enum_value: str | None = Field(
        None,
        max_length=_LONGEST_VALUE,
        description="Of a string: the text, letter case ignored. Of an enumeration: the option's name.",
    )

    @model_validator(mode="after")
    def _has_its_value(self) -> Condition:
        if self.field_type == "enumeration" and not self.enum_id:
            raise ValueError("a condition about an enumeration needs enum_id")
        if self.field_type == "string" and not self.enum_value:
            raise ValueError("a condition about a string needs enum_value")
        if self.field_type != "enumeration" and self.enum_id is not None:
            raise ValueError("enum_id is for an enumeration alone")
        if self.field_type == "boolean" and self.enum_value is not None:
            raise ValueError("a condition about a boolean has no value: it wants a yes")
        if "\x00" in (self.enum_value or ""):
            raise ValueError("enum_value has a NUL character, which no field of the portal can have")
        return self

    @property
    def essence(self) -> dict[str, str | None]:
        """The parts that decide who fulfils the condition, without the names for people."""
        wanted = self.enum_id if self.field_type == "enumeration" else self.enum_value
        return {
            "entity_type": self.entity_type,
            "field_name": self.field_name,
            "field_type": self.field_type,
            "wanted": wanted,
        }


Conditions = Annotated[tuple[Condition, ...], Field(max_length=MOST_CONDITIONS)]
_ADAPTER: TypeAdapter[tuple[Condition, ...]] = TypeAdapter(Conditions)


def read_conditions(given: Any) -> tuple[Condition, ...]:
    """Conditions out of JSON as `/bitrix24/qualification-fields` has them. Raises ConditionRefused."""
    fields = given.get("fields") if isinstance(given, Mapping) else given
    if not isinstance(fields, list):
        raise ConditionRefused('expected a list of conditions, or {"fields": [...]} with it')
    if len(fields) > MOST_CONDITIONS:
        raise ConditionRefused(f"there are {len(fields)} conditions; at most {MOST_CONDITIONS} can be set")
    try:
        return _ADAPTER.validate_python(fields)
    except ValidationError as error:
        mistake = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in mistake["loc"]) or "the list"
        raise ConditionRefused(f"{place}: {mistake['msg']}") from None


def stored_form(conditions: Iterable[Condition]) -> list[dict[str, Any]]:
    """The conditions as JSON for `user_accounts.bitrix24_qualification_fields`."""
    return [condition.model_dump(exclude_none=True) for condition in conditions]


def checked(connection: Connection, account: UUID, conditions: Sequence[Condition]) -> tuple[Condition, ...]:
    """The conditions, completed from the field catalogue. Raises ConditionRefused where one does not fit it."""
    owners = {condition.entity_type for condition in conditions}
    fields = {
        (owner, field.field_name): field for owner in owners for field in choices(connection, account, owner)
    }
    return tuple(
        _checked(condition, fields.get((condition.entity_type, condition.field_name)))
        for condition in conditions
    )


def _checked(condition: Condition, field: FieldChoice | None) -> Condition:
    name = f"{condition.field_name} of {condition.entity_type}s"
    if field is None:
        raise ConditionRefused(
            f"the portal has no boolean, enumeration or string field {name}; "
            f"/bitrix24/{condition.entity_type}-custom-fields lists those that were read last"
        )
    if field.user_type_id != condition.field_type:
        raise ConditionRefused(f"{name} is of type {field.user_type_id}, not {condition.field_type}")
    if condition.field_id not in (None, field.id):
        raise ConditionRefused(f"the field_id of {name} is {field.id}, not {condition.field_id}")
    completed: dict[str, Any] = {"field_id": field.id}
    if condition.field_type == "enumeration":
        completed["enum_value"] = _option(condition, field, name)
    return condition.model_copy(update=completed)


def _option(condition: Condition, field: FieldChoice, name: str) -> str | None:
    options = {str(option["id"]): option.get("value") for option in field.options}
    if condition.enum_id not in options:
        known = ", ".join([*options][:20]) or "none"
        raise ConditionRefused(f"{name} has no option {condition.enum_id}; it has {known}")
    return options[condition.enum_id]
