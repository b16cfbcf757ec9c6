"""Smart processes, smart invoices and quotes: entities of `crm.item.list` (docs/bitrix24-rest.md, section 6.3).

One table has the rows of all of them. A smart process is known by its number alone, so that each portal may have
its own.
"""

from __future__ import annotations

import re
from functools import lru_cache

from b24_pipeline.entities.columns import Column, Kind
from b24_pipeline.entities.entity import Entity, FieldCatalogue, StageDirectories
from b24_pipeline.entities.events import Events, changes_of, changes_of_fields
from b24_pipeline.entities.history import History

LIST_METHOD = "crm.item.list"
TABLE = "bitrix24_items"

_SMART = re.compile(r"item_([1-9][0-9]{0,8})", re.ASCII)


def _columns(kind: Kind, **names: str) -> tuple[Column, ...]:
    return tuple(Column(field, kind, name) for field, name in names.items())


_CATEGORY = _columns(Kind.INTEGER, categoryId="category_id")

_COLUMNS = (
    *_columns(Kind.INTEGER, id="id"),
    *_columns(
        Kind.TEXT,
        title="title",
        xmlId="xml_id",
        stageId="stage_id",
        previousStageId="previous_stage_id",
        currencyId="currency_id",
        accountNumber="account_number",
        quoteNumber="quote_number",
        sourceId="source_id",
        sourceDescription="source_description",
        comments="comments",
        content="content",
        terms="terms",
        locationId="location_id",
        utmSource="utm_source",
        utmMedium="utm_medium",
        utmCampaign="utm_campaign",
        utmContent="utm_content",
        utmTerm="utm_term",
    ),
    *_columns(Kind.MONEY, opportunity="opportunity", taxValue="tax_value"),
    *_columns(Kind.FLAG, isManualOpportunity="is_manual_opportunity", closed="closed", opened="opened"),
    *_columns(
        Kind.LINK,
        companyId="company_id",
        contactId="contact_id",
        mycompanyId="mycompany_id",
        leadId="lead_id",
        dealId="deal_id",
        webformId="webform_id",
        assignedById="assigned_by_id",
        createdBy="created_by_id",
        updatedBy="modify_by_id",
        movedBy="moved_by_id",
        lastActivityBy="last_activity_by",
    ),
    *_columns(Kind.JSON, contactIds="contact_ids", observers="observers"),
    *_columns(Kind.DATE, begindate="begindate", closedate="closedate", actualDate="actual_date"),
    *_columns(
        Kind.TIMESTAMP,
        createdTime="date_create",
        updatedTime="date_modify",
        movedTime="moved_time",
        lastActivityTime="last_activity_time",
    ),
)


# of all smart processes and of invoices: which one has changed is in the data of the event
_ITEM_EVENTS = Events(changes_of("DYNAMICITEM"), (*changes_of_fields("TYPE"), *changes_of("TYPE")))


def _entity(
    name: str,
    type_id: int,
    stages: StageDirectories,
    *,
    is_moved: bool = True,
    events: Events = _ITEM_EVENTS,
    constants: tuple[tuple[str, str], ...] = (),
) -> Entity:
    has_pipelines = stages.pipeline is None
    return Entity(
        name=name,
        type_id=type_id,
        method=LIST_METHOD,
        table=TABLE,
        select=("*",),
        columns=(*_COLUMNS, *(_CATEGORY if has_pipelines else ())),
        # what stands in a constant column
        volatile=frozenset() if has_pipelines else frozenset({"categoryId"}),
        modified="updatedTime",
        created="createdTime",
        id_field="id",
        params=(("entityTypeId", type_id),),
        # custom fields keep their names; sent beside names of fields it may hide those that are not custom
        row_params=(("useOriginalUfNames", "Y"),),
        wrapper="items",
        single="item",
        gathered=(("parentId", "parents"),),
        constants=(("entity_type", name), ("entity_type_id", str(type_id)), *constants),
        catalogue=FieldCatalogue("crm.item.fields", wrapper="fields"),
        stages=stages,
        history=History(name, type_id, "STAGE_ID", "CATEGORY_ID", may_be_missing=True) if is_moved else None,
        events=events,
    )


INVOICE = _entity("invoice", 31, StageDirectories(numbered="SMART_INVOICE_STAGE_"))

QUOTE = _entity(
    "quote",
    7,
    StageDirectories(default="QUOTE_STATUS", pipeline="Quotes"),
    is_moved=False,
    events=Events(changes_of("QUOTE"), changes_of_fields("QUOTE")),
    constants=(("category_id", "0"),),
)

_BUILT_IN = {entity.name: entity for entity in (INVOICE, QUOTE)}
_NAMES = {entity.type_id: entity.name for entity in _BUILT_IN.values()}


@lru_cache(maxsize=4096)
def smart_process(type_id: int) -> Entity:
    """The items of a smart process, by the number of its type."""
    return _entity(item_name(type_id), type_id, StageDirectories(numbered=f"DYNAMIC_{type_id}_STAGE_"))


def item_name(type_id: int) -> str:
    """The name of an entity of `crm.item.list` by its number: invoice, quote, item_156."""
    return _NAMES.get(type_id, f"item_{type_id}")


def item_named(name: str) -> Entity | None:
    """The entity of this name; None where it is none of `crm.item.list`."""
    if name in _BUILT_IN:
        return _BUILT_IN[name]
    found = _SMART.fullmatch(name)
    return smart_process(int(found[1])) if found and int(found[1]) not in _NAMES else None
