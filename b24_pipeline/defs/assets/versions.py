"""Data versions of assets, and of what they were made from: by these Dagster says what is "Unsynced".

A mart has a new version when its rows change. A model below the marts has that of its SQL: each build keeps it as of
now, and nobody asks for its rows. A raw table has always the same one. So after a build nothing is out of date, and
an asset of somebody else that reads a mart is when that mart has changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

# the names of these tags have no public name
from dagster._core.definitions.data_version import (
    CODE_VERSION_TAG,
    DATA_VERSION_TAG,
    NULL_EVENT_POINTER,
    get_input_data_version_tag,
    get_input_event_pointer_tag,
)

from b24_pipeline.defs.assets.catalogue import code_version
from b24_pipeline.defs.assets.model_checks import model_key
from b24_pipeline.defs.assets.raw_tables import CHANGES
from b24_pipeline.defs.known_assets import UNVERSIONED, KnownAssets
from b24_pipeline.models import Model, Project
from b24_pipeline.store.marts.sources import LOG, PROGRESS

MARTS = "marts"


def upstream(project: Project, model: Model) -> Iterator[dg.AssetKey]:
    """The models and raw tables that a model reads; a model that reads raw tables also comes after `changes`.

    The log of what was written is none of them, and how far was read neither: they come with each.
    """
    yield from map(model_key, model.depends_on)
    keys = {source.relation: source.key for source in project.sources.values()}
    for relation in model.sources:
        if relation not in (LOG, PROGRESS):
            yield dg.AssetKey(keys[relation])
    if model.sources:
        yield CHANGES


class Versions:
    """The versions of the models: of marts those that Dagster knows, and those that were given since."""

    def __init__(self, project: Project, known: KnownAssets) -> None:
        self._project = project
        marts = [model_key(model.name) for model in project.models.values() if model.layer == MARTS]
        self._of_marts = {
            key.path[-1]: (event.tags or {}).get(DATA_VERSION_TAG) for key, event in known.last(marts).items()
        }

    def version(self, model: Model, *, is_changed: bool) -> str:
        """The version of a model that was built just now, from now on."""
        if model.layer != MARTS:
            return code_version(model)
        before = None if is_changed else self._of_marts.get(model.name)
        version = before or f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}"
        self._of_marts[model.name] = version
        return version

    def tags(self, model: Model, *, is_changed: bool) -> dict[str, str]:
        """The tags of its materialization: its version, and the versions of the SQL and the tables it was made from."""
        tags = {
            CODE_VERSION_TAG: code_version(model),
            DATA_VERSION_TAG: self.version(model, is_changed=is_changed),
        }
        for key in upstream(self._project, model):
            read = self._project.models.get(key.path[-1]) if len(key.path) == 1 else None
            version = self.version(read, is_changed=False) if read else UNVERSIONED
            tags[get_input_data_version_tag(key)] = version
            tags[get_input_event_pointer_tag(key)] = NULL_EVENT_POINTER
        return tags
