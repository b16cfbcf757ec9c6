"""What a model says of itself in `config(...)`, as dbt-postgres has it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from b24_pipeline.errors import ModelError
from b24_pipeline.models.model import ByChange, Materialized, OnSchemaChange

_NOTES = ("tags", "docs", "group", "access")


class Index(BaseModel):
    """An index of a model, by its columns."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: tuple[str, ...]


class ModelConfig(BaseModel):
    """How a model is kept, by which columns its rows are told apart, and by which else they are found.

    `full_refresh` and `on_schema_change` are looked at where a model keeps its rows: see `Model`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    materialized: Materialized
    unique_key: tuple[str, ...] = ()
    indexes: tuple[Index, ...] = ()
    meta: ByChange = ByChange()
    full_refresh: bool | None = None
    on_schema_change: OnSchemaChange = "append_new_columns"

    @model_validator(mode="before")
    @classmethod
    def _leave_out_notes(cls, value: Any) -> Any:
        """Tags and the like change nothing; `meta` counts where it has a key of ours."""
        kept = {key: item for key, item in value.items() if key not in _NOTES}
        meta = kept.get("meta")
        if isinstance(meta, dict) and not meta.keys() & ByChange.model_fields.keys():
            del kept["meta"]
        return kept

    @field_validator("unique_key", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value


def read_config(values: Mapping[str, object], path: Path) -> ModelConfig:
    """The config of a file, checked. Raises ModelError for whatever dbt has and we have not."""
    try:
        config = ModelConfig.model_validate(values)
    except ValidationError as error:
        raise ModelError(f"{path}: {_rejected_setting(error, values)}") from None
    if config.materialized == "incremental" and not config.unique_key:
        raise ModelError(f"{path}: an incremental model needs a unique_key")
    return config


def _rejected_setting(error: ValidationError, values: Mapping[str, object]) -> str:
    name = str(error.errors()[0]["loc"][0])
    known = " or ".join(map(repr, get_args(OnSchemaChange)))
    instead = f": it is {known}" if name == "on_schema_change" else ""
    return f"config({name}={values[name]!r}) is not supported{instead}"
