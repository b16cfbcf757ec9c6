"""Own leads and a CRM to match them to, row by row, for tests of the rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from b24_pipeline.store.crm import contact_links
from b24_pipeline.store.crm.contact_links import Contact, Owner, OwnerContacts
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.own_leads.matches import Linked
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.own_leads.match_copy import link_own_leads
from tests.support.installation import account, fetch
from tests.support.servers.web_service import portal as portal_of

START = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass
class Crm:
    """One portal's copy that a test fills; `day` is when something was created."""

    warehouse: Warehouse
    name: str = "acme"
    domain: str = "acme.bitrix24.ru"
    portal: Portal = field(init=False)

    def __post_init__(self) -> None:
        number = account(self.warehouse, self.name)
        self.portal = portal_of(self.name, id=number, domain=self.domain)
        for status, won, lost in (("NEW", False, False), ("WON", True, False), ("LOSE", False, True)):
            self.execute(
                "insert into bitrix24_pipeline_stages (user_account_id, entity_type, category_id, status_id,"
                " status_semantics, is_success_stage, is_fail_stage) values (%s, 'deal', 0, %s, 'process', %s, %s)",
                number,
                status,
                won,
                lost,
            )

    def lead(self, number: int, *phones: str, day: int = 0, status: str = "NEW", **more: Any) -> None:
        """A CRM lead."""
        about = {"status_id": status, "phones": _written(phones), **more}
        self._put("bitrix24_leads", number, day, about)

    def contact(self, number: int, *phones: str, day: int = 0) -> None:
        """A contact."""
        self._put("bitrix24_contacts", number, day, {"phones": _written(phones)})

    def company(self, number: int, *phones: str, day: int = 0) -> None:
        """A company."""
        self._put("bitrix24_companies", number, day, {"phones": _written(phones)})

    def contacts(self, entity_type: str, number: int, *contacts: int) -> None:
        """The contacts of a lead or deal, as a sync stores them."""
        owner = Owner(entity_type, number)
        found = tuple(Contact(one, 10 * place, place == 1) for place, one in enumerate(contacts, 1))
        with self.warehouse.connect() as connection:
            contact_links.merge(connection, self.portal.id, [OwnerContacts(owner, found)])

    def deal(self, number: int, day: int = 0, stage: str = "NEW", **more: Any) -> None:
        """A deal of a contact_id, company_id or lead_id."""
        self._put("bitrix24_deals", number, day, {"category_id": 0, "stage_id": stage, **more})

    def delete(self, table: str, number: int) -> None:
        """A tombstone, as a sync sets it."""
        self.execute(
            f"update {table} set deleted_at = now(), loaded_at = clock_timestamp()"
            " where user_account_id = %s and id = %s",
            self.portal.id,
            number,
        )

    def own(self, phone: str | None, **more: Any) -> UUID:
        """An own lead, as another program inserts it."""
        columns = {"user_account_id": self.portal.id, "phone": phone, **more}
        names, places = ", ".join(columns), ", ".join(["%s"] * len(columns))
        with self.warehouse.connect() as connection:
            made = connection.execute(
                f"insert into leads ({names}) values ({places}) returning id", tuple(columns.values())
            ).fetchone()
        assert made
        return UUID(str(made[0]))

    def link(self) -> Linked:
        """What happens after a sync or drain."""
        return link_own_leads(self.warehouse, self.portal)

    def found(self, own: UUID) -> dict[str, Any]:
        """The own lead with its match."""
        (row,) = fetch(
            self.warehouse,
            "select l.phones, l.current_status_id as status, l.current_pipeline_id as pipeline,"
            " l.bitrix24_entity_type as kind, l.bitrix24_lead_id as lead, l.bitrix24_contact_id as contact,"
            " l.bitrix24_deal_id as deal, m.bitrix24_company_id as company,"
            " m.method, m.matched_phone, m.candidates, m.chosen_because as why,"
            " m.unmatched_reason as reason, m.asked_portal_at as asked, m.matched_at, m.updated_at"
            " from leads l left join lead_matches m on m.lead_id = l.id where l.id = %s",
            own,
        )
        return row

    def execute(self, statement: str, *parameters: Any) -> None:
        """One statement, committed."""
        with self.warehouse.connect() as connection:
            connection.execute(statement, parameters)

    def _put(self, table: str, number: int, day: int, about: dict[str, Any]) -> None:
        columns = {
            "user_account_id": self.portal.id,
            "id": number,
            "date_create": START + timedelta(days=day),
            **about,
        }
        changed = ", ".join(f"{name} = excluded.{name}" for name in about)
        statement = psycopg.sql.SQL(
            f"insert into {table} ({', '.join(columns)}) values ({', '.join(['%s'] * len(columns))})"
            f" on conflict (user_account_id, id) do update set {changed}, loaded_at = clock_timestamp()"
        )
        with self.warehouse.connect() as connection:
            connection.execute(statement, tuple(columns.values()))


def _written(phones: tuple[str, ...]) -> Jsonb:
    return Jsonb(
        [{"ID": str(place), "VALUE": phone, "TYPE_ID": "PHONE"} for place, phone in enumerate(phones)]
    )
