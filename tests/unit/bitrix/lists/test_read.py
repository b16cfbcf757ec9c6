"""Whole lists: complete, each row once, in few requests, and resumable."""

from __future__ import annotations

import itertools
import math
import random
import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b24_pipeline.bitrix.lists import in_flight
from b24_pipeline.bitrix.lists.pages import Chunk, ListQuery
from b24_pipeline.bitrix.lists.ranges import IdRange
from b24_pipeline.bitrix.lists.read import read_list
from tests.support.servers.scripted_portal import ScriptedPortal, client_of

DEALS = ListQuery("crm.deal.list", ("TITLE",))
FRONT_FIRST = replace(DEALS, front_first=True)


def read(portal: ScriptedPortal, **options: Any) -> list[Chunk]:
    with client_of(portal) as client:
        return list(read_list(client, options.pop("query", DEALS), **options))


def ids_in(chunks: list[Chunk], name: str = "ID") -> list[int]:
    return [int(row[name]) for chunk in chunks for piece in chunk.pieces for row in piece.rows]


def close(reading: Iterator[Chunk]) -> None:
    """Stops reading before its end, as a caller does who has failed."""
    assert isinstance(reading, Generator)
    reading.close()


def with_gaps(rows: int, share: float, seed: int) -> list[int]:
    return sorted(random.Random(seed).sample(range(1, int(rows / (1 - share)) + 2), rows))


def blocks(rows: int, seed: int) -> list[int]:
    chance, ids = random.Random(seed), set(range(1, int(rows * 1.4)))
    while len(ids) > rows:
        begin = chance.randrange(1, int(rows * 1.4))
        ids -= set(range(begin, begin + chance.randrange(50, 3000)))
    return sorted(ids)


def wide_holes(rows: int, seed: int) -> list[int]:
    chance = random.Random(seed)
    return list(itertools.accumulate(chance.choices([1, 2, 5, 60], [84, 12, 3.5, 0.5], k=rows)))


def slow(ids: list[int]) -> ScriptedPortal:
    """Longer under way than we are at work, as portals are: what an answer tells goes into the next batch."""
    portal = ScriptedPortal(ids)
    portal.latency = 0.3
    return portal


@pytest.mark.parametrize("share", [0.0, 0.1, 0.2])
def test_fifty_thousand_rows(share: float) -> None:
    """At most a tenth more requests than full batches, the first look included; few pages in vain."""
    portal = slow(with_gaps(50_000, share, seed=1))
    assert sorted(ids_in(read(portal))) == portal.ids["crm.deal.list"]
    assert len(portal.log) <= 22
    assert portal.commands <= 1.06 * 1000 + 7


def test_a_long_list_from_its_front() -> None:
    """Hardly a row comes more than ten batches after a higher one, and it takes hardly a request more."""
    portal = ScriptedPortal(with_gaps(150_000, 0.35, seed=1))
    portal.latency = 0.05
    got = ids_in(read(portal, query=FRONT_FIRST))
    assert sorted(got) == portal.ids["crm.deal.list"]
    ten_batches = 10 * 2500 / 0.65  # in ids
    late = sum(
        number < highest - ten_batches
        for number, highest in zip(got, itertools.accumulate(got, max), strict=True)
    )
    assert late < 0.02 * len(got)
    assert len(portal.log) <= 1.06 * math.ceil(150_000 / 2500)


@pytest.mark.parametrize("seed", [2, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (3, 4))])
def test_wide_holes(seed: int) -> None:
    """Holes that make a first guess of the density worthless cost a few batches for the tails."""
    portal = slow(wide_holes(50_000, seed))
    assert sorted(ids_in(read(portal))) == portal.ids["crm.deal.list"]
    assert len(portal.log) <= 1.25 * 20
    assert portal.commands <= 1.2 * 1000


def test_the_portal_works_while_the_caller_does() -> None:
    """Batches leave although the rows of those before them still wait for the caller."""
    portal = ScriptedPortal(with_gaps(50_000, 0.1, seed=5))
    with client_of(portal) as client:
        chunks = read_list(client, DEALS, concurrency=2)
        for _ in range(2):
            next(chunks)
        deadline = time.monotonic() + 5
        while len(portal.log) < 8 and time.monotonic() < deadline:
            time.sleep(0.01)
        sent = len(portal.log)
        assert sum(len(ids_in([chunk])) for chunk in chunks) > 0
    assert sent >= 8


def test_what_waits_for_the_caller_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """No further batch leaves while more than so many bytes wait: the memory of a slow caller stays small."""
    monkeypatch.setattr(in_flight, "MOST_OPEN_BYTES", 100_000)
    portal = ScriptedPortal(with_gaps(50_000, 0.1, seed=5))
    with client_of(portal) as client:
        chunks = read_list(client, DEALS, concurrency=2)
        for _ in range(2):
            next(chunks)
        time.sleep(1)
        sent = len(portal.log)
        list(chunks)
    assert sent < 8
    assert len(portal.log) >= 21


def test_clustered_gaps() -> None:
    """Deleted blocks, a third of all ids, cost a few batches more."""
    portal = slow(blocks(50_000, seed=2))
    assert sorted(ids_in(read(portal))) == portal.ids["crm.deal.list"]
    assert len(portal.log) <= 1.25 * math.ceil(len(portal.ids["crm.deal.list"]) / 2500)


def test_one_huge_gap() -> None:
    """A gap many times as wide as all the rest costs at most two more batches a worker, however wide it is."""
    portal = ScriptedPortal([*range(1, 25_001), *range(1_000_000, 1_025_000)])
    assert sorted(ids_in(read(portal))) == portal.ids["crm.deal.list"]
    assert len(portal.log) <= 20 + 2 * 8


@pytest.mark.parametrize("rows", [0, 1, 49, 50, 51, 299])
def test_a_short_list_takes_one_request(rows: int) -> None:
    """The first look is all there is to read, and it is one chunk with nothing left."""
    portal = ScriptedPortal(list(range(5, 5 + rows)))
    chunks = read(portal)
    assert ids_in(chunks) == portal.ids["crm.deal.list"]
    assert (len(portal.log), len(chunks), chunks[0].left) == (1, 1, ())
    assert chunks[0].pieces[0].done == IdRange(0, 4 + rows if rows else 0)


def test_several_batches_are_under_way_at_once() -> None:
    """The portal's latency is hidden behind as many requests as the caller allows, and no more."""
    portal = ScriptedPortal(with_gaps(30_000, 0.1, seed=3))
    portal.latency = 0.05
    read(portal, concurrency=5)
    assert portal.most_running == 5


def test_wrapped_lists_with_small_letters() -> None:
    """`crm.item.list`: `items`, `id`, and parameters of its own in every command."""
    portal = ScriptedPortal({"crm.item.list": list(range(1, 4001))}, wrapper="items")
    query = ListQuery("crm.item.list", ("title",), {">=updatedTime": "x"}, {"entityTypeId": 2}, "id", "items")
    assert sorted(ids_in(read(portal, query=query), "id")) == list(range(1, 4001))
    commands = [command for _, body in portal.log for command in body["cmd"].values()]
    assert all("entityTypeId=2" in command and "updatedTime" in command for command in commands)
    assert all("=id" in command for command in commands)


def test_the_id_is_always_selected() -> None:
    """The chain needs it, whatever the caller selects."""
    assert DEALS.page(0, None).params["select"] == ["ID", "TITLE"]
    assert ListQuery("m", ("*", "UF_*")).page(0, 9).params["select"] == ["*", "UF_*"]
    assert ListQuery("m", ("ID", "A")).page(0, 9).params["filter"] == {">ID": 0, "<=ID": 9}


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 12_000),
    st.sampled_from([0.0, 0.2, 0.9]),
    st.integers(0, 9),
    st.sampled_from([DEALS, FRONT_FIRST]),
    st.lists(st.tuples(st.integers(1, 4), st.sampled_from([1, 3, 8])), min_size=1, max_size=6),
)
def test_a_reading_stopped_anywhere_goes_on_without_gap_or_repetition(
    rows: int, share: float, seed: int, query: ListQuery, stops: list[tuple[int, int]]
) -> None:
    """Property: the chunks before the stop and a new reading of what was left give every row once."""
    portal = ScriptedPortal(with_gaps(rows, share, seed) if rows else [])
    left: tuple[IdRange, ...] = (IdRange(0, None),)
    got: list[int] = []
    for stop_after, concurrency in itertools.islice(itertools.cycle(stops), 100):
        with client_of(portal) as client:
            reading = read_list(client, query, left, concurrency=concurrency)
            for number, chunk in enumerate(reading, start=1):
                got += ids_in([chunk])
                left = chunk.left
                if number == stop_after:
                    break
            close(reading)
        if not left:
            break
    assert sorted(got) == portal.ids["crm.deal.list"]


def test_every_piece_is_all_of_its_range() -> None:
    """Ranges delivered do not overlap, and together with what is left they are everything."""
    portal = ScriptedPortal(blocks(20_000, seed=4))
    covered: list[tuple[int, int]] = []
    for chunk in read(portal):
        for piece in chunk.pieces:
            assert piece.done.upto is not None
            inside = [
                number
                for number in portal.ids["crm.deal.list"]
                if piece.done.after < number <= piece.done.upto
            ]
            assert [int(row["ID"]) for row in piece.rows] == inside
            covered.append((piece.done.after, piece.done.upto))
        whole = sorted([*covered, *((one.after, one.upto or 0) for one in chunk.left)])
        assert all(end == begin for (_, end), (begin, _) in itertools.pairwise(whole))
        assert whole[0][0] == 0
        assert whole[-1][1] == portal.ids["crm.deal.list"][-1]


def test_many_ranges_to_go_on_with() -> None:
    """More open ranges than a batch has commands, none of them empty of surprise."""
    portal = ScriptedPortal(list(range(1, 20_001)))
    ranges = [IdRange(low, low + 100) for low in range(0, 20_000, 200)]
    wanted = [number for number in range(1, 20_001) if (number - 1) % 200 < 100]
    chunks = read(portal, ranges=ranges)
    assert sorted(ids_in(chunks)) == wanted
    assert "top" not in portal.log[0][1]["cmd"]
    assert len(portal.log) <= 8


def test_no_range_is_no_request() -> None:
    """A cursor with nothing left asks for nothing."""
    portal = ScriptedPortal([1, 2, 3])
    assert ids_in(read(portal, ranges=())) == []
    assert portal.log == []


def test_a_consumer_that_stops_leaves_no_work_behind() -> None:
    """Closing the reading cancels what was not sent yet."""
    portal = ScriptedPortal(list(range(1, 60_001)))
    portal.latency = 0.03
    with client_of(portal) as client:
        reading = read_list(client, DEALS, concurrency=2)
        next(reading)
        next(reading)
        close(reading)
    assert len(portal.log) <= 5
