"""Dagster's driver where a pooler of sessions stands before PostgreSQL, which takes no settings with the login."""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2

from b24_pipeline.store.database.dagster_schema import SCHEMA

POOLED = "b24_pooled"
"""SQLAlchemy knows the driver by this name, once this module is imported."""


class PooledDriver(PGDialect_psycopg2):
    """psycopg2, with Dagster's schema as the search path of each session."""

    supports_statement_cache = True

    def connect(self, *arguments: Any, **parameters: Any) -> Any:
        """A session that has its search path."""
        connection: Any = super().connect(*arguments, **parameters)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"set search_path to {SCHEMA}")
        connection.autocommit = False
        return connection


registry.register(f"postgresql.{POOLED}", __name__, PooledDriver.__name__)
