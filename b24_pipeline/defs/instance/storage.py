"""Dagster's storage: dagster-postgres in the schema `dagster` of the database that the settings name.

dagster.yaml refers to the class here, so that DATABASE_URL, or nothing at all,
is the one thing to be set. Every process of Dagster comes by: the webserver,
the daemon, the code server and each run.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage
from sqlalchemy.engine import make_url

from b24_pipeline.runtime import database_url
from b24_pipeline.settings import settings
from b24_pipeline.store.database.dagster_schema import SCHEMA, being_set_up


class OurStorage(DagsterPostgresStorage):
    """Dagster's runs, events and schedules beside our data."""

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """There is nothing to configure."""
        return {}

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> Self:
        """Opens the storage, and makes its tables where they are missing."""
        del config_value
        url = database_url(settings())
        with being_set_up(url):
            return cls(storage_url(url), inst_data=inst_data)


def storage_url(url: str) -> str:
    """Our URL for the driver that dagster-postgres speaks, with Dagster's schema as the search path."""
    ours = make_url(url)
    given = ours.query.get("options", "")
    options = " ".join([*([given] if isinstance(given, str) else given), f"-csearch_path={SCHEMA}"]).strip()
    theirs = ours.set(drivername="postgresql+psycopg2").update_query_dict({"options": options})
    return theirs.render_as_string(hide_password=False)
