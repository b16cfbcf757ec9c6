"""Does work on models side by side, each when all that it reads is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from queue import SimpleQueue
from typing import TypeVar

from b24_pipeline.models.project import Project
from b24_pipeline.store.database.warehouse import Connection

T = TypeVar("T")


def side_by_side(
    project: Project,
    names: Sequence[str],
    connections: Sequence[Connection],
    work: Callable[[Connection, str], T],
    stops: Callable[[T], bool],
) -> Iterator[T]:
    """Does the work for each model and yields its result as it ends, on as many at once as there are connections.

    After an error, or an outcome that `stops`, nothing new is begun. What was
    begun ends first, then the first error is raised.
    """
    free: SimpleQueue[Connection] = SimpleQueue()
    for connection in connections:
        free.put(connection)

    def work_on(name: str) -> T:
        connection = free.get()
        try:
            return work(connection, name)
        finally:
            free.put(connection)

    sorter = TopologicalSorter(_waits_for(project, names))
    sorter.prepare()
    running: dict[Future[T], str] = {}
    errors: list[BaseException] = []
    stopped = False
    with ThreadPoolExecutor(len(connections)) as pool:
        while running or (sorter.is_active() and not stopped):
            if not stopped:
                running |= {pool.submit(work_on, name): name for name in sorter.get_ready()}
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                sorter.done(running.pop(future))
                error = future.exception()
                if error:
                    errors.append(error)
                else:
                    yield future.result()
                stopped = stopped or error is not None or stops(future.result())
    if errors:
        raise errors[0]


def _waits_for(project: Project, names: Sequence[str]) -> dict[str, set[str]]:
    """Of each model, those of the chosen ones that it or its tests read, also through models not chosen."""
    order = {name: place for place, name in enumerate(project.models)}
    chosen = set(names)
    ancestors: dict[str, set[str]] = {}
    for name, model in project.models.items():
        read = {ref for test in model.tests for ref in test.refs if order[ref] < order[name]}
        read |= set(model.depends_on)
        ancestors[name] = read.union(*(ancestors[parent] for parent in read))
    return {name: ancestors[name] & chosen for name in names}
