"""Dagster's storage: dagster-postgres in the schema `dagster` of the database that the settings name.

dagster.yaml names the class `OurStorage`, so nothing but DATABASE_URL has to be set, if anything. Every process
of Dagster opens it: the webserver, the daemon, the code server and each run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import quote

import click
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage

from b24_pipeline.defs.instance.pooled_driver import POOLED
from b24_pipeline.errors import B24Error
from b24_pipeline.runtime import database_url, opened
from b24_pipeline.settings import misspelt_settings, settings
from b24_pipeline.store.database.connecting.url import DatabaseUrl, read_url
from b24_pipeline.store.database.dagster_schema import SCHEMA, being_set_up


class OurStorage(DagsterPostgresStorage):
    """Stores Dagster's runs, events and schedules in the database of our data."""

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """The configuration in dagster.yaml: none."""
        return {}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> Self:
        """Opens the storage, and makes its tables where they are missing.

        Where the installation cannot be opened, Dagster's command ends with the reason in one line. It would start
        otherwise, and every schedule and sensor would report the same with a traceback, again and again.
        """
        del config_value
        try:
            with opened(settings(), looks_once=True) as runtime:
                url = database_url(settings())
                is_pooled = runtime.warehouse.sessions.is_pooled
        except B24Error as error:
            raise click.ClickException("; ".join([str(error), *misspelt_settings()])) from error
        with being_set_up(url):
            return cls(storage_url(url, is_pooled=is_pooled), inst_data=inst_data)


def storage_url(url: str, *, is_pooled: bool = False) -> str:
    """The database URL for the driver of dagster-postgres, with Dagster's schema as the search path.

    The driver gets it as one text for libpq, which it stands on, too: no part of it is read by SQLAlchemy.
    """
    ours = read_url(url)
    if is_pooled:
        theirs, driver = DatabaseUrl({**ours.given, "options": ""}), POOLED
    else:
        options = f"{ours.resolved.get('options', '')} -csearch_path={SCHEMA}".strip()
        theirs, driver = DatabaseUrl({**ours.given, "options": options}), "psycopg2"
    return f"postgresql+{driver}://?dsn={quote(theirs.for_libpq(), safe='')}"
