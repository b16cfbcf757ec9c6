"""Own ad leads matched to the CRM: first within our copy, then by the portal's own search for what is not found.

What the search finds is fetched into the copy, and matched there: the answer
itself does not tell whose phone was whose. Each chunk is one transaction with
its row in the sync log; killed anywhere, the next run goes on with the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import monotonic

from b24_pipeline.bitrix.answers import Row
from b24_pipeline.bitrix.batch import MAX_COMMANDS
from b24_pipeline.bitrix.lists.ranges import PAGE_ROWS
from b24_pipeline.entities import BY_NAME
from b24_pipeline.entities.decode import unique
from b24_pipeline.errors import B24Error, EntityTypeNotCounted
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.store.own_leads import matches
from b24_pipeline.store.own_leads.matches import Linked, OwnLeadCounts, Unfound
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.connections import Connections
from b24_pipeline.sync.crm.by_id import Fetching, Object
from b24_pipeline.sync.crm.merge_fitting import merge_what_fits
from b24_pipeline.sync.crm.reader import Reading
from b24_pipeline.sync.crm.scope import Scope
from b24_pipeline.sync.failures import explained
from b24_pipeline.sync.job import Job
from b24_pipeline.sync.options import Options
from b24_pipeline.sync.own_leads.match_copy import MATCH, OWN_LEAD, follow_copy, link_own_leads, note
from b24_pipeline.sync.own_leads.portal_search import MOST_VALUES, search
from b24_pipeline.sync.own_leads.qualify import follow_own_leads
from b24_pipeline.sync.parallel import each_portal

BY_SEARCH = Scope(MATCH, MATCH)

PHONES_A_CHUNK = 10 * MAX_COMMANDS * MOST_VALUES
"""Ten requests: what they find is then fetched in few."""

OBJECTS_AT_ONCE = MAX_COMMANDS * PAGE_ROWS


@dataclass(slots=True)
class Matched:
    """What a matching of one portal did.

    `linked` are own leads newly linked, `updated` those linked to something
    else or standing elsewhere now, `unsearched` phones that the portal did not
    look for. `error` is None where it worked; what was done before it stays.
    """

    portal: str
    own_leads: int = 0
    matched: int = 0
    linked: int = 0
    updated: int = 0
    not_found: int = 0
    unsearched: int = 0
    requests: int = 0
    seconds: float = 0.0
    error: B24Error | None = None

    @property
    def worked(self) -> bool:
        """Whether all of it was done."""
        return self.error is None and not self.unsearched


def match_portals(connections: Connections, portals: Sequence[Portal], options: Options) -> list[Matched]:
    """Matches the own leads of portals side by side; one that fails does not stop the others."""
    return each_portal(
        connections, portals, options, match, lambda portal, error: Matched(portal.name, error=error)
    )


def match(job: Job, entity_type: str | None = None) -> Matched:
    """Matches one portal's own leads. `entity_type`: what the portal is searched for, if not all that is counted.

    Raises EntityTypeNotCounted; every other error is in the result.
    """
    wanted = _wanted(job.portal, entity_type)
    done, started = Matched(job.portal.name), monotonic()
    try:
        with explained(job.portal.name, "matching own leads"), job.alone(OWN_LEAD):
            _add(done, link_own_leads(job.warehouse, job.portal))
            with job.warehouse.connect() as connection:
                unfound = matches.to_ask(connection, job.portal.id)
            for chunk in _chunks(unfound):
                _search(job, wanted, chunk, done)
            follow_own_leads(job.warehouse, job.portal)
    except B24Error as error:
        done.error = error
    done.requests, done.seconds = job.client.usage.requests, monotonic() - started
    _tell(done, job)
    return done


def _wanted(portal: Portal, entity_type: str | None) -> str:
    if entity_type is None or portal.entity_type in (entity_type, "both"):
        return entity_type or portal.entity_type
    raise EntityTypeNotCounted(portal.name, entity_type, portal.entity_type)


def _chunks(unfound: Sequence[Unfound]) -> Iterator[list[Unfound]]:
    """So many own leads as have the phones of a chunk."""
    chunk: list[Unfound] = []
    phones: set[str] = set()
    for one in unfound:
        if phones and len(phones | set(one.phones)) > PHONES_A_CHUNK:
            yield chunk
            chunk, phones = [], set()
        chunk.append(one)
        phones.update(one.phones)
    if chunk:
        yield chunk


def _search(job: Job, entity_type: str, chunk: Sequence[Unfound], done: Matched) -> None:
    """Searches, fetches what was found, and stores it with the matches in one transaction."""
    started, usage = monotonic(), job.client.usage
    requests, operating = usage.requests, usage.operating_seconds
    phones = sorted({phone for one in chunk for phone in one.phones})
    hits = search(job.client, phones, entity_type)
    readings = {name: Reading(job, BY_NAME[name], BY_SEARCH) for name in ("lead", "contact")}
    rows = _fetched(job, readings, sorted(hits.objects))
    asked = [one for one in chunk if not hits.failed.intersection(one.phones)]

    def work(connection: Connection) -> Linked:
        for name, found in rows.items():
            merge_what_fits(readings[name], connection, unique(found))
        linked = follow_copy(connection, job.portal, by_portal=True, asked=asked)
        note(
            connection,
            job.portal,
            linked,
            seconds=monotonic() - started,
            run_id=job.options.run_id,
            requests=usage.requests - requests,
            operating_seconds=usage.operating_seconds - operating,
        )
        return linked

    _add(done, job.warehouse.transact(work))
    done.unsearched += len(hits.failed)
    job.options.progress(job.portal.name, OWN_LEAD, len(chunk))


def _fetched(job: Job, readings: dict[str, Reading], objects: Sequence[Object]) -> dict[str, list[Row]]:
    """The rows of these. What a list does not show, we may not see: it cannot be matched."""
    rows: dict[str, list[Row]] = {}
    for start in range(0, len(objects), OBJECTS_AT_ONCE):
        part = objects[start : start + OBJECTS_AT_ONCE]
        fetched = Fetching(job.client, readings).fetch(part, part, {})
        for name, found in fetched.rows.items():
            rows.setdefault(name, []).extend(found)
    return rows


def _add(done: Matched, linked: Linked) -> None:
    done.linked += linked.linked
    done.updated += linked.updated


def _tell(done: Matched, job: Job) -> None:
    """How the own leads stand in the end."""
    with job.warehouse.connect() as connection:
        now: OwnLeadCounts = matches.standing(connection, job.portal.id)
    done.own_leads, done.matched, done.not_found = now.own_leads, now.matched, now.not_found
