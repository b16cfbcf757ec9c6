"""The audit in the reader's language: every code that the database or the code writes has its words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

import b24_pipeline
from b24_pipeline.store.access.audit import Change
from b24_pipeline.store.access.audit_names import AuditNames
from b24_pipeline.store.crm.stage_flags import Flags, StageFlags
from b24_pipeline.store.database.warehouse import Connection, Warehouse
from b24_pipeline.store.own_leads.directions import Directions
from b24_pipeline.store.portals import entity_choice
from b24_pipeline.web.frame.translations import translations
from b24_pipeline.web.pages import audit_texts
from tests.conftest import Server
from tests.integration.web.pages.conftest import Visitor
from tests.integration.web.routes.conftest import Managed
from tests.support.installation import execute, fetch
from tests.support.servers.pages_site import PagesSite, pages_site, text_of


@pytest.fixture
def site(server: Server) -> Iterator[PagesSite]:
    """Two portals with leads and deals."""
    with pages_site(server, entities=20) as opened:
        yield opened


WHAT = re.compile(r"b24_note_change\(\s*[^,]+,[^,]+,\s*'([^']+)'")


def sources(warehouse: Warehouse) -> Iterator[str]:
    """The functions of the database that note changes, and our own statements that do."""
    for row in fetch(
        warehouse,
        "select prosrc from pg_proc where prosrc ~ 'b24_note_change|bitrix24_audit'"
        " or proname in ('b24_decided') order by proname",
    ):
        yield row["prosrc"]
    for path in sorted(Path(b24_pipeline.__file__).parent.rglob("*.sql")):
        text = path.read_text("utf-8")
        if "b24_note_change" in text or "into bitrix24_audit" in text:
            yield from (one for one in text.split("-- name:") if "b24_note_change" in one)


def names_of(source: str) -> set[str]:
    """The names in its objects."""
    found: set[str] = set()
    for start in (match.end() for match in re.finditer(r"jsonb_build_object\(", source)):
        depth, end = 1, start
        while depth:
            depth += {"(": 1, ")": -1}.get(source[end], 0)
            end += 1
        flat = re.sub(
            r"case.*?\bend\b|\((?:[^()]|\([^()]*\))*\)", "?", source[start : end - 1], flags=re.DOTALL
        )
        found |= {part.strip().strip("'") for part in flat.split(",")[::2]}
    return found


def test_every_code_of_the_audit_has_words_in_both_languages(database: Warehouse) -> None:
    """What was changed, and the parts of it: whatever a trigger or a statement writes."""
    texts = list(sources(database))
    actions = {word for text in texts for word in WHAT.findall(text)}
    assert {"portal", "key", "own leads", "stage flags"} <= actions
    assert actions == set(audit_texts.WHAT)
    names = {name for text in texts for name in names_of(text)}
    assert {"address", "qualified", "role", "added"} <= names
    assert names <= set(audit_texts.NAMES)
    russian = translations("ru")
    for words in (audit_texts.WHAT, audit_texts.NAMES, audit_texts.VALUES, audit_texts.ACTORS):
        for english in words.values():
            assert re.search("[а-я]", russian.gettext(english)), english


def test_the_audit_is_russian_on_the_russian_page(managed: Managed, operator: Visitor) -> None:
    """No code is left in a row of it."""
    managed.change("acme", entity_type="deal")
    operator.post("/access/keys", page="/access", name="Anna", role="viewer", sees="these", portal="acme")
    page = operator.client.get("/access", headers={"Accept-Language": "ru"}).text
    audit = text_of(page.partition('id="audit"')[2])
    assert "считаются: лиды и сделки → сделки" in audit
    assert "ключ: Anna добавлено: роль: наблюдатель, порталы: acme" in audit
    assert "Что изменилось" in audit
    execute(managed.warehouse, "delete from bitrix24_audit")


def test_only_codes_of_ours_are_translated() -> None:
    """A portal that is called "all", and a text of a condition that is a code, stay as they are."""

    def told(before: Any, after: Any) -> str:
        change = Change(1, datetime.now(UTC), "x", "acme", "qualification", "acme", before, after)
        return audit_texts.sentence(change, AuditNames(), translations("ru").gettext)

    assert (
        told({"portals": ["all"], "role": "admin"}, {"portals": "all", "role": "admin"})
        == "порталы: all → все"
    )
    assert told(None, {"added": 8, "changed": 0}) == "добавлено: 8, изменено: 0"
    condition = {"entity_type": "deal", "field_name": "UF_CRM_1", "enum_value": "lead"}
    assert told([], [condition]) == "нет → сделки, поле «UF_CRM_1»: lead"


def test_the_audit_names_what_it_has_by_code(site: PagesSite) -> None:
    """As the portal calls it, deleted stages too; nothing of it is a code, a dash or a pair with an equals sign."""
    account = site.portals.one(site.portal).id
    site.warehouse.transact(fill, account)
    (own,) = fetch(site.warehouse, "select id from leads where name = 'Anna Petrova'")
    flags = StageFlags(site.warehouse)
    invoice = next(one for one in flags.stages(account) if one.status_id == "PREPAYMENT_INVOICE")
    with site.visit() as visit:
        visit.client.headers["Accept-Language"] = "ru"
        flags.set_flags(account, invoice.id, Flags(is_qualified=True))
        direction = Directions(site.warehouse).add(account, "Двери")
        page = f"/p/{site.portal}/key-stages"
        visit.post(page, page, direction=str(direction.id), stage1="deal:77:PREPAYMENT_INVOICE")
        page = f"/p/{site.portal}/qualification"
        visit.post(page, page, field1="deal:UF_CRM_7", value1="44")
        visit.post(page, page)
        page = f"/p/{site.portal}/leads/one"
        visit.post(page, f"{page}?lead={own['id']}", lead=str(own["id"]), kind="deal", entity="2")
        site.warehouse.transact(entity_choice.choose, account, ["invoice", "item_1034"])
        execute(
            site.warehouse, "update bitrix24_pipeline_stages set deleted_at = now() where id = %s", invoice.id
        )
        audit = text_of(visit.get("/access").text.partition('id="audit"')[2])
    for said in (
        "признаки стадии: Опт: Счёт на предоплату квалифицирован: нет → да",
        "ключевые стадии: Двери добавлено",
        "ключевые стадии: Двери стадии: нет → Опт: Счёт на предоплату",
        "нет → сделки, поле «Бюджет»: большой",
        "сделки, поле «Бюджет»: большой → нет",
        "читаемая сущность: счета не читается → читается",
        "читаемая сущность: Поставки не читается → читается",
        "связь своего лида: Anna Petrova найдено сопоставлением → сделка 2",
    ):
        assert said in audit, audit
    assert not re.search("PREPAYMENT_INVOICE|UF_CRM|item_|=|–", audit)


def fill(connection: Connection, account: UUID) -> None:
    """A pipeline with a stage, a field with a list, a smart process, and an own lead."""
    connection.execute(
        "insert into bitrix24_smart_types (user_account_id, entity_type_id, title) values (%s, 1034, 'Поставки')",
        (account,),
    )
    connection.execute(
        "insert into bitrix24_pipelines (user_account_id, entity_type, category_id, name, is_default)"
        " values (%s, 'deal', 77, 'Опт', false)",
        (account,),
    )
    connection.execute(
        "insert into bitrix24_pipeline_stages (user_account_id, entity_type, category_id, status_id, status_name,"
        " status_semantics) values (%s, 'deal', 77, 'PREPAYMENT_INVOICE', 'Счёт на предоплату', 'process')",
        (account,),
    )
    connection.execute(
        "insert into bitrix24_fields (user_account_id, entity_type, portal_field_id, field_name, field_type, label,"
        " is_custom, enumeration_values) values (%s, 'deal', 7, 'UF_CRM_7', 'enumeration', 'Бюджет', true,"
        """ '[{"id": "44", "value": "большой"}]')""",
        (account,),
    )
    connection.execute(
        "insert into leads (user_account_id, name, phone) values (%s, 'Anna Petrova', '+79210000001')",
        (account,),
    )


def test_who_it_was_is_said() -> None:
    """A key by its name, a command by who ran it."""
    text = translations("ru").gettext
    assert audit_texts.actor("Anna", text) == "Anna"
    assert audit_texts.actor("b24 models by anna", text) == "команда b24 models, запустил(а) anna"
    assert audit_texts.actor("pipeline", text) == "сам сервис"
