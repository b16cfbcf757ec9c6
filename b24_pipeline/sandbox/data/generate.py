"""The whole portal from a configuration: plan who came from whom, then make the columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from b24_pipeline.sandbox.config import SandboxConfig
from b24_pipeline.sandbox.crm.activity_links import ActivityLinks
from b24_pipeline.sandbox.crm.contact_links import OtherContacts
from b24_pipeline.sandbox.crm.currencies import Currency, generate_currencies
from b24_pipeline.sandbox.crm.departments import Department, generate_departments
from b24_pipeline.sandbox.crm.entity import CrmEntity
from b24_pipeline.sandbox.crm.smart_types import SmartTypeRecords
from b24_pipeline.sandbox.crm.stages import Directories
from b24_pipeline.sandbox.crm.standard_fields import STANDARD_FIELDS
from b24_pipeline.sandbox.crm.users import User, generate_users, user_ids
from b24_pipeline.sandbox.data.contacts import (
    Persons,
    make_companies,
    make_contacts,
    other_contacts,
    random_phones,
)
from b24_pipeline.sandbox.data.custom import user_column, user_fields
from b24_pipeline.sandbox.data.dates import creation_times, identifiers
from b24_pipeline.sandbox.data.deals import Deals, make_deals, plan_deals
from b24_pipeline.sandbox.data.histories import history_table
from b24_pipeline.sandbox.data.journeys import Ints
from b24_pipeline.sandbox.data.leads import Leads, make_leads, plan_leads
from b24_pipeline.sandbox.data.maker import Maker
from b24_pipeline.sandbox.data.pipelines import generate_directories
from b24_pipeline.sandbox.data.records import RecordGeneration
from b24_pipeline.sandbox.data.smart import SmartGeneration
from b24_pipeline.sandbox.rows.cells import NOTHING
from b24_pipeline.sandbox.rows.table import Table


@dataclass(frozen=True)
class Generated:
    """What a portal starts with."""

    entities: dict[str, CrmEntity]
    directories: Directories
    users: list[User]
    departments: list[Department]
    currencies: list[Currency]
    other_contacts: OtherContacts
    smart_types: SmartTypeRecords
    activity_links: ActivityLinks


class Generation:
    """One run; every draw comes from one generator, in a fixed order."""

    def __init__(self, config: SandboxConfig) -> None:
        self._config = config
        self._rng = np.random.default_rng(config.seed)
        self._now = int(config.now.timestamp())
        self._users = generate_users(self._rng)
        self._owners = user_ids(self._users, active=False)

    def run(self) -> Generated:
        """Leads first, then the people and deals that came of them."""
        leads = self._leads()
        companies = self._companies()
        contacts, origin = self._contacts(leads)
        deals = self._deals(leads, contacts, origin, companies)
        entities: dict[str, CrmEntity] = {
            "lead": self._lead_entity(leads, contacts, origin, companies),
            "deal": self._deal_entity(deals),
            "contact": self._contact_entity(contacts, companies),
            "company": self._company_entity(companies),
        }
        others = self._other_contacts(leads, deals, contacts, origin)
        directories = generate_directories()
        smart = SmartGeneration(self._config, entities, directories, self._owners)
        entities = {**entities, **smart.run()}
        records, activity_links = RecordGeneration(self._config, entities, self._owners).run()
        return Generated(
            entities={**entities, **records},
            activity_links=activity_links,
            directories=directories,
            users=self._users,
            departments=generate_departments(self._owners),
            currencies=generate_currencies(),
            other_contacts=others,
            smart_types=smart.types,
        )

    def _other_contacts(self, leads: Leads, deals: Deals, contacts: Persons, origin: Ints) -> OtherContacts:
        """Drawn apart, so that they change nothing else of a portal."""
        rng = np.random.default_rng([self._config.seed, 1])
        of_leads = self._contact_of_lead(leads, contacts, origin)
        return {
            "lead": other_contacts(rng, leads.ids, of_leads, contacts.ids, 0.05),
            "deal": other_contacts(rng, deals.ids, deals.contacts, contacts.ids, 0.12),
        }

    def _leads(self) -> Leads:
        count = self._config.leads
        created = creation_times(self._rng, count, self._now)
        return plan_leads(self._rng, identifiers(self._rng, count, 100), created, self._now)

    def _companies(self) -> Persons:
        count = self._config.company_count
        created = creation_times(self._rng, count, self._now)
        phones = random_phones(self._rng, count, 4_950_000_000)
        ids = identifiers(self._rng, count, 0)
        return Persons(ids, created, np.full(count, NOTHING), phones)

    def _contacts(self, leads: Leads) -> tuple[Persons, Ints]:
        """Contacts, and for each the number of its lead or -1."""
        created, origin = self._born(leads, self._config.contact_count)
        phones = random_phones(self._rng, len(created), 9_000_000_000)
        phones = np.where(origin >= 0, _at(leads.phones, origin), phones)
        ids = identifiers(self._rng, len(created), 30)
        return Persons(ids, created, _at(leads.ids, origin), phones), origin

    def _born(self, leads: Leads, count: int) -> tuple[Ints, Ints]:
        """Ascending creation times of `count` elements, some of them at a lead's conversion."""
        converted = leads.converted[: count * 9 // 10]
        unconverted = creation_times(self._rng, count - len(converted), self._now)
        created = np.concatenate([leads.walk.moved_at[converted], unconverted])
        origin = np.concatenate([converted, np.full(len(unconverted), -1)])
        order = np.argsort(created, kind="stable")
        return created[order], origin[order]

    def _deals(self, leads: Leads, contacts: Persons, origin: Ints, companies: Persons) -> Deals:
        created, lead = self._born(leads, self._config.deals)
        of_lead = _at(self._contact_of_lead(leads, contacts, origin), lead)
        links = (
            _at(leads.ids, lead),
            np.where(lead >= 0, of_lead, self._some_of(contacts.ids, len(created), 0.85)),
            self._some_of(companies.ids, len(created), 0.4),
        )
        ids = identifiers(self._rng, len(created), 10)
        return plan_deals(self._rng, ids, created, links, self._now)

    def _contact_of_lead(self, leads: Leads, contacts: Persons, origin: Ints) -> Ints:
        contact = np.full(len(leads.ids), NOTHING)
        contact[origin[origin >= 0]] = contacts.ids[origin >= 0]
        return contact

    def _some_of(self, ids: Ints, count: int, share: float) -> Ints:
        if not len(ids):
            return np.full(count, NOTHING)
        return np.where(self._rng.random(count) < share, self._rng.choice(ids, count), NOTHING)

    def _lead_entity(self, leads: Leads, contacts: Persons, origin: Ints, companies: Persons) -> CrmEntity:
        contact = self._contact_of_lead(leads, contacts, origin)
        company = np.where(contact != NOTHING, self._some_of(companies.ids, len(contact), 0.3), NOTHING)
        maker = make_leads(self._rng, leads, contact, company, self._owners, self._now)
        history = history_table(self._rng, "lead", leads.tracks, leads.moves, leads.ids)
        return self._entity("lead", leads.ids, maker, history)

    def _deal_entity(self, deals: Deals) -> CrmEntity:
        maker = make_deals(self._rng, deals, self._owners, self._now)
        history = history_table(self._rng, "deal", deals.tracks, deals.moves, deals.ids)
        return self._entity("deal", deals.ids, maker, history)

    def _contact_entity(self, contacts: Persons, companies: Persons) -> CrmEntity:
        links = self._some_of(companies.ids, len(contacts.ids), 0.35)
        maker = make_contacts(self._rng, contacts, links, self._owners, self._now)
        return self._entity("contact", contacts.ids, maker, None)

    def _company_entity(self, companies: Persons) -> CrmEntity:
        maker = make_companies(self._rng, companies, self._owners, self._now)
        return self._entity("company", companies.ids, maker, None)

    def _entity(self, entity_type: str, ids: Ints, maker: Maker, history: Table | None) -> CrmEntity:
        fields = user_fields(entity_type)
        for field in fields:
            maker.columns[field.name] = user_column(self._rng, field, maker.size, self._now)
        return CrmEntity(
            entity_type, Table(ids, maker.columns), history, STANDARD_FIELDS[entity_type], fields
        )


def _at(values: Ints, places: Ints | Sequence[int]) -> Ints:
    """`values[places]`, NOTHING where the place is -1."""
    found = np.full(len(places), NOTHING)
    present = np.asarray(places) >= 0
    found[present] = values[np.asarray(places)[present]]
    return found
