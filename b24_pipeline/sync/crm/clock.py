"""The portal's clock, which watermarks are taken from."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import chain, islice

from b24_pipeline.bitrix.answers import BatchAnswer, decoding
from b24_pipeline.bitrix.batch import Command
from b24_pipeline.bitrix.lists.pages import Chunk
from b24_pipeline.sync.job import Job

KEY = "time"
TIME_COMMAND = Command("server.time")


def clock_and_chunks(job: Job, chunks: Iterator[Chunk]) -> tuple[datetime, Iterator[Chunk]]:
    """The portal's time before the first chunk was read (UTC offset included), and all of the chunks.

    The time comes from the portal's last answer, or from that of the first chunk if it is the first answer.
    """
    known = job.client.clock
    first = list(islice(chunks, 1))
    return known or job.client.clock or _server_time(job), chain(first, chunks)


def told_time(job: Job, answer: BatchAnswer) -> datetime | None:
    """The time that `TIME_COMMAND` has told in a batch under `KEY`; None where it told none."""
    result = answer.results.get(KEY)
    return None if result is None else _moment(job, result)


def _server_time(job: Job) -> datetime:
    return _moment(job, job.client.call(TIME_COMMAND.method).result)


def _moment(job: Job, result: object) -> datetime:
    with decoding(job.portal.name, TIME_COMMAND.method):
        return datetime.fromisoformat(str(result))
