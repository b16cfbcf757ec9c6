"""Finds the checks of each model: generic ones in schema.yml, singular ones in tests/*.sql."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from b24_pipeline.errors import ModelError
from b24_pipeline.models.model import Check, Model, Severity
from b24_pipeline.models.properties import GenericTest, ModelProperties, Properties
from b24_pipeline.models.template import BY_CHANGE, read_uses

TEMPLATES = Path(__file__).parent / "sql" / "checks"
_REF = re.compile(r"\s*ref\(\s*(['\"])(?P<name>\w+)\1\s*\)\s*")


def attach_checks(
    models: Mapping[str, Model],
    properties: Iterable[Properties],
    singular: Iterable[Path],
    lent: Collection[str] = (),
) -> dict[str, Model]:
    """Returns the models with their tests; `models` are in building order, `lent` those of another project."""
    files = list(properties)
    checks = [*_generic_checks(models, files, lent), *_singular_checks(models, files, singular, lent)]
    names = [check.name for check in checks]
    for name in names:
        if names.count(name) > 1:
            raise ModelError(f"two tests are called {name!r}: give one of them a name of its own")
    return {
        name: replace(model, tests=tuple(check for check in checks if check.model == name))
        for name, model in models.items()
    }


def _generic_checks(
    models: Mapping[str, Model], files: list[Properties], lent: Collection[str]
) -> Iterator[Check]:
    for entry in (entry for file in files for entry in file.models):
        for test, column in _tests_of(entry):
            yield _generic_check(models, models[entry.name], test, column, lent)


def _tests_of(entry: ModelProperties) -> Iterator[tuple[GenericTest, str]]:
    for column in entry.columns:
        yield from ((test, column.name) for test in column.data_tests)
    yield from ((test, test.column_name) for test in entry.data_tests if test.column_name)


def _generic_check(
    models: Mapping[str, Model], model: Model, test: GenericTest, column: str, lent: Collection[str]
) -> Check:
    path = TEMPLATES / f"{test.kind}.sql"
    arguments = dict(test.arguments)
    refs = [model.name]
    if test.kind == "relationships":
        refs.append(_referred(arguments, model))
        arguments["to"] = refs[-1]
    return Check(
        name=test.name or "_".join([test.kind, model.name, *re.findall(r"\w+", column)]),
        kind=test.kind,
        model=model.name,
        column=column,
        severity=test.config.severity,
        description=test.description,
        sql=path.read_text("utf-8"),
        path=model.path,
        refs=tuple(_known(models, refs, model.path, lent)),
        arguments=arguments,
        is_by_change=model.materialized == "table",
    )


def _referred(arguments: Mapping[str, Any], model: Model) -> str:
    match = _REF.fullmatch(str(arguments["to"]))
    if match is None:
        raise ModelError(f"{model.name}: relationships: `to` must be ref('a model'), not {arguments['to']!r}")
    return match["name"]


def _singular_checks(
    models: Mapping[str, Model], files: list[Properties], paths: Iterable[Path], lent: Collection[str]
) -> Iterator[Check]:
    notes = {note.name: note.description for file in files for note in file.data_tests}
    for path in paths:
        yield _singular_check(models, path, notes.pop(path.stem, ""), lent)
    for name in notes:
        raise ModelError(f"a .yml file describes the test {name!r}, and there is no {name}.sql")


def _singular_check(
    models: Mapping[str, Model], path: Path, description: str, lent: Collection[str]
) -> Check:
    text = path.read_text("utf-8")
    uses = read_uses(text, path)
    severity = uses.config.get("severity", "error")
    if set(uses.config) - {"severity"} or severity not in ("error", "warn"):
        raise ModelError(
            f"{path}: config({uses.config}) is not supported in a test, only severity error or warn"
        )
    refs = _known(models, uses.refs, path, lent)
    if not refs:
        raise ModelError(f"{path}: a test must refer to a model")
    return Check(
        name=path.stem,
        kind="singular",
        model=refs[-1],
        column=None,
        severity=cast("Severity", severity),
        description=description,
        sql=text,
        path=path,
        refs=tuple(refs),
        is_by_change=BY_CHANGE in uses.variables,
    )


def _known(models: Mapping[str, Model], refs: list[str], path: Path, lent: Collection[str]) -> list[str]:
    """The referred models in building order, without those of another project."""
    for name in refs:
        if name not in models and name not in lent:
            raise ModelError(f"{path}: ref({name!r}) is no model")
    return [name for name in models if name in refs]
