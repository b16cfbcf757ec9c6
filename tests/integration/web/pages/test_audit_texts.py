"""The audit in the reader's language: every code that the database or the code writes has its words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import b24_pipeline
from b24_pipeline.store.access.audit import Change
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.web.frame.translations import translations
from b24_pipeline.web.pages import audit_texts
from tests.integration.web.pages.conftest import Visitor
from tests.integration.web.routes.conftest import Managed
from tests.support.installation import execute, fetch
from tests.support.servers.pages_site import text_of

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
    assert "ключ: Anna – → роль=наблюдатель порталы=acme" in audit
    execute(managed.warehouse, "delete from bitrix24_audit")


def test_only_codes_of_ours_are_translated() -> None:
    """A portal that is called "all", and a text of a condition that is a code, stay as they are."""

    def told(before: Any, after: Any) -> str:
        change = Change(1, datetime.now(UTC), "x", "acme", "qualification", "acme", before, after)
        return audit_texts.sentence(change, translations("ru").gettext)

    assert (
        told({"portals": ["all"], "role": "admin"}, {"portals": "all", "role": "admin"})
        == "порталы: all → все"
    )
    condition = {"field_name": "UF_CRM_1", "enum_value": "lead"}
    assert told([], [condition]) == "– → поле=UF_CRM_1 текст=lead"


def test_who_it_was_is_said() -> None:
    """A key by its name, a command by who ran it."""
    text = translations("ru").gettext
    assert audit_texts.actor("Anna", text) == "Anna"
    assert audit_texts.actor("b24 models by anna", text) == "команда b24 models, запустил(а) anna"
    assert audit_texts.actor("pipeline", text) == "сам конвейер"
