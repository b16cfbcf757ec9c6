"""All definitions that Dagster loads: assets, checks, jobs, schedules, sensors. Loading them needs no database."""

from __future__ import annotations

import dagster as dg

from b24_pipeline.defs.assets import crm, own_leads
from b24_pipeline.defs.assets.crm import qualification
from b24_pipeline.defs.assets.models import models
from b24_pipeline.defs.checks import CHECKS
from b24_pipeline.defs.jobs import JOBS
from b24_pipeline.defs.resources import B24
from b24_pipeline.defs.schedules import SCHEDULES
from b24_pipeline.defs.sensors import SENSORS

defs = dg.Definitions.merge(
    dg.Definitions(assets=[crm.portals, crm.reconciliation, crm.changes, crm.cohorts, crm.directories]),
    dg.Definitions(assets=[*own_leads.own_tables, own_leads.lead_matches, qualification]),
    dg.Definitions(assets=[models]),
    dg.Definitions(asset_checks=CHECKS),
    dg.Definitions(jobs=JOBS, schedules=SCHEDULES, sensors=SENSORS),
    dg.Definitions(resources={"b24": B24()}, executor=dg.in_process_executor),
)
