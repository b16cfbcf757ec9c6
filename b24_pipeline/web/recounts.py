"""Counts the figures anew as soon as a person has changed what they rest on: own leads, directions, stages, conditions.

Without it they would follow with the next sync only.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Literal

from fastapi import Request

from b24_pipeline.errors import B24Error
from b24_pipeline.log import logger
from b24_pipeline.store.database.warehouse import StorageError, Warehouse
from b24_pipeline.store.portals.run_requests import build_standing
from b24_pipeline.web.portal_service import PortalService
from b24_pipeline.web.work import is_built, models

log = logger("web")


class Recounts:
    """Builds the models in the background, one build at a time, or has Dagster do it, whose builds any process sees.

    What is changed while a build is at work is counted by one more after it.
    """

    def __init__(self, warehouse: Warehouse, service: PortalService) -> None:
        self._warehouse = warehouse
        self._service = service
        self._lock = threading.Lock()
        self._is_asked = False
        self._is_running = False
        self._has_failed = False
        # nobody's first change waits until the models' files are read
        threading.Thread(target=models, name="models", daemon=True).start()

    @property
    def standing(self) -> Literal["running", "failed"] | None:
        """Whether figures are being counted, or are about to be; or the last count did not end well. One look."""
        left = None if self._is_running else self._left()
        if self._is_running or left == "waiting":
            return "running"
        return "failed" if self._has_failed or left == "failed" else None

    @property
    def is_running(self) -> bool:
        """Whether figures are being counted, or are about to be."""
        return self.standing == "running"

    @property
    def has_failed(self) -> bool:
        """Whether the last count did not end well."""
        return self.standing == "failed"

    def after_change(self, request: Request) -> Iterator[None]:
        """A dependency of routes: has the figures counted when a request has changed what they rest on."""
        yield
        if request.method not in ("GET", "HEAD") and not is_built(self._warehouse):
            self.ask()

    def ask(self) -> None:
        """Has the figures counted, and does not wait for it."""
        try:
            if self._service.leave_models():
                self._has_failed = False
                return
        except (B24Error, StorageError) as error:  # what was changed is stored
            self._has_failed = True
            log.warning("Dagster could not be asked to count the figures anew", error=str(error))
            return
        with self._lock:
            self._is_asked = True
            if self._is_running:
                return
            self._is_running = True
        threading.Thread(target=self._work, name="recount", daemon=True).start()

    def _work(self) -> None:
        while self._is_taken():
            try:
                self._has_failed = not self._service.build_models()
            except (OSError, B24Error) as error:
                self._has_failed = True
                log.warning("the figures could not be counted anew", error=str(error))

    def _left(self) -> str | None:
        """How the last build stands that was left to Dagster."""
        return self._warehouse.transact(build_standing)

    def _is_taken(self) -> bool:
        """Whether somebody has asked since the last build began; else this thread ends."""
        with self._lock:
            self._is_running, self._is_asked = self._is_asked, False
            return self._is_running
