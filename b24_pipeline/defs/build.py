"""Puts all definitions together: assets, checks, jobs, schedules, sensors. Needs no database."""

from __future__ import annotations

import dagster as dg

from b24_pipeline.defs.assets import crm, own_leads
from b24_pipeline.defs.assets.models import models
from b24_pipeline.defs.assets.own_models import own_assets, own_sensors
from b24_pipeline.defs.checks import CHECKS
from b24_pipeline.defs.jobs import JOBS, asset_jobs
from b24_pipeline.defs.resources import B24
from b24_pipeline.defs.schedules import SCHEDULES
from b24_pipeline.defs.sensors import SENSORS
from b24_pipeline.defs.translation import Asset, Translate, translated

ASSETS: list[Asset] = [
    crm.portals,
    crm.reconciliation,
    crm.qualification,
    crm.changes,
    crm.cohorts,
    crm.directories,
    crm.items,
    *own_leads.own_tables,
    own_leads.lead_matches,
    models,
]


def build_definitions(
    translate: Translate = lambda spec: spec, *, is_embedded: bool = False
) -> dg.Definitions:
    """All definitions, with the assets called and grouped as `translate` says; `is_embedded`: among those of others.

    The operator's own models are among them. Jobs run their steps in the process of the run, whatever the executor of
    the project is.
    """
    ours = translated([*ASSETS, *own_assets()], CHECKS, translate)
    shipped, own = ours.assets[: len(ASSETS)], ours.assets[len(ASSETS) :]
    return dg.Definitions(
        assets=ours.assets,
        asset_checks=ours.checks,
        jobs=(*JOBS, *asset_jobs(shipped, ours.checks)),
        schedules=SCHEDULES,
        sensors=(*SENSORS, *own_sensors(own)),
        resources={"b24": B24.of(ours.keys, is_embedded=is_embedded)},
    )
