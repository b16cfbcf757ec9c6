"""The order of the table of people, by any of its columns."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import pytest

from b24_pipeline.store.figures.people import Person
from b24_pipeline.web.frame.sorting import Way
from b24_pipeline.web.pages.people_page import in_order


def person(name: str, won: int, rate: str | None, earned: Mapping[str, str]) -> Person:
    """One who has nothing open."""
    amounts = {currency: Decimal(amount) for currency, amount in earned.items()}
    return Person(1, name, None, 0, {}, won, 0, Decimal(rate) if rate else None, amounts, None)


PEOPLE = [
    person("Boris", 9, "0.9", {"RUB": "900"}),
    person("anna", 5, None, {"RUB": "12000", "USD": "1"}),
    person("Vera", 5, "1", {"USD": "70000"}),
]


@pytest.mark.parametrize(
    ("sort", "way", "names"),
    [
        ("won", "down", "Boris anna Vera"),
        ("won", "up", "anna Vera Boris"),
        ("name", "up", "anna Boris Vera"),
        ("winrate", "down", "Vera Boris anna"),
        ("winrate", "up", "Boris Vera anna"),
        ("revenue", "down", "anna Boris Vera"),
        ("revenue", "up", "Boris anna Vera"),
        ("nonsense", "down", "Boris anna Vera"),
    ],
)
def test_people_are_sorted_by_any_column(sort: str, way: Way, names: str) -> None:
    """Numbers as numbers, equal ones as they were; who has no such value comes last in either direction."""
    assert [one.owner_name for one in in_order(PEOPLE, sort, way, "RUB")] == names.split()


def test_money_is_sorted_by_what_most_have_where_the_account_names_no_currency() -> None:
    """Amounts of two currencies have no order in common."""
    found = [*PEOPLE, person("Gleb", 1, None, {"USD": "5"})]
    assert [one.owner_name for one in in_order(found, "revenue", "down", None)] == [
        "Vera",
        "Gleb",
        "anna",
        "Boris",
    ]
