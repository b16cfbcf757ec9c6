"""The operator's own SQL models (B24_MODELS_PATH) as assets: one step builds them, after ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import dagster as dg

from b24_pipeline.defs.assets.failures import errors_as_failures, failure
from b24_pipeline.defs.assets.metadata import build_metadata
from b24_pipeline.defs.assets.models import project
from b24_pipeline.defs.known_assets import AssetNames
from b24_pipeline.defs.resources import B24
from b24_pipeline.errors import B24Error, ModelError
from b24_pipeline.log import logger
from b24_pipeline.models import Check, Model, ModelResult, Project, build_own_models, load_own_models
from b24_pipeline.settings import settings

GROUP = "own_models"

log = logger("models")


def own_key(name: str) -> dg.AssetKey:
    """The asset key of a model of the operator's."""
    return dg.AssetKey([GROUP, name])


def own_assets() -> list[dg.AssetsDefinition]:
    """The assets of the folder that the settings name; none without one, or where it cannot be read."""
    try:
        folder = settings().b24_models_path
        return [assets_of(load_own_models(folder, project), folder)] if folder else []
    except B24Error as error:
        log.warning("own models are not shown", error=str(error))
        return []


def own_sensors(assets: Sequence[dg.AssetsDefinition | dg.AssetSpec]) -> list[dg.SensorDefinition]:
    """The sensor that has these assets built whenever a mart that they read was materialized."""
    if not assets:
        return []
    return [
        dg.AutomationConditionSensorDefinition(
            "own_models_follow",
            target=dg.AssetSelection.assets(*(key for asset in assets for key in _keys(asset))),
            default_status=dg.DefaultSensorStatus.RUNNING,
            minimum_interval_seconds=60,
            description="Builds the own models when a mart that they read was materialized.",
        )
    ]


def _keys(asset: dg.AssetsDefinition | dg.AssetSpec) -> list[dg.AssetKey]:
    return [asset.key] if isinstance(asset, dg.AssetSpec) else list(asset.keys)


def assets_of(own: Project, folder: Path) -> dg.AssetsDefinition:
    """One step for all of them."""

    @dg.multi_asset(
        name="build_own_models",
        specs=[_spec(own, model) for model in own.models.values()],
        check_specs=[_check_spec(check) for model in own.models.values() for check in model.tests],
    )
    def own_models(b24: B24) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        """Builds the operator's own models in order, and runs their tests."""
        done: list[ModelResult] = []
        broken: ModelError | None = None
        with errors_as_failures(), b24.opened() as runtime:
            # read again: the files may have changed since the definitions were loaded
            now = load_own_models(folder, project)
            try:
                build_own_models(runtime.warehouse.connect, project, now, on_model=done.append)
            except ModelError as error:
                broken = error
            known = [result for result in done if result.name in own.models]
            for result in known:
                yield from _reported(b24.asset_names, now, own, result)
        if broken:
            raise failure([broken])

    return own_models


def _spec(own: Project, model: Model) -> dg.AssetSpec:
    return dg.AssetSpec(
        own_key(model.name),
        deps=list(_upstream(own, model)),
        description=model.description or f"A model of your own, {model.path.name}.",
        group_name=GROUP,
        kinds={"postgres", "sql", model.materialized},
        metadata={"dagster/table_name": f"{own.schema}.{model.name}"},
        automation_condition=dg.AutomationCondition.eager(),
    )


def _upstream(own: Project, model: Model) -> Iterator[dg.AssetKey]:
    """Other models of the folder, marts, and raw tables; a table that is none of ours is no asset."""
    yield from map(own_key, model.depends_on)
    raw = {source.relation: dg.AssetKey(source.key) for source in project.sources.values()}
    marts = {f"{schema}.{name}": dg.AssetKey([name]) for name, schema in own.borrowed.items()}
    known = raw | marts
    yield from (known[relation] for relation in model.sources if relation in known)


def _check_spec(check: Check) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        check.name,
        asset=own_key(check.model),
        description=check.description or None,
        blocking=check.severity == "error",
    )


def _reported(
    names: AssetNames, now: Project, shown: Project, result: ModelResult
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """A model that was built, and those of its tests that the definitions know."""
    yield dg.MaterializeResult(
        asset_key=names.key(own_key(result.name)), metadata=build_metadata(now, result)
    )
    tests = {check.name for check in shown.models[result.name].tests}
    for test in result.tests:
        if test.name in tests:
            yield dg.AssetCheckResult(
                passed=test.passed,
                asset_key=names.key(own_key(result.name)),
                check_name=test.name,
                severity=dg.AssetCheckSeverity(test.severity.upper()),
                metadata={"failures": test.failures, "seconds": round(test.seconds, 3)},
            )
