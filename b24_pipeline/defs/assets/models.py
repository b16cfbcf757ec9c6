"""The assets of the SQL models in dbt_like_sql/: one step builds them, and their tests are asset checks."""

from collections.abc import Iterable, Iterator
from typing import Any

import dagster as dg

from b24_pipeline.defs.assets.catalogue import (
    BY_CHANGES,
    code_version,
    file_of,
    layer_tags,
    model_columns,
    refreshed,
    table_name,
)
from b24_pipeline.defs.assets.failures import errors_as_failures, failure
from b24_pipeline.defs.assets.funnel_svg import funnel_figures, funnel_picture
from b24_pipeline.defs.assets.metadata import Metadata, build_metadata
from b24_pipeline.defs.assets.model_checks import check_results, check_specs, model_key
from b24_pipeline.defs.assets.versions import Versions, upstream
from b24_pipeline.defs.known_assets import check_key
from b24_pipeline.defs.resources import B24
from b24_pipeline.errors import ModelError
from b24_pipeline.models import (
    Model,
    ModelResult,
    Project,
    TestResult,
    build,
    load_project,
    run_tests,
)
from b24_pipeline.runtime import Runtime
from b24_pipeline.store.marts.funnel import all_funnels

FUNNEL = "funnel_stats"
project = load_project()

Results = dg.MaterializeResult[None] | dg.AssetCheckResult


def _spec(model: Model) -> dg.AssetSpec:
    return dg.AssetSpec(
        model_key(model.name),
        deps=list(upstream(project, model)),
        description=refreshed(model.description, BY_CHANGES),
        group_name=model.layer,
        kinds={"postgres", "sql", model.materialized},
        tags=layer_tags(model.layer),
        metadata=table_name(model.schema, model.name) | model_columns(model) | file_of(model),
        code_version=code_version(model),
    )


@dg.multi_asset(
    name="build_models",
    specs=[_spec(model) for model in project.models.values()],
    check_specs=[spec for model in project.models.values() for spec in check_specs(model)],
    can_subset=True,
)
def models(context: dg.AssetExecutionContext, b24: B24) -> Iterator[Results]:
    """Builds the selected models in order, each in a transaction of its own, and runs their tests."""
    with errors_as_failures(), b24.opened() as runtime:
        chosen = [
            name
            for name in project.models
            if b24.asset_names.key(model_key(name)) in context.selected_asset_keys
        ]
        if not chosen:
            yield from _only_tests(context, b24, runtime)
            return
        done: list[ModelResult] = []
        broken = _build(runtime, chosen, done)
        versions = Versions(project, b24.known(context.instance))
        for result in done:
            version = versions.version(project.models[result.name], is_changed=is_changed(result))
            yield _materialized(b24, runtime, result, version)
            yield from _checked(context, b24, result.tests)
    if broken:
        raise failure([broken])


def _build(runtime: Runtime, chosen: Iterable[str], done: list[ModelResult]) -> ModelError | None:
    """Builds models into `done`; returns the error instead of raising it, so that what was built is still reported."""
    try:
        build(runtime.warehouse.connect, project, select=" ".join(chosen), on_model=done.append)
    except ModelError as error:
        return error
    return None


def _only_tests(
    context: dg.AssetExecutionContext, b24: B24, runtime: Runtime
) -> Iterator[dg.AssetCheckResult]:
    asked = {key.asset_key for key in context.selected_asset_check_keys}
    names = [name for name in project.models if b24.asset_names.key(model_key(name)) in asked]
    yield from _checked(context, b24, run_tests(runtime.warehouse.connect, project, select=" ".join(names)))


def _checked(
    context: dg.AssetExecutionContext, b24: B24, results: Iterable[TestResult]
) -> Iterator[dg.AssetCheckResult]:
    for result in map(b24.asset_names.result, check_results(results)):
        if check_key(result) in context.selected_asset_check_keys:
            yield result


def is_changed(result: ModelResult) -> bool:
    """Whether a model was made anew or has other rows; of a view only what it reads can tell."""
    return result.action in ("created", "replaced") or bool(result.changed)


def _materialized(
    b24: B24, runtime: Runtime, result: ModelResult, version: str
) -> dg.MaterializeResult[None]:
    return dg.MaterializeResult(
        asset_key=b24.asset_names.key(model_key(result.name)),
        metadata=model_metadata(runtime, project, result),
        data_version=dg.DataVersion(version),
    )


def model_metadata(runtime: Runtime, project: Project, result: ModelResult) -> Metadata:
    """The metadata of a built model; that of the funnel has its figures and its picture too."""
    metadata = build_metadata(project, result)
    return metadata | funnel_metadata(runtime) if result.name == FUNNEL else metadata


def funnel_metadata(runtime: Runtime) -> dict[str, Any]:
    """All funnels as they are now, as text and as pictures."""
    with runtime.warehouse.connect() as connection:
        rows = all_funnels(connection)
    return funnel_figures(rows) | {"funnel": dg.MetadataValue.md(funnel_picture(rows))}
