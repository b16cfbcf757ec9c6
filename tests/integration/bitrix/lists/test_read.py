"""Lists of the sandbox portal, over HTTP, against what it says it holds."""

from __future__ import annotations

from multiprocessing.context import ForkServerContext
from typing import Any

import psycopg
import pytest

from b24_pipeline.bitrix.auth.credentials import WebhookCredential
from b24_pipeline.bitrix.batch import Command
from b24_pipeline.bitrix.budget.shared import LeakyBucketStrategy, SharedBudget, memory_budget, parse_rate
from b24_pipeline.bitrix.client import BitrixClient
from b24_pipeline.bitrix.lists.pages import ListQuery
from b24_pipeline.bitrix.lists.read import read_ids, read_list, read_pages
from b24_pipeline.sandbox import Limits, Sandbox, SandboxConfig
from b24_pipeline.store.portals.budget import PostgresBudgetStorage, PostgresOperatingStore

QUERIES = [
    ListQuery("crm.deal.list", ("ID", "TITLE")),
    ListQuery("crm.lead.list", ("*", "UF_*")),
    ListQuery("crm.item.list", ("title",), params={"entityTypeId": 2}, id_field="id", wrapper="items"),
    ListQuery("crm.stagehistory.list", ("ID",), params={"entityTypeId": 2}, wrapper="items"),
]


def open_client(webhook: str, budget: Any = None) -> BitrixClient:
    return BitrixClient(
        portal="sandbox",
        credential=WebhookCredential.parse(webhook, allowed=["127.0.0.1"]),
        budget=budget or memory_budget("sandbox"),
    )


@pytest.fixture(scope="module")
def sandbox() -> Any:
    with Sandbox(SandboxConfig(leads=3000, deals=6000, seed=11)) as running:
        yield running


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.method)
def test_every_kind_of_list_is_complete(sandbox: Sandbox, query: ListQuery) -> None:
    """Classic, universal and history lists: every row once, with hardly a request more than needed."""
    sandbox.reset_stats()
    with open_client(sandbox.webhook_url) as client:
        chunks = list(read_list(client, query))
        ids = [int(row[query.id_field]) for chunk in chunks for piece in chunk.pieces for row in piece.rows]
        assert client.clock is not None
        assert client.usage.requests == sandbox.stats.requests
    assert len(ids) == len(set(ids))
    assert len(ids) >= 3000
    if query.method == "crm.deal.list":
        assert set(ids) == set(map(int, sandbox.truth.entities("deal")["ID"]))
    assert sandbox.stats.requests <= 1.15 * len(ids) / 2500 + 3


def test_by_ids_and_by_pages(sandbox: Sandbox) -> None:
    """`@ID` lists and offset paging agree with the list by id."""
    with open_client(sandbox.webhook_url) as client:
        found = [int(row["ID"]) for rows in read_ids(client, QUERIES[0], range(1, 400)) for row in rows]
        known = set(map(int, sandbox.truth.entities("deal")["ID"]))
        assert set(found) == known & set(range(1, 400))
        users = [
            row["ID"] for page in read_pages(client, "user.get", {"order": {"ID": "ASC"}}) for row in page
        ]
        assert len(users) == len(set(users)) > 0
        answer = client.batch({"me": Command("profile"), "no": Command("crm.deal.get", {"id": 10**9})})
        assert answer.get("me")["ID"]
        assert type(answer.errors["no"]).__name__ == "ObjectNotFound"


def _read(database_url: str, webhook: str, rate: str, outcome: Any) -> None:
    def connect() -> psycopg.Connection:
        return psycopg.connect(database_url, autocommit=True)

    budget = SharedBudget(
        LeakyBucketStrategy(PostgresBudgetStorage(connect)),
        parse_rate(rate),
        "sandbox",
        PostgresOperatingStore(connect),
    )
    with open_client(webhook, budget) as client:
        rows = sum(len(piece.rows) for chunk in read_list(client, QUERIES[0]) for piece in chunk.pieces)
        for _ in range(5):
            client.call("profile")
        outcome.put((rows, client.usage.requests))


def test_two_readings_at_once_are_never_refused(database_url: str, processes: ForkServerContext) -> None:
    """Two processes, one portal, one small bucket: both finish, nobody sees a 503."""
    config = SandboxConfig(leads=10, deals=8_000, limits=Limits(burst=24, leak_per_second=8.0))
    with Sandbox(config) as portal:
        outcome = processes.Queue()
        arguments = (database_url, portal.webhook_url, "8/second burst 24", outcome)
        workers = [processes.Process(target=_read, args=arguments) for _ in range(2)]
        for worker in workers:
            worker.start()
        results = [outcome.get(timeout=60) for _ in workers]
        for worker in workers:
            worker.join()
        assert [rows for rows, _ in results] == [8_000, 8_000]
        assert portal.stats.rejected == 0
        assert portal.stats.max_bucket_level > 4
