"""The runner's own SQL, from sql/*.sql."""

from __future__ import annotations

from pathlib import Path

from b24_pipeline.store.database.statements import Statements

statement = Statements(Path(__file__).parent / "sql")
