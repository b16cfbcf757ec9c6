"""A person whose data a test looks for wherever they must not be."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.string import TextLoader

from b24_pipeline.sandbox import Sandbox

NAME, LAST_NAME = "Zyxwella", "Kanareykina"
PHONE = "+79214567891"
EMAIL = "zyxwella@kanareyka.example"
MARKS = ("zyxwella", "kanarey", "9214567891")
"""In small letters: each alone gives the person away."""

IS_HERS = "to_jsonb(new)::text ~* 'zyxwella|kanarey|9214567891'"
"""A condition of a trigger: the row is this person's."""

_KEPT_IN = """
    select schemaname, tablename from pg_tables
    where schemaname !~ '^(pg_|information_schema|analytics)' and tablename <> all(%s)
"""
ROWS_OF_PEOPLE = (
    "bitrix24_leads",
    "bitrix24_deals",
    "bitrix24_contacts",
    "bitrix24_companies",
    "bitrix24_phones",
    "leads",
    "lead_matches",
)
"""The tables whose rows are of people."""


def enter(sandbox: Sandbox) -> dict[str, int]:
    """She becomes a lead, a contact, and a deal of that contact; the ids by entity type."""
    phones = [{"VALUE": PHONE, "VALUE_TYPE": "MOBILE"}]
    person = {
        "NAME": NAME,
        "LAST_NAME": LAST_NAME,
        "PHONE": phones,
        "EMAIL": [{"VALUE": EMAIL, "VALUE_TYPE": "HOME"}],
    }
    title = f"{NAME} {LAST_NAME} {PHONE} {EMAIL}"
    contact = sandbox.add("contact", person)
    return {
        "contact": contact,
        "lead": sandbox.add("lead", person | {"TITLE": title}),
        "deal": sandbox.add("deal", {"TITLE": title, "CONTACT_ID": contact, "STAGE_ID": "NEW"}),
    }


def gives_away(text: str) -> list[str]:
    """What of her stands in the text."""
    return [mark for mark in MARKS if mark in text.lower()]


def tables_with_her(url: str, allowed: Iterable[str] = ROWS_OF_PEOPLE) -> list[str]:
    """The tables beside the allowed ones, Dagster's and ours, in which something of her stands."""
    with psycopg.connect(url) as connection:
        connection.adapters.register_loader("timestamptz", TextLoader)  # some are -infinity
        names = connection.execute(_KEPT_IN, (list(allowed),)).fetchall()
        return [
            f"{schema}.{table}"
            for schema, table in names
            if any(gives_away(text) for text in _texts(connection, sql.Identifier(schema, table)))
        ]


def _texts(connection: psycopg.Connection, table: sql.Identifier) -> Iterator[str]:
    for row in connection.execute(sql.SQL("select * from {}").format(table)):
        yield " ".join(_text(value) for value in row)


def _text(value: Any) -> str:
    """A value as text; Dagster packs some."""
    if not isinstance(value, bytes):
        return str(value)
    try:
        return zlib.decompress(value).decode(errors="replace")
    except zlib.error:
        return value.decode(errors="replace")


def files_with_her(folder: Path) -> list[str]:
    """The files below the folder, such as the logs of runs, in which something of her stands."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [str(path) for path in files if gives_away(path.read_bytes().decode(errors="replace"))]
