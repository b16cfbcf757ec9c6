"""A dbt project on disk, as far as we build it ourselves."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from psycopg import sql

from b24_pipeline.errors import ModelError
from b24_pipeline.models.config import read_config
from b24_pipeline.models.doc_blocks import described, doc_blocks
from b24_pipeline.models.files.wrong_files import WrongFiles
from b24_pipeline.models.find_checks import attach_checks
from b24_pipeline.models.model import Model, Source
from b24_pipeline.models.properties import ModelProperties, ProjectFile, Properties, read_yaml
from b24_pipeline.models.selection import select_models
from b24_pipeline.models.template import BY_CHANGE, Uses, read_uses
from b24_pipeline.paths import bundled

SCHEMA = "analytics"
_UNSUPPORTED_FOLDERS = ("macros", "snapshots", "seeds", "analyses", "functions")
_UNSUPPORTED_FILES = ("packages.yml", "dependencies.yml", "selectors.yml", "package-lock.yml")


@dataclass(frozen=True)
class Project:
    """Models in building order, with what they read. `schema` is that of the marts; others may have their own.

    `borrowed`: models of another project that they may refer to, each with its schema.
    """

    path: Path
    schema: str
    models: Mapping[str, Model]
    sources: Mapping[tuple[str, str], Source]
    variables: Mapping[str, str | int | float | bool]
    borrowed: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def lists(self) -> frozenset[str]:
        """The models that list what the last build by change has computed anew, for other models to read."""
        rules = [model.by_change for model in self.models.values()]
        return frozenset(name for rule in rules for name in (rule.replaces, rule.within) if name)

    @cached_property
    def schemas(self) -> tuple[str, ...]:
        """Every schema in which something is built, that of the marts first."""
        return tuple(dict.fromkeys([self.schema, *(model.schema for model in self.models.values())]))

    def relation(self, name: str) -> sql.Identifier:
        """The quoted name of the table or view of a model that is referred to."""
        schema = self.borrowed.get(name) or self.models[name].schema
        return sql.Identifier(schema, name)

    def selection(self, select: str | None) -> list[str]:
        """Names in building order: `name`, `+name`, `name+`, a layer, a union by spaces; None is all."""
        return select_models(self.models, select)


def load_project(
    path: Path | None = None, *, schema: str = SCHEMA, borrowed: Mapping[str, str] | None = None
) -> Project:
    """Read and check a project (default: the one that comes with the package).

    With `borrowed`, as in `Project`, the folder needs no dbt_project.yml: all models lie in it, or in its folder
    models.
    Raises ModelError, naming the file, for whatever is not in the subset that
    `template` and `properties` describe, and for a graph that is no graph.
    """
    folder = path or bundled("dbt_like_sql")
    _refuse_unsupported_folders(folder)
    lent = borrowed or {}
    settings = _settings(folder, needs_file=borrowed is None)
    wrong = WrongFiles()
    files = _properties(folder, settings.model_paths, wrong)
    notes = _properties(folder, settings.test_paths, wrong)
    if wrong:
        _read_models(folder, settings, wrong)
    wrong.raise_all()
    properties = [*files.values()]
    sources = _sources(properties)
    blocks = doc_blocks(_files(folder, settings.model_paths, ".md"))
    models = _models(folder, settings, _described(files, blocks), sources, lent, schema)
    ordered = _in_building_order(models)
    singular = [*_files(folder, settings.test_paths, ".sql")]
    checked = attach_checks(ordered, [*properties, *notes.values()], singular, lent)
    return Project(folder, schema, checked, sources, settings.vars, lent)


def _properties(folder: Path, paths: list[str], wrong: WrongFiles) -> dict[Path, Properties]:
    found: dict[Path, Properties] = {}
    for file in _files(folder, paths, ".yml"):
        with wrong.gathered():
            found[file] = read_yaml(file, Properties)
    return found


def _read_models(folder: Path, settings: ProjectFile, wrong: WrongFiles) -> None:
    """Looks for what is wrong with the models themselves, where the sources that they read are not known."""
    for path in _files(folder, settings.model_paths, ".sql"):
        with wrong.gathered():
            read_config({"materialized": "view"} | read_uses(path.read_text("utf-8"), path).config, path)


def _settings(folder: Path, *, needs_file: bool) -> ProjectFile:
    file = folder / "dbt_project.yml"
    if needs_file or file.exists():
        return read_yaml(file, ProjectFile)
    models = "models" if (folder / "models").is_dir() else "."
    return ProjectFile.model_validate({"name": "own", "profile": "own", "model-paths": [models]})


def _refuse_unsupported_folders(folder: Path) -> None:
    for name in _UNSUPPORTED_FILES:
        if (folder / name).exists():
            raise ModelError(f"{folder / name}: not supported: the models are plain SQL without packages")
    for name in _UNSUPPORTED_FOLDERS:
        if any(file.is_file() and file.name != ".gitkeep" for file in (folder / name).rglob("*")):
            raise ModelError(f"{folder / name}: not supported: only models and tests are")


def _files(folder: Path, paths: list[str], suffix: str) -> Iterator[Path]:
    """Files below these folders; those of the tests are no models where all lies in one folder."""
    for path in paths:
        for file in sorted((folder / path).rglob(f"*{suffix}")):
            if path != "." or file.relative_to(folder).parts[0] != "tests":
                yield file


def _sources(properties: list[Properties]) -> dict[tuple[str, str], Source]:
    return {
        (group.name, table.name): Source(
            (group.name, table.name),
            group.schema_in_database,
            table.identifier or table.name,
            table.description,
        )
        for file in properties
        for group in file.sources
        for table in group.tables
    }


def _described(
    files: Mapping[Path, Properties], blocks: Mapping[str, str]
) -> list[tuple[Path, ModelProperties]]:
    """What the files say of models, with the docs blocks that they refer to, and which file says it."""
    return [
        (path, _with_docs_blocks(entry, blocks, path))
        for path, file in files.items()
        for entry in file.models
    ]


def _with_docs_blocks(entry: ModelProperties, blocks: Mapping[str, str], path: Path) -> ModelProperties:
    columns = [
        column.model_copy(update={"description": described(column.description, blocks, path)})
        for column in entry.columns
    ]
    return entry.model_copy(
        update={"description": described(entry.description, blocks, path), "columns": columns}
    )


def _models(
    folder: Path,
    settings: ProjectFile,
    entries: list[tuple[Path, ModelProperties]],
    sources: Mapping[tuple[str, str], Source],
    lent: Mapping[str, str],
    schema: str,
) -> dict[str, Model]:
    known = {entry.name: entry for _, entry in entries}
    models: dict[str, Model] = {}
    wrong = WrongFiles()
    paths = [*_files(folder, settings.model_paths, ".sql")]
    names = {path.stem: path for path in reversed(paths)}
    for path in paths:
        with wrong.gathered():
            if names[path.stem] != path:
                raise ModelError(f"{path}: there is another model of this name: {names[path.stem]}")
            models[path.stem] = _model(path, settings, known.get(path.stem), sources, lent, schema)
            _refuse_unknown_refs(models[path.stem], {*names}, lent)
    for path, entry in entries:
        with wrong.gathered():
            if entry.name not in names:
                raise ModelError(f"{path} describes {entry.name!r}, and there is no {entry.name}.sql")
    wrong.raise_all()
    return models


def _model(
    path: Path,
    settings: ProjectFile,
    entry: ModelProperties | None,
    sources: Mapping[tuple[str, str], Source],
    lent: Mapping[str, str],
    schema: str,
) -> Model:
    text = path.read_text("utf-8")
    uses = read_uses(text, path)
    _refuse_unknown_uses(uses, path, settings, sources)
    layer = _layer(path, settings)
    config = read_config({"materialized": settings.materialized_in(layer)} | uses.config, path)
    columns = {column.name: column.description for column in entry.columns} if entry else {}
    return Model(
        name=path.stem,
        path=path,
        sql=text,
        layer=layer,
        schema=settings.schema_of(layer, schema),
        materialized=config.materialized,
        unique_key=config.unique_key,
        indexes=tuple(index.columns for index in config.indexes),
        depends_on=tuple(dict.fromkeys(name for name in uses.refs if name not in lent)),
        sources=tuple(
            dict.fromkeys(
                [
                    *(sources[key].relation for key in uses.sources),
                    *(f"{lent[name]}.{name}" for name in uses.refs if name in lent),
                ]
            )
        ),
        description=entry.description if entry else "",
        columns=columns,
        is_by_change=BY_CHANGE in uses.variables,
        by_change=config.meta,
        compared=tuple(dict.fromkeys(uses.compared)),
        full_refresh=config.full_refresh,
        on_schema_change=config.on_schema_change,
    )


def _layer(path: Path, settings: ProjectFile) -> str:
    """The folder right below that of the models, whatever folders lie between it and the file."""
    below = [part.name for part in path.parents if part.parent.name in settings.model_paths]
    return below[0] if below else path.parent.name


def _refuse_unknown_uses(
    uses: Uses, path: Path, settings: ProjectFile, sources: Mapping[tuple[str, str], Source]
) -> None:
    for key in uses.sources:
        if key not in sources:
            raise ModelError(f"{path}: source{key} is in no .yml file beside the models")
    for name in uses.variables:
        if name not in settings.vars:
            raise ModelError(
                f"{path}: var({name!r}) is not among the vars of dbt_project.yml beside the models, and has no default"
            )


def _refuse_unknown_refs(model: Model, names: Collection[str], lent: Mapping[str, str]) -> None:
    for name in model.depends_on:
        if name not in names:
            marts = " of yours, and no mart of b24-pipeline" if lent else ""
            raise ModelError(f"{model.path}: ref({name!r}) is no model{marts}")


def _in_building_order(models: Mapping[str, Model]) -> dict[str, Model]:
    sorter = TopologicalSorter({name: sorted(models[name].depends_on) for name in sorted(models)})
    try:
        return {name: replace(models[name]) for name in sorter.static_order()}
    except CycleError as error:
        raise ModelError(f"models refer to each other in a circle: {' -> '.join(error.args[1])}") from error
