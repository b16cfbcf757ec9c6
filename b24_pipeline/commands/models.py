"""`b24 models`: builds the SQL models and runs their tests."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from b24_pipeline.commands.opening import installation
from b24_pipeline.commands.screen import output, say, table
from b24_pipeline.errors import ModelError, UsageError
from b24_pipeline.runtime import Runtime
from b24_pipeline.store.checks.last_syncs import models_built
from b24_pipeline.store.portals.run_requests import answered

if TYPE_CHECKING:
    from b24_pipeline.models import BuildResult


def models(
    full_refresh: Annotated[
        bool,
        typer.Option(
            "--full-refresh",
            help="Build from nothing; of own incremental models only what --select names.",
        ),
    ] = False,
    select: Annotated[
        str | None, typer.Option(help="Models, as dbt selects them: name, +name, name+. Your own ones too.")
    ] = None,
    all_tests: Annotated[
        bool, typer.Option("--all-tests", help="Test all rows, not only those that changed.")
    ] = False,
) -> None:
    """Build the SQL models and run their tests."""
    only_changed = not (full_refresh or select or all_tests)
    with installation() as opened:
        built = build_models(opened, select=select, full_refresh=full_refresh, only_changed=only_changed)
        if full_refresh and not select:
            _note_kept(built)
        if not select:
            _note_unbuilt_own_models(opened)
    if not (built.models or built.own_models or built.own_error):
        output.print(
            "all models are up to date; --all-tests tests all rows, --full-refresh builds everything anew"
        )
        return
    rows = [
        (model.name, model.materialized, model.action, model.rows, model.seconds)
        for model in (*built.models, *built.own_models)
    ]
    table(("model", "materialized", "done", "rows", "seconds"), rows, right=(3, 4))
    models = [*built.models, *built.own_models]
    tests = [test for model in models for test in model.tests]
    failed = [test for test in tests if not test.passed]
    for test in failed:
        say(f"{test.severity}: {test.name} fails for {test.failures} rows")
    output.print(f"{len(models)} models, {len(tests) - len(failed)} of {len(tests)} tests passed")
    built.raise_for_own_models()


def _note_kept(built: BuildResult) -> None:
    """Says which own models a full refresh has not built from nothing."""
    kept = [model.name for model in built.own_models if model.action == "incremental"]
    if kept:
        say(
            f"note: own incremental models keep the rows of earlier builds: {', '.join(kept)}; to replace one, "
            f"b24 models --full-refresh --select {kept[0]}"
        )


def _note_unbuilt_own_models(opened: Runtime) -> None:
    """Says that own models stay as they were, where there are some and this process does not know their folder."""
    from b24_pipeline.models import OWN_SCHEMA, stored_own_models

    if opened.settings.b24_models_path:
        return
    with opened.warehouse.connect() as connection:
        is_there = bool(stored_own_models(connection))
    if is_there:
        say(f"note: the models in {OWN_SCHEMA} were not built, because B24_MODELS_PATH is not set")


def build_models(
    opened: Runtime, *, select: str | None = None, full_refresh: bool = False, only_changed: bool = False
) -> BuildResult:
    """Builds the SQL models and runs their tests, then the operator's own models. Raises ModelError for ours.

    `only_changed` leaves out those that read nothing that changed since they were built. A selection may name both.
    """
    from b24_pipeline.models import BuildResult, build, build_own_models, load_own_models, load_project

    ours = load_project()
    connect, path = opened.warehouse.connect, opened.settings.b24_models_path
    of_ours, of_own = _parted(opened, select) if select else (None, None)
    built = BuildResult()
    if of_ours or not select:
        with nullcontext() if select else answered(opened.warehouse):
            built = build(connect, ours, select=of_ours, full_refresh=full_refresh, only_changed=only_changed)
    if path and (of_own or not select):
        try:
            build_own_models(
                connect,
                ours,
                load_own_models(path, ours),
                select=of_own,
                only_changed=only_changed,
                full_refresh=full_refresh,
                on_model=built.own_models.append,
            )
        except ModelError as error:
            built.own_error = error
    return built


def update_models(opened: Runtime) -> BuildResult | None:
    """Brings the models up to date; those that were never built wait for the portal's first sync."""
    with opened.warehouse.connect() as connection:
        are_built = models_built(connection)
    return build_models(opened, only_changed=True) if are_built else None


def _parted(opened: Runtime, select: str) -> tuple[str | None, str | None]:
    """The parts of a selection that are of our models and of own ones, which are read only where they are meant."""
    from b24_pipeline.models import load_own_models, load_project, parted

    ours, path = load_project(), opened.settings.b24_models_path
    try:
        return parted(select, ours.models, {})
    except UsageError:
        if not path:
            raise
        return parted(select, ours.models, load_own_models(path, ours).models)
