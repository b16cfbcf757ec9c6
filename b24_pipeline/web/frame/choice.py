"""The pipeline that a page is about: `?pipeline=deal-0`, by default the first."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

PipelineCode = Annotated[
    str | None, Query(alias="pipeline", max_length=40, description="A pipeline, as deal-0 or lead-0.")
]
