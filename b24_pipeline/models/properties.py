"""schema.yml and dbt_project.yml, read strictly: an unknown key is an error, not a shrug.

What dbt has for catalogues, documentation and its own commands, and what changes no table, is read over: see
`Ignoring`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

import yaml
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from b24_pipeline.errors import ModelError
from b24_pipeline.models.config import ModelConfig
from b24_pipeline.models.files.yaml_problem import problem, wrong

_ARGUMENTS: Mapping[str, set[str]] = {
    "unique": set(),
    "not_null": set(),
    "relationships": {"to", "field"},
    "accepted_values": {"values"},
}
_TESTS = AliasChoices("data_tests", "tests")


class Strict(BaseModel):
    """A mapping of which every key is known."""

    model_config = ConfigDict(extra="forbid", frozen=True)


_NOTES = frozenset(
    {"tags", "meta", "docs", "group", "access", "contact", "owner", "query_comment", "event_time"}
)
"""What says something of a thing and changes nothing that is built."""


class Ignoring(Strict):
    """A mapping that leaves out keys of dbt that change nothing here; `config` may hold such keys alone."""

    ignored: ClassVar[frozenset[str]] = _NOTES

    @model_validator(mode="before")
    @classmethod
    def _leave_out(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        kept = {key: item for key, item in value.items() if key not in cls.ignored}
        config = kept.get("config")
        if isinstance(config, dict) and "config" not in cls.model_fields:
            unknown = sorted(set(config) - cls.ignored)
            if unknown:
                raise _wrong_config(unknown[0])
            del kept["config"]
        return kept


def _wrong_config(key: str) -> PydanticCustomError:
    if key in ModelConfig.model_fields:
        return wrong(f"write {key} into config(...) of the model's own file", "config", key)
    return wrong(f"{key} is not supported in config", "config", key)


class TestConfig(Ignoring):
    """The settings of a test."""

    __test__ = False

    severity: Literal["error", "warn"] = "error"


class GenericTest(Strict):
    """One of dbt's four generic tests, as a bare name or with arguments."""

    kind: Literal["unique", "not_null", "relationships", "accepted_values"]
    name: str | None = None
    description: str = ""
    column_name: str | None = None
    arguments: dict[str, Any] = {}
    config: TestConfig = TestConfig()

    @model_validator(mode="before")
    @classmethod
    def _flatten(cls, value: Any) -> Any:
        """`unique` and `{unique: {arguments: {...}}}` become one shape."""
        if isinstance(value, str):
            value = {value: {}}
        if not isinstance(value, dict) or len(value) != 1:
            raise ValueError("a test is a name, or one name with its settings")
        (kind, settings), *_ = value.items()
        if kind not in _ARGUMENTS:
            *others, last = sorted(_ARGUMENTS)
            raise ValueError(f"there is no test {kind!r}; a test is {', '.join(others)} or {last}")
        return {"kind": kind} | _with_arguments(settings or {})

    @model_validator(mode="after")
    def _has_its_arguments(self) -> GenericTest:
        expected = _ARGUMENTS[self.kind]
        if set(self.arguments) != expected:
            takes = f"the arguments {', '.join(sorted(expected))}" if expected else "no arguments"
            raise ValueError(f"{self.kind} takes {takes}")
        return self


def _with_arguments(settings: dict[str, Any]) -> dict[str, Any]:
    """Arguments written beside the settings, as before dbt 1.10, are put under `arguments`."""
    own = {"name", "description", "config", "column_name"}
    arguments = dict(settings.get("arguments") or {})
    arguments |= {key: value for key, value in settings.items() if key not in own | {"arguments"}}
    column = arguments.pop("column_name", settings.get("column_name"))
    kept = {key: value for key, value in settings.items() if key in own}
    return kept | {"arguments": arguments, "column_name": column}


class ColumnProperties(Ignoring):
    """A column of a model or source."""

    ignored = _NOTES | {"data_type", "quote", "policy_tags", "dimension", "entity"}

    name: str
    description: str = ""
    data_tests: list[GenericTest] = Field(default=[], validation_alias=_TESTS)


class ModelProperties(Ignoring):
    """The entry of a model in schema.yml."""

    ignored = _NOTES | {"latest_version", "deprecation_date", "time_spine"}

    name: str
    description: str = ""
    columns: list[ColumnProperties] = []
    data_tests: list[GenericTest] = Field(default=[], validation_alias=_TESTS)

    @model_validator(mode="after")
    def _says_what_is_tested(self) -> ModelProperties:
        if not all(test.column_name for test in self.data_tests):
            raise ValueError("a test of the whole model needs a column_name")
        return self


_OF_SOURCES = _NOTES | {"freshness", "loaded_at_field", "loaded_at_query", "loader", "quoting"}


class SourceTable(Ignoring):
    """A raw table, by the name it has in the project and in the database (`identifier`)."""

    ignored = _OF_SOURCES | {"columns", "external"}

    name: str
    identifier: str | None = None
    description: str = ""


class SourceProperties(Ignoring):
    """A group of raw tables."""

    ignored = _OF_SOURCES | {"overrides"}

    name: str
    # dbt's own key is `schema`, which pydantic keeps for itself
    schema_name: str | None = Field(None, validation_alias="schema")
    description: str = ""
    tables: list[SourceTable]

    @property
    def schema_in_database(self) -> str:
        """The schema of the tables: where none is written, the one that the source is called after."""
        return self.schema_name or self.name


class TestProperties(Ignoring):
    """The description of a singular test."""

    __test__ = False

    name: str
    description: str = ""


class Properties(Ignoring):
    """The content of a schema.yml."""

    ignored = frozenset(
        {"exposures", "unit_tests", "groups", "metrics", "semantic_models", "saved_queries", "anchors"}
    )

    version: Literal[2] = 2
    models: list[ModelProperties] = []
    sources: list[SourceProperties] = []
    data_tests: list[TestProperties] = Field(default=[], validation_alias=_TESTS)


class PersistDocs(Strict):
    """`persist_docs` of dbt: comments are always written, by our runner too."""

    relation: Literal[True]
    columns: Literal[True]


class FolderConfig(Strict):
    """What dbt_project.yml sets for all models of a folder."""

    materialized: Literal["view", "table", "incremental"] | None = Field(
        None, validation_alias="+materialized"
    )
    # dbt's own key is `schema`, which pydantic keeps for itself
    schema_name: str | None = Field(None, validation_alias="+schema")


class FolderConfigs(FolderConfig):
    """The settings of all models, and of the models of each layer."""

    persist_docs: PersistDocs | None = Field(None, validation_alias="+persist_docs")
    staging: FolderConfig = FolderConfig()
    intermediate: FolderConfig = FolderConfig()
    marts: FolderConfig = FolderConfig()

    def materialized_in(self, layer: str) -> str:
        """How a folder's models are built unless they say otherwise; dbt's own default is a view."""
        folder: FolderConfig = getattr(self, layer, self)
        return folder.materialized or self.materialized or "view"

    def schema_of(self, layer: str, target: str) -> str:
        """The schema of a folder's models, named after that of the target as dbt does it."""
        folder: FolderConfig = getattr(self, layer, self)
        own = folder.schema_name or self.schema_name
        return f"{target}_{own}" if own else target


class ProjectFile(Strict):
    """The content of dbt_project.yml."""

    name: str
    version: str | float | int | None = None
    config_version: Literal[2] = Field(2, validation_alias="config-version")
    profile: str
    model_paths: list[str] = Field(["models"], validation_alias="model-paths")
    test_paths: list[str] = Field(["tests"], validation_alias="test-paths")
    clean_targets: list[str] = Field([], validation_alias="clean-targets")
    flags: dict[Literal["send_anonymous_usage_stats"], bool] = {}
    vars: dict[str, str | int | float | bool] = {}
    models: dict[str, FolderConfigs] = {}

    @model_validator(mode="after")
    def _is_of_this_project(self) -> ProjectFile:
        if set(self.models) - {self.name}:
            raise ValueError(f"models: only those of {self.name} can be configured")
        return self

    def materialized_in(self, layer: str) -> str:
        """How a folder's models are built unless they say otherwise."""
        return self.models.get(self.name, FolderConfigs()).materialized_in(layer)

    def schema_of(self, layer: str, target: str) -> str:
        """The schema of a folder's models; `target` is that of models of which nothing else is said."""
        return self.models.get(self.name, FolderConfigs()).schema_of(layer, target)


_Read = TypeVar("_Read", bound=Strict)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""That of libyaml, where PyYAML has it: it takes a tenth of the time."""


def read_yaml(path: Path, shape: type[_Read]) -> _Read:
    """Read one YAML file as `shape`; ModelError names the file, the line, and what it does not know."""
    text = ""
    try:
        text = path.read_text("utf-8")
        return shape.model_validate(yaml.load(text, Loader=_LOADER) or {})  # noqa: S506  both are safe
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise ModelError(f"{path}: is no YAML: {' '.join(str(error).split())}") from error
    except ValidationError as error:
        raise ModelError(f"{path}: {problem(error, text)}") from error
