"""What Dagster is to know of a build of the models that no asset step has done: what changed, and no more.

Dagster keeps every event. A build every ten minutes that reports all models and tests
writes hundreds of rows that say what was known already.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

import dagster as dg
from dagster import AssetCheckKey

from b24_pipeline.defs.assets.check_events import changed_results, evaluations
from b24_pipeline.defs.assets.model_checks import check_results, check_specs, model_key
from b24_pipeline.defs.assets.models import FUNNEL, funnel_metadata, is_changed, model_metadata, project
from b24_pipeline.defs.assets.versions import MARTS, Versions
from b24_pipeline.defs.known_assets import KnownAssets, check_key
from b24_pipeline.errors import ModelError
from b24_pipeline.models import BuildResult, Model, ModelResult, run_tests
from b24_pipeline.runtime import Runtime
from b24_pipeline.store.database.relation import describe
from b24_pipeline.store.database.warehouse import Connection


def changed_model_events(
    known: KnownAssets, runtime: Runtime, result: BuildResult, without: Collection[str] = ()
) -> Iterator[dg.AssetMaterialization | dg.AssetCheckEvaluation]:
    """The models whose rows changed, with all their checks, and the checks of others that end another way than before.

    Models of the names in `without` are left out. Each event has to be stored before the next is asked for: a check
    names the materialization that it is of.
    """
    changed = [done for done in _worth_telling(known, changed_models(result)) if done.name not in without]
    results = [one for one in check_results(result.tests) if check_key(one).asset_key.path[-1] not in without]
    yield from model_materializations(known, runtime, changed, {done.name for done in changed})
    yield from model_evaluations(known, [done.name for done in changed], results)
    yield from evaluations(known, changed_results(known, results))


def model_materializations(
    known: KnownAssets, runtime: Runtime, models: Iterable[ModelResult], changed: Collection[str]
) -> Iterator[dg.AssetMaterialization]:
    """The materializations of these models; marts whose rows have `changed` get a new version."""
    versions = Versions(project, known)
    for done in models:
        yield dg.AssetMaterialization(
            model_key(done.name),
            metadata=model_metadata(runtime, project, done),
            tags=versions.tags(project.models[done.name], is_changed=done.name in changed),
        )


def outdated_model_events(
    known: KnownAssets,
) -> Iterator[dg.AssetMaterialization | dg.AssetCheckEvaluation]:
    """Models that Dagster would call "Unsynced" although all were built just now, told again as they were, with checks.

    That is so where what a model was made from has another version now and its own rows are the same: another mart,
    its own SQL, or events that an earlier release told without versions. One that somebody else tells meanwhile is left
    to them: what was known before is older than what they know.
    """
    last = known.last([model_key(name) for name in project.models])
    versions = Versions(project, known)
    told = []
    for name, model in project.models.items():
        before = last.get(model_key(name))
        if not before:
            continue
        event = dg.AssetMaterialization(
            model_key(name),
            description=before.description,
            metadata=before.metadata,
            tags=versions.tags(model, is_changed=False),
        )
        if not known.is_stored(event, before.tags) and known.last([model_key(name)]) == {
            model_key(name): before
        }:
            told.append(name)
            yield event
    yield from model_evaluations(known, told, ())


def model_evaluations(
    known: KnownAssets, models: Iterable[str], results: Iterable[dg.AssetCheckResult]
) -> Iterator[dg.AssetCheckEvaluation]:
    """All checks of these models, as evaluations of their last materialization.

    A check that this build had no reason to look at, because it looks at all rows, is reported with its last result
    and the time of that: every night all are evaluated.
    """
    keys = [key for name in models for key in _check_keys(project.models[name])]
    found = known.results(keys) | {check_key(result): result for result in results}
    yield from evaluations(known, [found[key] for key in keys if key in found])


def told_elsewhere(known: KnownAssets, models: Sequence[ModelResult], run_id: str) -> set[str]:
    """The names of those of the models that have a check whose last result is not of this run."""
    keys = {model.name: _check_keys(project.models[model.name]) for model in models}
    runs = known.runs_of_results([key for own in keys.values() for key in own])
    return {name for name, own in keys.items() if any(runs.get(key, run_id) != run_id for key in own)}


def unknown_model_events(known: KnownAssets, runtime: Runtime) -> Iterator[dg.AssetMaterialization]:
    """The models that were built before Dagster saw them.

    They are told before what a run builds: a model looks out of date where something above it was told after it.
    """
    told_before = known.materializations([model_key(name) for name in project.models])
    versions = Versions(project, known)
    with runtime.warehouse.connect() as connection:
        for name in project.models:
            if model_key(name) in told_before or not _is_built(connection, name):
                continue
            yield dg.AssetMaterialization(
                model_key(name),
                description="This model was built before Dagster saw it.",
                metadata=funnel_metadata(runtime) if name == FUNNEL else {},
                tags=versions.tags(project.models[name], is_changed=False),
            )


def unevaluated_events(known: KnownAssets, runtime: Runtime) -> Iterator[dg.AssetCheckEvaluation]:
    """All checks of models that have a check without a result, by a look at all rows."""
    keys = {key: model.name for model in project.models.values() for key in _check_keys(model)}
    unevaluated = {keys[key] for key in keys.keys() - known.results(list(keys)).keys()}
    with runtime.warehouse.connect() as connection:
        built = [name for name in unevaluated if _is_built(connection, name)]
    if built:
        tests = run_tests(runtime.warehouse.connect, project, select=" ".join(sorted(built)))
        yield from evaluations(known, list(check_results(tests)))


def _is_built(connection: Connection, name: str) -> bool:
    """Whether the model is there; where something else has its name, the build says so."""
    try:
        return bool(describe(connection, project.models[name].schema, name).kind)
    except ModelError:
        return False


def _check_keys(model: Model) -> list[AssetCheckKey]:
    return [AssetCheckKey(spec.asset_key, spec.name) for spec in check_specs(model)]


def changed_models(result: BuildResult) -> list[ModelResult]:
    """The models that hold other rows than before the build; a view does if something that it reads does."""
    changed: dict[str, ModelResult] = {}
    for done in result.models:
        model = project.models[done.name]
        reads_changed = {*model.sources} & {*result.changed_sources} or {*model.depends_on} & changed.keys()
        if is_changed(done) or (done.rows is None and reads_changed):
            changed[done.name] = done
    return list(changed.values())


def _worth_telling(known: KnownAssets, models: Iterable[ModelResult]) -> list[ModelResult]:
    """These models without views below the marts, except those that Dagster does not know yet.

    Nobody waits for such a view, and what it shows is told by what it reads and by what reads it.
    """
    told = list(models)
    views = [done.name for done in told if done.rows is None and project.models[done.name].layer != MARTS]
    told_before = known.materializations([model_key(name) for name in views])
    return [done for done in told if model_key(done.name) not in told_before]
