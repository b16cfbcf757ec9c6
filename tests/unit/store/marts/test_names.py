"""Names of schemas and columns."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from b24_pipeline.store.marts.names import LONGEST_BYTES, column_name, schema_name

PORTALS = st.from_regex(r"[^\W_][\w.-]{0,62}", fullmatch=True)


@pytest.mark.parametrize("portal", ["acme", "acme_2", "ромашка", "a" * 53])
def test_a_plain_name_stays(portal: str) -> None:
    """Small letters of any script, digits and '_' can be written without quotes."""
    assert schema_name(portal) == f"analytics_{portal}"


@pytest.mark.parametrize(
    ("portal", "start"),
    [
        ("Acme", "analytics_acme"),
        ("shop.acme-eu", "analytics_shop_acme_eu"),
        ("a" * 54, "analytics_" + "a" * 44),
        ("ж" * 63, "analytics_" + "ж" * 22),
        ("build", "analytics_build"),  # the models below the marts stand in a schema of this name
    ],
)
def test_another_name_is_changed_and_gets_a_digest(portal: str, start: str) -> None:
    """What had to be changed or cut ends in eight hexadecimal digits."""
    made = schema_name(portal)
    assert re.fullmatch(re.escape(start) + "_[0-9a-f]{8}", made)
    assert len(made.encode()) <= LONGEST_BYTES


@given(PORTALS, PORTALS)
def test_schemas_are_distinct_and_short(one: str, other: str) -> None:
    """Different portals have different schemas, none longer than PostgreSQL allows."""
    assert len(schema_name(one).encode()) <= LONGEST_BYTES
    assert (schema_name(one) == schema_name(other)) == (one == other)


def test_columns_are_small_and_distinct() -> None:
    """A name that is taken or too long ends in a digest, too."""
    assert column_name("UF_CRM_1710000000") == "uf_crm_1710000000"
    assert column_name("UF_A", {"uf_a"}).startswith("uf_a_")
    assert column_name("UF_A", suffix="_amount") == "uf_a_amount"
    long = "UF_" + "X" * 80
    assert len(column_name(long, suffix="_currency").encode()) == LONGEST_BYTES
    assert column_name(long, suffix="_currency") != column_name(long, suffix="_amount")
