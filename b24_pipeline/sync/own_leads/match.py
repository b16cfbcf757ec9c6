"""Matches own ad leads to the CRM: first within our copy, then by the portal's own search for those not found.

The portal's search does not say which object has which phone, so what it finds is fetched
into the copy and matched there. Each chunk is one transaction with a row in the sync log:
wherever a run is killed, the next run goes on with the chunks that are left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import monotonic

from b24_pipeline.bitrix.answers import Row
from b24_pipeline.bitrix.batch import MAX_COMMANDS
from b24_pipeline.bitrix.lists.ranges import PAGE_ROWS
from b24_pipeline.entities import BY_NAME
from b24_pipeline.errors import B24Error, EntityTypeNotCounted
from b24_pipeline.store.crm.history import now
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.store.own_leads import matches
from b24_pipeline.store.own_leads.matches import Linked, OwnLeadCounts, Unfound
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.connections import Connections
from b24_pipeline.sync.crm.by_id import ObjectFetcher, ObjectKey
from b24_pipeline.sync.crm.entity_copy import EntityCopy
from b24_pipeline.sync.crm.merge_fitting import merge_storable_rows
from b24_pipeline.sync.crm.scope import Scope
from b24_pipeline.sync.failures import explained
from b24_pipeline.sync.job import Job
from b24_pipeline.sync.options import Options
from b24_pipeline.sync.own_leads.match_copy import MATCH, OWN_LEAD, link_own_leads, log_match, match_changed
from b24_pipeline.sync.own_leads.portal_search import MOST_VALUES, search
from b24_pipeline.sync.own_leads.qualify import mark_own_leads
from b24_pipeline.sync.parallel import each_portal

BY_SEARCH = Scope(MATCH, MATCH)

PHONES_A_CHUNK = 10 * MAX_COMMANDS * MOST_VALUES
"""Phones of a chunk: ten requests search for so many."""

OBJECTS_AT_ONCE = MAX_COMMANDS * PAGE_ROWS


@dataclass(slots=True)
class MatchOutcome:
    """The outcome of matching one portal's own leads, in numbers of own leads.

    `linked` are newly linked, `updated` are linked to another object or in another stage now; `unsearched` is the
    number of phones that the portal did not search for. `error` is None if it worked; what was stored before an
    error stays.
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
        """Whether the matching ended without an error and all phones were searched for."""
        return self.error is None and not self.unsearched


def match_portals(
    connections: Connections, portals: Sequence[Portal], options: Options
) -> list[MatchOutcome]:
    """Matches the own leads of several portals side by side; a portal that fails stops no other."""
    return each_portal(
        connections, portals, options, match, lambda portal, error: MatchOutcome(portal.name, error=error)
    )


def match(job: Job, entity_type: str | None = None) -> MatchOutcome:
    """Matches the own leads of one portal.

    `entity_type`: what to search for in the portal, if not all that its funnel counts. Raises EntityTypeNotCounted
    where the portal does not count it; every other error is in the outcome.
    """
    wanted = _wanted(job.portal, entity_type)
    outcome, started = MatchOutcome(job.portal.name), monotonic()
    try:
        with explained(job.portal.name, "matching own leads"), job.alone(OWN_LEAD):
            _add_links(outcome, link_own_leads(job.warehouse, job.portal))
            with job.warehouse.connect() as connection:
                unfound = matches.to_ask(connection, job.portal.id)
            for chunk in _chunks(unfound):
                _search(job, wanted, chunk, outcome)
            mark_own_leads(job.warehouse, job.portal)
    except B24Error as error:
        outcome.error = error
    outcome.requests, outcome.seconds = job.client.usage.requests, monotonic() - started
    _count_own_leads(outcome, job)
    return outcome


def _wanted(portal: Portal, entity_type: str | None) -> str:
    if entity_type is None or portal.entity_type in (entity_type, "both"):
        return entity_type or portal.entity_type
    raise EntityTypeNotCounted(portal.name, entity_type, portal.entity_type)


def _chunks(unfound: Sequence[Unfound]) -> Iterator[list[Unfound]]:
    """Parts own leads into chunks of at most PHONES_A_CHUNK phones."""
    chunk: list[Unfound] = []
    phones: set[str] = set()
    for own_lead in unfound:
        if phones and len(phones | set(own_lead.phones)) > PHONES_A_CHUNK:
            yield chunk
            chunk, phones = [], set()
        chunk.append(own_lead)
        phones.update(own_lead.phones)
    if chunk:
        yield chunk


def _search(job: Job, entity_type: str, chunk: Sequence[Unfound], outcome: MatchOutcome) -> None:
    """Searches for one chunk, fetches what was found, and stores it with the matches in one transaction."""
    started, usage = monotonic(), job.client.usage
    requests, operating = usage.requests, usage.operating_seconds
    phones = sorted({phone for own_lead in chunk for phone in own_lead.phones})
    hits = search(job.client, phones, entity_type)
    entity_copies = {
        name: EntityCopy(job, BY_NAME[name], BY_SEARCH) for name in ("lead", "contact", "company")
    }
    asked_at = job.warehouse.transact(now)
    rows = _fetched(job, entity_copies, sorted(hits.objects))
    asked = [own_lead for own_lead in chunk if not hits.failed.intersection(own_lead.phones)]

    def work(connection: Connection) -> Linked:
        for name, found in rows.items():
            merge_storable_rows(entity_copies[name], connection, entity_copies[name].unique(found), asked_at)
        linked = match_changed(connection, job.portal, by_portal=True, asked=asked)
        log_match(
            connection,
            job.portal,
            linked,
            seconds=monotonic() - started,
            run_id=job.options.run_id,
            requests=usage.requests - requests,
            operating_seconds=usage.operating_seconds - operating,
        )
        return linked

    _add_links(outcome, job.warehouse.transact(work))
    outcome.unsearched += len(hits.failed)
    job.options.progress(job.portal.name, OWN_LEAD, len(chunk))


def _fetched(
    job: Job, entity_copies: dict[str, EntityCopy], objects: Sequence[ObjectKey]
) -> dict[str, list[Row]]:
    """The rows of these objects by entity. An object that the list leaves out is hidden from us: it is not matched."""
    rows: dict[str, list[Row]] = {}
    for start in range(0, len(objects), OBJECTS_AT_ONCE):
        part = objects[start : start + OBJECTS_AT_ONCE]
        fetched = ObjectFetcher(job.client, entity_copies).fetch(part, part, {})
        for name, found in fetched.rows.items():
            rows.setdefault(name, []).extend(found)
    return rows


def _add_links(outcome: MatchOutcome, linked: Linked) -> None:
    outcome.linked += linked.linked
    outcome.updated += linked.updated


def _count_own_leads(outcome: MatchOutcome, job: Job) -> None:
    """Counts the portal's own leads, matched and not found, for the outcome."""
    with job.warehouse.connect() as connection:
        now: OwnLeadCounts = matches.standing(connection, job.portal.id)
    outcome.own_leads, outcome.matched, outcome.not_found = now.own_leads, now.matched, now.not_found
