"""Leads, deals, contacts, companies and users (docs/bitrix24-rest.md, sections 6.2 and 6.8)."""

from __future__ import annotations

from b24_pipeline.entities.columns import Column, Kind, columns
from b24_pipeline.entities.entity import Entity, FieldCatalogue, StageDirectories
from b24_pipeline.entities.events import Events, changes_of, changes_of_fields
from b24_pipeline.entities.history import DEAL_HISTORY, LEAD_HISTORY

_ID = (Column("ID", Kind.INTEGER, "id"),)

_UTM = columns(Kind.TEXT, "UTM_SOURCE UTM_MEDIUM UTM_CAMPAIGN UTM_CONTENT UTM_TERM")

_TRACKED = (
    *columns(Kind.LINK, "ASSIGNED_BY_ID CREATED_BY_ID MODIFY_BY_ID LAST_ACTIVITY_BY"),
    *columns(Kind.TIMESTAMP, "DATE_CREATE DATE_MODIFY LAST_ACTIVITY_TIME"),
    *columns(Kind.FLAG, "OPENED"),
    *columns(Kind.TEXT, "COMMENTS ORIGINATOR_ID ORIGIN_ID"),
    *_UTM,
)

_ADDRESS = (
    *columns(
        Kind.TEXT,
        "ADDRESS ADDRESS_2 ADDRESS_CITY ADDRESS_POSTAL_CODE ADDRESS_REGION ADDRESS_PROVINCE "
        "ADDRESS_COUNTRY ADDRESS_COUNTRY_CODE",
    ),
    *columns(Kind.LINK, "ADDRESS_LOC_ADDR_ID"),
)

_REACHABLE = (
    *columns(Kind.FLAG, "HAS_PHONE HAS_EMAIL HAS_IMOL"),
    *columns(
        Kind.JSON,
        "PHONE EMAIL WEB IM LINK",
        PHONE="phones",
        EMAIL="emails",
        WEB="webs",
        IM="ims",
        LINK="links",
    ),
)

_PERSON = columns(Kind.TEXT, "HONORIFIC NAME SECOND_NAME LAST_NAME POST")

_MOVED = (*columns(Kind.LINK, "MOVED_BY_ID"), *columns(Kind.TIMESTAMP, "MOVED_TIME"))

_AMOUNT = (
    *columns(Kind.MONEY, "OPPORTUNITY"),
    *columns(Kind.TEXT, "CURRENCY_ID"),
    *columns(Kind.FLAG, "IS_MANUAL_OPPORTUNITY"),
)

_SOURCE = columns(Kind.TEXT, "SOURCE_ID SOURCE_DESCRIPTION")

# `*` leaves out custom fields, and no mask covers the multifields
_PLAIN = ("*", "UF_*")
_WITH_MULTIFIELDS = (*_PLAIN, "PHONE", "EMAIL", "WEB", "IM", "LINK")


def _catalogue(name: str) -> FieldCatalogue:
    return FieldCatalogue(f"crm.{name}.fields", labels=f"crm.{name}.userfield.list")


def _events(name: str) -> Events:
    return Events(changes_of(name), changes_of_fields(name))


LEAD = Entity(
    name="lead",
    type_id=1,
    catalogue=_catalogue("lead"),
    # leads have one pipeline, which has no name in a portal
    stages=StageDirectories(default="STATUS", pipeline="Leads"),
    history=LEAD_HISTORY,
    events=_events("LEAD"),
    method="crm.lead.list",
    table="bitrix24_leads",
    select=_WITH_MULTIFIELDS,
    columns=(
        *_ID,
        *columns(Kind.TEXT, "TITLE COMPANY_TITLE STATUS_ID STATUS_DESCRIPTION STATUS_SEMANTIC_ID"),
        *_PERSON,
        *columns(Kind.DATE, "BIRTHDATE"),
        *_SOURCE,
        *_AMOUNT,
        *columns(Kind.TIMESTAMP, "DATE_CLOSED"),
        *columns(Kind.LINK, "COMPANY_ID CONTACT_ID"),
        *columns(Kind.FLAG, "IS_RETURN_CUSTOMER"),
        *_MOVED,
        *_TRACKED,
        *_ADDRESS,
        *_REACHABLE,
    ),
)

DEAL = Entity(
    name="deal",
    type_id=2,
    catalogue=_catalogue("deal"),
    stages=StageDirectories(default="DEAL_STAGE", numbered="DEAL_STAGE_"),
    history=DEAL_HISTORY,
    # a change of the pipeline comes as an event of its own instead of an update
    events=Events((*changes_of("DEAL"), "ONCRMDEALMOVETOCATEGORY"), changes_of_fields("DEAL")),
    method="crm.deal.list",
    table="bitrix24_deals",
    select=_PLAIN,
    columns=(
        *_ID,
        *columns(Kind.TEXT, "TITLE TYPE_ID STAGE_ID STAGE_SEMANTIC_ID ADDITIONAL_INFO LOCATION_ID"),
        *columns(Kind.INTEGER, "CATEGORY_ID PROBABILITY"),
        *columns(Kind.FLAG, "IS_NEW IS_RECURRING IS_RETURN_CUSTOMER IS_REPEATED_APPROACH CLOSED"),
        *columns(Kind.MONEY, "TAX_VALUE"),
        *columns(Kind.LINK, "LEAD_ID CONTACT_ID COMPANY_ID QUOTE_ID"),
        *columns(Kind.DATE, "BEGINDATE CLOSEDATE"),
        *_SOURCE,
        *_AMOUNT,
        *_MOVED,
        *_TRACKED,
    ),
)

CONTACT = Entity(
    name="contact",
    type_id=3,
    catalogue=_catalogue("contact"),
    events=_events("CONTACT"),
    method="crm.contact.list",
    table="bitrix24_contacts",
    select=_WITH_MULTIFIELDS,
    columns=(
        *_ID,
        *_PERSON,
        *columns(Kind.FILE, "PHOTO"),
        *columns(Kind.DATE, "BIRTHDATE"),
        *columns(Kind.TEXT, "TYPE_ID ORIGIN_VERSION"),
        *_SOURCE,
        *columns(Kind.FLAG, "EXPORT"),
        *columns(Kind.LINK, "COMPANY_ID LEAD_ID"),
        *_TRACKED,
        *_ADDRESS,
        *_REACHABLE,
    ),
)

COMPANY = Entity(
    name="company",
    type_id=4,
    catalogue=_catalogue("company"),
    events=_events("COMPANY"),
    method="crm.company.list",
    table="bitrix24_companies",
    select=_WITH_MULTIFIELDS,
    columns=(
        *_ID,
        *columns(
            Kind.TEXT,
            "TITLE COMPANY_TYPE INDUSTRY EMPLOYEES CURRENCY_ID BANKING_DETAILS LAST_COMMUNICATION_TIME "
            "ADDRESS_LEGAL REG_ADDRESS REG_ADDRESS_2 REG_ADDRESS_CITY REG_ADDRESS_POSTAL_CODE "
            "REG_ADDRESS_REGION REG_ADDRESS_PROVINCE REG_ADDRESS_COUNTRY REG_ADDRESS_COUNTRY_CODE "
            "ORIGIN_VERSION",
        ),
        *columns(Kind.FILE, "LOGO"),
        *columns(Kind.MONEY, "REVENUE"),
        *columns(Kind.FLAG, "IS_MY_COMPANY"),
        *columns(Kind.LINK, "LEAD_ID REG_ADDRESS_LOC_ADDR_ID"),
        *_TRACKED,
        *_ADDRESS,
        *_REACHABLE,
    ),
)

USER = Entity(
    name="user",
    method="user.get",
    table="bitrix24_users",
    select=(),
    modified=None,
    created=None,
    volatile=frozenset({"IS_ONLINE", "LAST_ACTIVITY_DATE", "LAST_LOGIN", "TIMESTAMP_X", "TIME_ZONE_OFFSET"}),
    columns=(
        *_ID,
        *columns(Kind.FLAG, "ACTIVE"),
        *columns(Kind.TEXT, "NAME SECOND_NAME LAST_NAME EMAIL WORK_POSITION USER_TYPE"),
        *columns(Kind.JSON, "UF_DEPARTMENT"),
    ),
)
