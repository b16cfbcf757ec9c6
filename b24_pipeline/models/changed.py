"""Which models have to be built: those above a table that changed since they were built last."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from psycopg import sql

from b24_pipeline.models.project import Project
from b24_pipeline.models.statements import statement
from b24_pipeline.store.database.relation import rows_of
from b24_pipeline.store.database.warehouse import Connection
from b24_pipeline.store.marts import sources


@dataclass(frozen=True)
class SourceStates:
    """How the tables that a project reads stand, and as of which states its models were built.

    `existing`: the models that have a table or view.
    """

    project: Project
    now: Mapping[str, str]
    built: Mapping[str, str]
    existing: Collection[str]

    @classmethod
    def read(cls, connection: Connection, project: Project) -> SourceStates:
        """Reads them; the build lock must be held, or another build may change them."""
        found = rows_of(connection, statement("list_relations", schema_name=sql.Literal(project.schema)))
        return cls(
            project,
            sources.states(connection),
            sources.built(connection, project.schema, texts_of(project)),
            {str(row["relname"]) for row in found},
        )

    @cached_property
    def changed(self) -> frozenset[str]:
        """The tables that changed; one whose state we cannot tell always did."""
        return frozenset(
            source.relation
            for source in self.project.sources.values()
            if source.relation not in self.now
            or self.now[source.relation] != self.built.get(source.relation)
            or sources.is_ahead(self.now[source.relation])
        )

    @property
    def hide_changes(self) -> bool:
        """Whether the clock was put back: rows may have changed that no build by change finds.

        So it is until all was built once after the clock has caught up.
        """
        return any(sources.is_ahead(state) for states in (self.now, self.built) for state in states.values())

    @property
    def to_build(self) -> list[str]:
        """The names of the models above what changed, and of those that are missing, in building order."""
        chosen: set[str] = set()
        for model in self.project.models.values():
            reads_changed = self.changed & {*model.sources} or chosen & {*model.depends_on}
            if reads_changed or model.name not in self.existing:
                chosen.add(model.name)
        return [name for name in self.project.models if name in chosen]

    def note(self, connection: Connection, built: Collection[str]) -> None:
        """Stores which tables' states all models above them have; `built` were built without a failed test."""
        done = {
            relation: state
            for relation, state in self.now.items()
            if relation in self.changed and _readers(self.project, relation) <= set(built)
        }
        if done:
            sources.note(connection, self.project.schema, texts_of(self.project), done)


def texts_of(project: Project) -> str:
    """A sum of the text of all models and tests: models of another text have to be built anew."""
    texts = [f"{model.name} {model.sql} {model.materialized}" for model in project.models.values()]
    tests = [f"{test.name} {test.sql}" for model in project.models.values() for test in model.tests]
    return sha256("\0".join([*texts, *tests]).encode()).hexdigest()


def _readers(project: Project, relation: str) -> set[str]:
    found: set[str] = set()
    for model in project.models.values():
        if relation in model.sources or found & {*model.depends_on}:
            found.add(model.name)
    return found
