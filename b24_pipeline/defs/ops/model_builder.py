"""Builds the models beside the work of a run, so that nobody waits for a build, or for one of another process."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from b24_pipeline.defs.assets.models import project
from b24_pipeline.errors import B24Error
from b24_pipeline.models import BuildResult, build
from b24_pipeline.runtime import Runtime
from b24_pipeline.store.portals.run_requests import answered
from b24_pipeline.sync.failures import explained

Built = tuple[BuildResult, list[B24Error]]
"""What was built, and why the rest was not."""


class ModelBuilder:
    """Builds the models above what changed, one build at a time, in a thread of its own."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._thread = ThreadPoolExecutor(1)
        self._building: Future[Built] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(wait=True)

    @property
    def is_building(self) -> bool:
        """Whether a build was begun whose result was not taken yet."""
        return self._building is not None

    def begin(self) -> None:
        """Begins a build, unless one is under way."""
        if self._building is None:
            self._building = self._thread.submit(self._build)

    def ended(self, timeout: float | None = 0) -> Built | None:
        """The result of the build that was begun, once; None if none has ended within `timeout` seconds."""
        if self._building is None:
            return None
        try:
            done = self._building.result(timeout)
        except TimeoutError:
            return None
        self._building = None
        return done

    def _build(self) -> Built:
        done = BuildResult()
        try:
            with explained("models", "building them"), answered(self._runtime.warehouse):
                done = build(
                    self._runtime.warehouse.connect, project, only_changed=True, on_model=done.models.append
                )
        except B24Error as error:
            return done, [error]
        return done, []
