"""What Dagster is to know of a build of the models that no asset step has done: what changed, and no more.

Dagster keeps every event. A build every ten minutes that reports all models and tests
writes hundreds of rows that say what was known already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import dagster as dg
from dagster import AssetCheckKey

from b24_pipeline.defs.assets.check_events import changed_results, evaluations
from b24_pipeline.defs.assets.model_checks import check_results, check_specs, model_key
from b24_pipeline.defs.assets.models import model_metadata, project
from b24_pipeline.defs.known_assets import Event, KnownAssets, check_key
from b24_pipeline.models import BuildResult, ModelResult
from b24_pipeline.runtime import Runtime

MARTS = "marts"


def changed_model_events(known: KnownAssets, runtime: Runtime, result: BuildResult) -> Iterator[Event]:
    """The models whose rows changed, with all their checks, and the checks of others that end another way than before.

    Each event has to be stored before the next is asked for: a check names the materialization that it is of.
    """
    changed = _worth_telling(known, changed_models(result))
    results = list(check_results(result.tests))
    yield from model_materializations(runtime, changed)
    yield from model_evaluations(known, changed, results)
    yield from evaluations(known, changed_results(known, results))


def model_materializations(
    runtime: Runtime, models: Iterable[ModelResult]
) -> Iterator[dg.AssetMaterialization]:
    """The materializations of these models."""
    for model in models:
        metadata = model_metadata(runtime, project, model)
        yield dg.AssetMaterialization(model_key(model.name), metadata=metadata)


def model_evaluations(
    known: KnownAssets, models: Iterable[ModelResult], results: Iterable[dg.AssetCheckResult]
) -> Iterator[dg.AssetCheckEvaluation]:
    """All checks of these models, as evaluations of their last materialization.

    A check that this build had no reason to look at, because it looks at all rows, is reported with its last result
    and the time of that: every night all are evaluated.
    """
    specs = [spec for model in models for spec in check_specs(project.models[model.name])]
    keys = [AssetCheckKey(spec.asset_key, spec.name) for spec in specs]
    found = known.results(keys) | {check_key(result): result for result in results}
    yield from evaluations(known, [found[key] for key in keys if key in found])


def changed_models(result: BuildResult) -> list[ModelResult]:
    """The models that hold other rows than before the build; a view does if something that it reads does."""
    changed: dict[str, ModelResult] = {}
    for done in result.models:
        model = project.models[done.name]
        reads_changed = {*model.sources} & {*result.changed_sources} or {*model.depends_on} & changed.keys()
        if done.action in ("created", "replaced") or (reads_changed if done.rows is None else done.changed):
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
