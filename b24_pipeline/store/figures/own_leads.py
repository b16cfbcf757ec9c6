"""Own ad leads as lines of a list: what each has become in the CRM and how that was found, or why nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from uuid import UUID

from psycopg.rows import class_row

from b24_pipeline.store.database import queries
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.store.figures.contact_masks import masked_email, masked_phone
from b24_pipeline.store.figures.creative_figures import Group
from b24_pipeline.store.portals.portal import Portal

_sql = queries.load(__file__)


@dataclass(frozen=True, slots=True)
class OwnLeadFilters:
    """Which own leads; None leaves a filter out. `by`: of one creative or campaign and direction, of none too.

    `in_contacts`: whether `search` looks at phones and e-mails too; whoever sees them masked could else find them out.
    """

    search: str | None = None
    by: Group | None = None
    creative: UUID | None = None
    campaign: str | None = None
    direction: UUID | None = None
    first_day: date | None = None
    last_day: date | None = None
    is_linked: bool | None = None
    in_contacts: bool = True


@dataclass(frozen=True, slots=True)
class OwnLead:
    """An own lead. `method`: how it was matched, or `unmatched_reason` why it was not."""

    id: UUID
    name: str | None
    phone: str | None
    email: str | None
    created_at: datetime
    creative_name: str | None
    direction_name: str | None
    utm_campaign: str | None
    is_qualified: bool
    lead_id: int | None
    deal_id: int | None
    contact_id: int | None
    company_id: int | None
    status_id: str | None
    status_name: str | None
    status_color: str | None
    stage_is_deleted: bool
    title: str | None
    method: str | None
    matched_phone: str | None
    chosen_because: str | None
    unmatched_reason: str | None
    candidates: Sequence[Mapping[str, object]]

    @property
    def person(self) -> str | None:
        """Who left it: the name, else the phone, else the e-mail."""
        return self.name or self.phone or self.email

    @property
    def masked(self) -> OwnLead:
        """The same for somebody who may not see how to reach people."""
        return replace(
            self,
            phone=masked_phone(self.phone),
            matched_phone=masked_phone(self.matched_phone),
            email=masked_email(self.email),
        )

    @property
    def card(self) -> tuple[str, int] | None:
        """What it has become, as the portal calls the card: a deal before a lead, a contact, a company."""
        for kind, number in (
            ("deal", self.deal_id),
            ("lead", self.lead_id),
            ("contact", self.contact_id),
            ("company", self.company_id),
        ):
            if number is not None:
                return kind, number
        return None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A lead or deal that has one of the phones of an own lead."""

    entity_type: str
    entity_id: int
    title: str | None
    date_create: datetime | None
    status_id: str | None
    status_name: str | None
    status_color: str | None
    stage_is_deleted: bool


@dataclass(frozen=True, slots=True)
class OwnLeadTotals:
    """How many own leads a portal has, and how many of them are linked to something of the CRM."""

    own_leads: int
    linked: int


def own_leads(
    connection: Connection, portal: Portal, filters: OwnLeadFilters, *, most: int, skipped: int
) -> list[OwnLead]:
    """The own leads that the filters leave, the latest first."""
    asked = _parameters(portal, filters) | {"most": most, "skipped": skipped}
    with connection.cursor(row_factory=class_row(OwnLead)) as cursor:
        return cursor.execute(_sql.own_leads.sql, asked).fetchall()


def count_own_leads(connection: Connection, portal: Portal, filters: OwnLeadFilters) -> int:
    """How many own leads the filters leave."""
    return int(_sql.count_own_leads(connection, **_parameters(portal, filters)))


def totals(connection: Connection, account: UUID) -> OwnLeadTotals:
    """All own leads of a portal."""
    with connection.cursor(row_factory=class_row(OwnLeadTotals)) as cursor:
        found = cursor.execute(_sql.counts.sql, {"account": account}).fetchone()
    return found or OwnLeadTotals(0, 0)


def own_lead(connection: Connection, account: UUID, number: UUID) -> OwnLead | None:
    """One own lead of a portal; None where there is no such one."""
    with connection.cursor(row_factory=class_row(OwnLead)) as cursor:
        return cursor.execute(_sql.own_lead.sql, {"account": account, "own_lead": number}).fetchone()


def candidates(connection: Connection, account: UUID, number: UUID) -> list[Candidate]:
    """The deals and leads that it could be linked to by its phones."""
    with connection.cursor(row_factory=class_row(Candidate)) as cursor:
        return cursor.execute(_sql.candidates.sql, {"account": account, "own_lead": number}).fetchall()


def is_by_hand(connection: Connection, account: UUID, number: UUID) -> bool:
    """Whether a person has said what it has become."""
    return bool(_sql.is_by_hand(connection, account=account, own_lead=number))


def _parameters(portal: Portal, filters: OwnLeadFilters) -> dict[str, object]:
    return {"account": portal.id, "zone": portal.time_zone} | asdict(filters)
