"""The one door for Dagster: everything that it loads. Nothing here needs the database to be there."""

from __future__ import annotations

import dagster as dg

from b24_pipeline.assets import crm, links
from b24_pipeline.assets.models import models
from b24_pipeline.assets.qualification import qualification
from b24_pipeline.automation.checks import CHECKS
from b24_pipeline.automation.jobs import JOBS
from b24_pipeline.automation.schedules import SCHEDULES
from b24_pipeline.automation.sensors import SENSORS
from b24_pipeline.resources import B24

defs = dg.Definitions.merge(
    dg.Definitions(assets=[crm.portals, crm.reconciliation, crm.changes, crm.cohorts, crm.directories]),
    dg.Definitions(assets=[*links.own_tables, links.lead_matches, qualification]),
    dg.Definitions(assets=[models]),
    dg.Definitions(asset_checks=CHECKS),
    dg.Definitions(jobs=JOBS, schedules=SCHEDULES, sensors=SENSORS),
    dg.Definitions(resources={"b24": B24()}, executor=dg.in_process_executor),
)
