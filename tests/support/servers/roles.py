"""The roles of deploy/roles.sql on a server of the tests."""

from __future__ import annotations

import subprocess
from pathlib import Path
from urllib.parse import quote

import psycopg

FILE = Path(__file__).parents[3] / "deploy" / "roles.sql"
OWNER, LOADER, SERVICE = "b24_owner", "b24_loader", "b24_service"


def give_roles(url: str) -> None:
    """Runs the file in a database, as its first lines say."""
    names = (f"owner={OWNER}", f"loader={LOADER}", f"service={SERVICE}")
    variables = [word for name in names for word in ("-v", name)]
    done = subprocess.run(
        ["psql", "-X", *variables, "-f", str(FILE), url],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def as_role(url: str, role: str) -> str:
    """The URL of a test's database for one of them."""
    return url.replace("postgres@", f"{role}@", 1)


def as_service(url: str) -> str:
    """The URL of the database for the service, whose tests show that it needs no more than its role has."""
    give_roles(url)
    with psycopg.connect(
        url, autocommit=True
    ) as connection:  # tests build models as whoever made the database
        connection.execute(
            f"alter default privileges in schema analytics, analytics_build grant select on tables to {SERVICE}"
        )
    return f"{url}&options={quote(f'-c role={SERVICE}')}"
