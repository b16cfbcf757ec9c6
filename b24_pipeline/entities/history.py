"""Status history: the moves of leads and deals (`crm.stagehistory.list`, docs/bitrix24-rest.md, section 6.5)."""

from __future__ import annotations

import re
from dataclasses import dataclass

LIST_METHOD = "crm.stagehistory.list"

_PIPELINE_PREFIX = re.compile(r"C([0-9]{1,18}):.", re.ASCII)


@dataclass(frozen=True, slots=True)
class History:
    """The moves of one kind of entity.

    `cursor` names it in the cursors and in the sync log. A lead's row has a
    status and no pipeline, a deal's row a stage and its pipeline. `may_be_missing`: a portal may have switched the
    stages off, and then refuses the history.
    """

    entity: str
    entity_type_id: int
    stage_field: str
    category_field: str | None
    may_be_missing: bool = False

    @property
    def cursor(self) -> str:
        """The name of the history among the cursors."""
        return f"{self.entity}_history"


def pipeline_of_code(status_id: str) -> int | None:
    """The pipeline of a deal's stage by its code: 7 of `C7:NEW`, 0 of `NEW`; None for a code of another form.

    The codes are in docs/bitrix24-rest.md, section 6.4.
    """
    if ":" not in status_id:
        return 0
    found = _PIPELINE_PREFIX.match(status_id)
    return int(found[1]) if found else None


LEAD_HISTORY = History("lead", 1, "STATUS_ID", None)
DEAL_HISTORY = History("deal", 2, "STAGE_ID", "CATEGORY_ID")
HISTORIES = (LEAD_HISTORY, DEAL_HISTORY)
