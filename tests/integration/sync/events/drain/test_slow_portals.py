"""A drain that waits for its portal after it has stored rows: what follows the copy still finds them."""

from __future__ import annotations

from time import sleep
from typing import Any

import pytest

from b24_pipeline.sandbox import Sandbox
from b24_pipeline.store.portals.portal import Portal
from b24_pipeline.sync.events import drain_chunk
from b24_pipeline.sync.events.drain_chunk import DrainChunk
from tests.integration.sync.events.drain.conftest import assert_true, drained, ids, land
from tests.support.installation import Installation


def test_rows_are_stamped_when_they_are_committed(
    installation: Installation, sandbox: Sandbox, portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The portal makes us wait for its moves: the models look back from their newest row by two minutes only."""
    waited: list[Any] = []
    store_moves = DrainChunk._store_moves

    def store_slowly(chunk: DrainChunk, *arguments: Any) -> None:
        store_moves(chunk, *arguments)
        sleep(1.5)
        waited.append(chunk.connection.execute("select clock_timestamp()").fetchone())

    monkeypatch.setattr(DrainChunk, "_store_moves", store_slowly)
    monkeypatch.setattr(drain_chunk, "LATE_SECONDS", 1.0)
    number = ids(sandbox)[0]
    sandbox.move("deal", number, "C6:NEW", category=6)
    land(installation, portal, ("ONCRMDEALUPDATE", number))
    drained(installation)
    ((over,),) = waited
    stamps = installation.rows(
        "select 'row' as of, loaded_at from bitrix24_deals where id = %s"
        " union all select 'move', max(loaded_at) from bitrix24_status_history where bitrix24_deal_id = %s",
        number,
        number,
    )
    assert [stamp["of"] for stamp in stamps if stamp["loaded_at"] >= over] == ["row", "move"]
    assert_true(installation, sandbox)
