"""The head of a list: one page first, what its total suggests then, and what is known is not read again."""

from __future__ import annotations

from typing import Any

import pytest

from b24_pipeline.bitrix.answers import BatchAnswer
from b24_pipeline.bitrix.batch import Command
from b24_pipeline.bitrix.lists.head import KnownRows, ListHead
from b24_pipeline.bitrix.lists.pages import ListQuery
from b24_pipeline.bitrix.lists.ranges import IdRange
from b24_pipeline.errors import AccessDenied, UnreadableAnswer

DEALS = ListQuery("crm.deal.list", ("ID",))


class Portal:
    """Answers the commands of a head from a list of ids; `total` is what it claims to have."""

    def __init__(self, ids: list[int], total: int | None = None, *, counts: bool = True) -> None:
        self.ids = ids
        self.total = total
        self.counts = counts
        self.asked = 0

    def ask(self, head: ListHead, **options: Any) -> None:
        answer = BatchAnswer()
        commands = head.commands(**options)
        self.asked += len(commands)
        for key, command in commands.items():
            self._run(key, command, answer)
        head.take("acme", list(commands), answer)

    def _run(self, key: str, command: Command, answer: BatchAnswer) -> None:
        after = command.params["filter"][">ID"]
        if isinstance(
            after, str
        ):  # the fiftieth row of the page before it, or the beginning where there is none
            before = list(answer.results.values())[-1]
            after = int(before[49]["ID"]) if len(before) == 50 else 0
        matching = [number for number in self.ids if number > after]
        start = max(command.params["start"], 0)
        answer.results[key] = [{"ID": str(number)} for number in matching[start : start + 50]]
        if self.counts and command.params["start"] >= 0:
            answer.totals[key] = len(matching) if self.total is None else self.total


def ids_of(head: ListHead) -> list[int]:
    return [int(row["ID"]) for piece in head.chunk().pieces for row in piece.rows]


@pytest.mark.parametrize("rows", [0, 1, 49])
def test_short_list_is_one_command(rows: int) -> None:
    """Nothing else is asked for on the chance that there is something."""
    portal, head = Portal(list(range(1, rows + 1))), ListHead("deal", DEALS)
    portal.ask(head)
    assert head.is_complete and head.chunk().left == () and portal.asked == 1
    assert ids_of(head) == list(range(1, rows + 1))


@pytest.mark.parametrize(("rows", "more"), [(50, 1), (51, 1), (99, 1), (100, 2), (1000, 20)])
def test_full_page_is_followed_by_what_its_total_suggests(rows: int, more: int) -> None:
    """The short page that ends the list included, and no further one."""
    portal, head = Portal(list(range(1, rows + 1))), ListHead("deal", DEALS)
    portal.ask(head)
    assert head.pages == more and head.chunk().left == (IdRange(50, None),)
    portal.ask(head)
    assert head.is_complete and portal.asked == 1 + more
    assert ids_of(head) == list(range(1, rows + 1))


@pytest.mark.parametrize("total", [0, 50, 100_000])
def test_total_is_only_a_guess(total: int) -> None:
    """Where it says too little the list goes on, and where it says too much it ends by its short page."""
    portal, head = Portal(list(range(1, 121)), total), ListHead("deal", DEALS)
    portal.ask(head)
    assert not head.is_complete
    while not head.is_complete:
        portal.ask(head)
    assert ids_of(head) == list(range(1, 121))


def test_full_page_without_a_total_is_followed_by_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some portals count nothing."""
    portal, head = Portal(list(range(1, 121)), counts=False), ListHead("deal", DEALS)
    portal.ask(head)
    assert head.pages == 6


ALIVE, GONE = list(range(101, 181)), list(range(181, 201))
KNOWN = KnownRows(shown=80, last_shown=180, hidden=20, last=200)


@pytest.mark.parametrize(
    "kept", [[], GONE], ids=["moves of the deleted are gone", "moves of the deleted are kept"]
)
@pytest.mark.parametrize("new", [[], [201], list(range(201, 229))])
def test_rows_that_are_known_are_only_counted(kept: list[int], new: list[int]) -> None:
    """Only new rows are taken, by one command."""
    portal, head = Portal([*ALIVE, *kept, *new]), ListHead("moves", DEALS, 100, KNOWN)
    portal.ask(head)
    assert ids_of(head) == new
    assert head.is_complete and head.covered == max([200, *new]) and portal.asked == 1


def test_more_new_rows_than_a_page_are_followed() -> None:
    """From the last one that came."""
    portal, head = Portal([*ALIVE, *range(201, 331)]), ListHead("moves", DEALS, 100, KNOWN)
    portal.ask(head)
    assert head.chunk().left == (IdRange(249, None),)
    portal.ask(head)
    assert head.is_complete and ids_of(head) == list(range(201, 331))


@pytest.mark.parametrize(
    "ids",
    [
        [*ALIVE, 190],  # became visible late
        [*ALIVE, 190, 201],
        ALIVE[1:],  # some that were known are gone
        [*ALIVE[1:], 201],  # as many as before
        [*ALIVE[:-1], 201],
        [],
        [*ALIVE, *range(190, 195), *range(201, 280)],
    ],
)
def test_in_doubt_all_are_read_again(ids: list[int]) -> None:
    """Another number of known rows than expected: which of them is new is told by their ids."""
    portal, head = Portal(ids), ListHead("moves", DEALS, 100, KNOWN)
    portal.ask(head)
    assert not head.is_complete and ids_of(head) == []
    assert head.chunk().left == (IdRange(100, None),)
    while not head.is_complete:
        portal.ask(head)
    assert ids_of(head) == ids


def test_portal_without_totals_has_known_rows_read_again() -> None:
    """Nothing else tells whether one came in between."""
    portal, head = Portal(ALIVE, counts=False), ListHead("moves", DEALS, 100, KNOWN)
    portal.ask(head)
    assert not head.is_complete
    portal.ask(head)
    assert ids_of(head) == ALIVE


def test_end_is_asked_for_again_where_somebody_wants_it() -> None:
    """What was added since comes with it."""
    portal, head = Portal([1, 2]), ListHead("deal", DEALS)
    assert len(head.commands()) == 1
    portal.ask(head)
    portal.ids.append(3)
    portal.ask(head, again=True)
    assert head.is_complete and ids_of(head) == [1, 2, 3]


def test_error_is_raised_where_the_rows_are_taken() -> None:
    """Whoever asked for several lists takes the answers of all."""
    refused = AccessDenied("acme", "crm.deal.list", "ACCESS_DENIED", "", 200)
    head = ListHead("deal", DEALS)
    head.take("acme", list(head.commands()), BatchAnswer(errors={"deal_first": refused}))
    assert not head.is_complete
    with pytest.raises(AccessDenied):
        head.chunk()
    unanswered = ListHead("deal", DEALS)
    unanswered.take("acme", list(unanswered.commands()), BatchAnswer())
    with pytest.raises(UnreadableAnswer):
        unanswered.chunk()
