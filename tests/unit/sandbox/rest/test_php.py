"""PHP's arrays: list or object, bracketed forms, truth."""

from __future__ import annotations

from typing import Any

import pytest

from b24_pipeline.sandbox.rest.php import list_or_object, parse_body, parse_query, truthy


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ({}, []),
        ({"0": "a"}, ["a"]),
        ({"0": "a", "1": "b"}, ["a", "b"]),
        ({"1": "b"}, {"1": "b"}),
        ({"1": "b", "0": "a"}, {"1": "b", "0": "a"}),
        ({"2": 1, "4": 2, "8": 3, "0": 4}, {"2": 1, "4": 2, "8": 3, "0": 4}),
        ({"deals": 1}, {"deals": 1}),
    ],
)
def test_a_map_is_a_list_only_if_its_keys_count_from_zero(items: dict[str, object], expected: object) -> None:
    """Empty and 0..n-1 in order become lists, everything else stays an object."""
    assert list_or_object(items) == expected


def test_brackets_nest_and_append() -> None:
    """`filter[>ID]` nests and `select[]` appends."""
    parsed = parse_query("filter[%3EID]=10&select[]=ID&select[]=TITLE&order[ID]=ASC&start=-1")
    assert parsed == {
        "filter": {">ID": "10"},
        "select": ["ID", "TITLE"],
        "order": {"ID": "ASC"},
        "start": "-1",
    }


def test_numbered_brackets_are_a_list_only_without_holes() -> None:
    """`a[0]`, `a[1]` are a list; `a[1]`, `a[3]` are an object."""
    assert parse_query("a[0]=x&a[1]=y&b[1]=x&b[3]=y") == {"a": ["x", "y"], "b": {"1": "x", "3": "y"}}


def test_deep_brackets_keep_their_shape() -> None:
    """Rows of multifields come through a form whole."""
    parsed = parse_query("fields[PHONE][0][VALUE]=%2B7+921&fields[PHONE][0][VALUE_TYPE]=WORK")
    assert parsed == {"fields": {"PHONE": [{"VALUE": "+7 921", "VALUE_TYPE": "WORK"}]}}


def test_json_form_and_multipart_mean_the_same() -> None:
    """The three kinds of body give the same parameters."""
    multipart = (
        b'--x\r\nContent-Disposition: form-data; name="filter[>ID]"\r\n\r\n10\r\n'
        b'--x\r\nContent-Disposition: form-data; name="select[]"\r\n\r\nID\r\n--x--\r\n'
    )
    expected = {"filter": {">ID": "10"}, "select": ["ID"]}
    assert parse_body("application/json", b'{"filter": {">ID": "10"}, "select": ["ID"]}') == expected
    assert parse_body("application/x-www-form-urlencoded", b"filter[>ID]=10&select[]=ID") == expected
    assert parse_body("multipart/form-data; boundary=x", multipart) == expected


@pytest.mark.parametrize("body", [b"", b"{", b"17"])
def test_a_broken_body_has_no_parameters(body: bytes) -> None:
    """What is no JSON object gives no parameters instead of failing."""
    assert parse_body("application/json", body) == {}


def test_truth_is_phps() -> None:
    """Zero, its text and nothing are false, any other text is true."""
    assert [truthy(value) for value in (1, "1", True, "Y", "false")] == [True] * 5
    nothing: tuple[Any, ...] = (0, "0", "", None, [], False)
    assert [truthy(value) for value in nothing] == [False] * 6
