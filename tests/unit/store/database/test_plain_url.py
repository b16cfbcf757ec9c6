"""URLs that are read without SQLAlchemy are read as SQLAlchemy reads them."""

from __future__ import annotations

import pytest
import sqlalchemy

from b24_pipeline.store.database.plain_url import plain_url
from b24_pipeline.store.database.url import read_url, url_for_people


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://ann:secret@db.acme.com:5432/b24",
        "postgres://ann:secret@db/b24",
        "postgresql://ann@db/b24",
        "postgresql://ann:p%40ss%2Fw%25@10.0.0.5/b24?sslmode=verify-full",
        "postgresql://postgres@/b24?host=/tmp/b24/postgres",
        "postgresql://postgres@/b24?host=%2Ftmp%2Fb%2024%2Fpostgres",
        "postgresql:///b24",
    ],
)
def test_a_plain_url_is_read_and_shown_alike(text: str) -> None:
    """Both ways connect to the same database, and say the same of it."""
    url = read_url(text).set(drivername="postgresql+psycopg")
    plain = plain_url(text)
    assert plain is not None
    assert plain.place == url_for_people(url)
    _, theirs = sqlalchemy.create_engine(url).dialect.create_connect_args(url)
    assert plain.arguments == {name: value for name, value in theirs.items() if name != "context"}


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://ann:se@cret@db/b24",
        "postgresql://ann:50%@db/b24",
        "postgresql://ann%40acme@db/b24",
        "postgresql://ann@db/b24%20x",
        "postgresql://ann@%2Ftmp/b24",
        "postgresql://ann@[::1]/b24",
        "postgresql://ann@db:port/b24",
        "postgresql://ann@db/b24?host=other",
        "postgresql://ann@db/b24?host=/tmp",
        "postgresql://ann@db/b24?sslmode=require&connect_timeout=3",
        "postgresql://ann@db",
        "postgresql://:5433/b24",
        "postgresql://ann@db/b24\n",
        "postgresql://ann@дб/b24",
    ],
)
def test_every_other_url_is_left_to_sqlalchemy(text: str) -> None:
    """Also one that nobody can read: there is one place that says so."""
    assert plain_url(text) is None
