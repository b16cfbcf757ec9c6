"""Users of the portal: paged by offset, since `user.get` cannot be read by id (fact sheet, section 6.8)."""

from __future__ import annotations

from b24_pipeline.bitrix.lists.read import read_pages
from b24_pipeline.entities import USER
from b24_pipeline.entities.decode import unique
from b24_pipeline.sync.crm.reader import Reading
from b24_pipeline.sync.crm.scope import FULL
from b24_pipeline.sync.job import Job
from b24_pipeline.sync.outcome import Outcome


def sync_users(job: Job) -> Outcome:
    """All users, dismissed ones too. One that vanishes stays: rows refer to it."""
    with job.recorded(USER.name, "full") as outcome, job.alone(USER.name):
        reading = Reading(job, USER, FULL)
        pages = read_pages(job.client, USER.method, {"sort": "ID", "order": "ASC"})
        rows = reading.decoded(unique([row for page in pages for row in page]))
        merged = job.warehouse.transact(lambda connection: reading.merge(connection, rows))
        outcome.rows_read, outcome.rows_changed = len(rows), merged.rows_changed
        outcome.values_set_aside = reading.decoder.set_aside
        job.options.progress(job.portal.name, USER.name, len(rows))
    return outcome
