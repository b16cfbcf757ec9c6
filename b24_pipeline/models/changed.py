"""What changed since the models were built last, and which of them are above it."""

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

    `logged`: the tables of the change log that changed since, each with whether it was emptied; None where that
    cannot be told. `existing`: the tables and views that there are, each with its columns as `name type`.
    """

    project: Project
    now: Mapping[str, str]
    built: Mapping[str, str]
    logged: Mapping[str, bool] | None
    existing: Mapping[str, tuple[str, ...]]

    @classmethod
    def read(cls, connection: Connection, project: Project) -> SourceStates:
        """Reads them; the build lock must be held, or another build may change them."""
        found = rows_of(connection, statement("list_relations", schemas=sql.Literal(list(project.schemas))))
        now = sources.states(connection)
        built = sources.built(connection, project.schema, texts_of(project))
        return cls(
            project,
            now,
            built,
            sources.changed_tables(connection, now[sources.LOG], built.get(sources.LOG)),
            {
                str(row["relname"]): tuple(row["columns"])
                for row in found
                if _is_of(project, row["nspname"], row["relname"])
            },
        )

    @cached_property
    def changed(self) -> frozenset[str]:
        """The tables that changed; one whose state we cannot tell always did."""
        return frozenset(
            source.relation for source in self.project.sources.values() if self._has_changed(source.relation)
        )

    def _has_changed(self, relation: str) -> bool:
        if relation in sources.LOGGED:
            return self.logged is None or relation in self.logged
        if relation == sources.LOG:
            return bool(self.logged is None or self.logged)
        return relation not in self.now or self.now[relation] != self.built.get(relation)

    @property
    def can_update(self) -> bool:
        """Whether the tables can be brought up to date by what changed, and need not be computed anew."""
        return (
            any(model.is_by_change for model in self.project.models.values())
            and self.logged is not None
            and not any(self.logged.values())
            and self.project.models.keys() <= self.existing.keys()
        )

    @property
    def upto(self) -> str:
        """The snapshot that the last build has seen."""
        return sources.snapshot_of(self.built[sources.LOG])

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
        """Stores which tables' states all models above them have; `built` were built without a failed test.

        The change log is for all models in common: one that was not built with the others has counted something else.
        """
        needed = self.project.models if self.logged is None else self.to_build
        is_complete = {*needed} <= {*built}
        done = {
            relation: state
            for relation, state in self.now.items()
            if relation in self.changed and _readers(self.project, relation) <= set(built)
        }
        if is_complete:
            done[sources.LOG] = self.now[sources.LOG]
        else:
            done.pop(sources.LOG, None)
        if done:
            sources.note(connection, self.project.schema, texts_of(self.project), done)
            sources.note_unseen(connection, self.project.schema)


def is_current(connection: Connection, project: Project) -> bool:
    """Whether a build would have nothing to do now; one that is at work has not stored what it does yet."""
    return not SourceStates.read(connection, project).changed


def _is_of(project: Project, schema: str, name: str) -> bool:
    """Whether this is where a model stands, and not what an earlier version has left elsewhere."""
    return name not in project.models or project.models[name].schema == schema


def texts_of(project: Project) -> str:
    """A sum of the text of all models and tests: models of another text have to be built anew."""
    texts = [
        f"{model.schema}.{model.name} {model.sql} {model.materialized}" for model in project.models.values()
    ]
    tests = [f"{test.name} {test.sql}" for model in project.models.values() for test in model.tests]
    return sha256("\0".join([*texts, *tests]).encode()).hexdigest()


def _readers(project: Project, relation: str) -> set[str]:
    found: set[str] = set()
    for model in project.models.values():
        if relation in model.sources or found & {*model.depends_on}:
            found.add(model.name)
    return found
