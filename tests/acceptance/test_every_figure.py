"""Every mart beside an independent computation, on whole portals and after hundreds of changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import psycopg
import pytest
from psycopg.types.json import Jsonb

from b24_pipeline.models import load_project
from b24_pipeline.sandbox import Sandbox, SandboxConfig
from tests.acceptance.conftest import B24, connect
from tests.support.expected import cohort_figures, creative_figures, model_figures, outcome_figures
from tests.support.expected.funnel import assert_copy_is_true
from tests.support.expected.model_figures import ENTITY, STAGE, frame

Connection = psycopg.Connection[Any]
Rows = dict[tuple[Any, ...], Any]
ZONE = ZoneInfo("Europe/Moscow")


@pytest.mark.parametrize(
    ("seed", "entities", "changes"),
    [(1, 400, 600), *(pytest.param(seed, 700, 1000, marks=pytest.mark.slow) for seed in range(2, 6))],
)
def test_every_figure_is_the_portals_own(
    b24_here: B24, database_url: str, tmp_path: Path, seed: int, entities: int, changes: int
) -> None:
    """The copy is the portal's truth, each mart is what pandas counts of it, and by change it is as if anew."""
    config = SandboxConfig(leads=entities, deals=entities, seed=seed, history_survives_delete=True)
    with Sandbox(config) as sandbox:
        connect(b24_here, sandbox)
        run(b24_here, "sync", "acme")
        run(b24_here, "leads", "import", str(own_leads(sandbox, tmp_path)), "acme")
        choose_key_stages(database_url)
        run(b24_here, "models")
        assert_copy_is_true(database_url, sandbox, "acme")
        assert_figures(database_url)

        sandbox.change(changes, seed=seed)
        run(b24_here, "sync", "acme")
        assert_copy_is_true(database_url, sandbox, "acme")
        assert_figures(database_url)
        by_change = contents(database_url)
        run(b24_here, "models", "--full-refresh")
        assert by_change == contents(database_url)


def run(b24: B24, *arguments: str) -> None:
    done = b24(*arguments)
    assert done.returncode == 0, done.stderr


def own_leads(sandbox: Sandbox, folder: Path) -> Path:
    """Some of the people whom the portal knows, by a few creatives of two directions."""
    path = folder / "own_leads.csv"
    lines = ["id,phone,creative,direction,created_at"]
    for entity_type in ("lead", "contact"):
        people = sandbox.truth.entities(entity_type)
        for number, phones in zip(people["ID"], people["PHONE"], strict=True):
            if phones and number % 3 == 0:
                creative, month = number % 5, 1 + number % 9
                phone = phones[0]["VALUE"].replace(",", " ")
                lines.append(
                    f"{entity_type}-{number},{phone},Video {creative},Direction {creative % 2},2026-0{month}-10"
                )
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def choose_key_stages(url: str) -> None:
    """Three stages of deals for one direction, two of leads for the other."""
    with psycopg.connect(url) as conn:
        for name, entity_type, most in (("Direction 0", "deal", 3), ("Direction 1", "lead", 2)):
            stages = conn.execute(
                "select category_id, status_id from bitrix24_pipeline_stages where entity_type = %s"
                " order by category_id, status_sort limit %s",
                (entity_type, most),
            ).fetchall()
            listed = [{"category_id": category, "status_id": status} for category, status in stages]
            conn.execute(
                "update account_directions set bitrix24_entity_type = %s, key_stages = %s where name = %s",
                (entity_type, Jsonb(listed), name),
            )


def assert_figures(url: str) -> None:
    """What the raw tables hold was compared with the portal; here the marts are compared with them."""
    with psycopg.connect(url) as conn:
        assert_visits(conn)
        assert_days(conn)
        assert_outcomes(conn)
        assert_own_leads(conn)


def assert_visits(conn: Connection) -> None:
    expected = model_figures.visits(conn)
    columns = list(expected.columns)
    found = frame(conn, "select * from analytics.fct_stage_interval")[columns]
    assert as_set(found) == as_set(expected)


def assert_days(conn: Connection) -> None:
    """Entries and exits of each stage, day by day."""
    stays = model_figures.stays(conn)
    for end in ("entered", "exited"):
        stays[f"{end}_on"] = [
            None if pd.isna(at) else at.astimezone(ZONE).date() for at in stays[f"{end}_at"]
        ]
    came = stays.groupby([*STAGE, "entered_on"]).size().to_dict()
    gone: dict[Any, int] = stays.groupby([*STAGE, "exited_on", "left_by"]).size().to_dict()
    days = read(conn, "funnel_daily", [*STAGE, "day"])
    assert {key: row["entered"] for key, row in days.items() if row["entered"]} == came
    created = stays.drop_duplicates(ENTITY).groupby([*STAGE, "entered_on"]).size().to_dict()
    assert {key: row["created"] for key, row in days.items() if row["created"]} == created
    for name, kind in (("won", "won"), ("lost", "lost"), ("left_back", "back"), ("deleted", "deleted")):
        expected = {key[:-1]: count for key, count in gone.items() if key[-1] == kind}
        assert {key: row[name] for key, row in days.items() if row[name]} == expected, name


def assert_outcomes(conn: Connection) -> None:
    world = cohort_figures.world(conn)
    cohort = ["portal", "entity_type", "cohort_month", "category_id", "status_id", "definition", "age_days"]
    found = read(conn, "funnel_cohort", cohort)
    figures = {key: (row["entities"], row["reached"], row["is_mature"]) for key, row in found.items()}
    assert figures == cohort_figures.cohorts(world)
    velocity = read(
        conn, "sales_velocity", ["portal", "entity_type", "category_id", "currency_id", "closed_month"]
    )
    expected = outcome_figures.velocity(world)
    assert set(velocity) == set(expected)
    for key, row in velocity.items():
        for name, value in expected[key].items():
            assert (row[name] is None) == (value is None), (key, name)
            assert value is None or abs(float(row[name]) - value) <= 0.006 + 1e-9 * abs(value), (key, name)
    losses = read(conn, "loss_stage", ["portal", "entity_type", "category_id", "status_id"])
    assert {key: row["lost"] for key, row in losses.items()} == {
        key: row["lost"] for key, row in outcome_figures.losses(world).items()
    }
    won = frame(
        conn,
        "select portal, entity_id, category_id, won_at, day, amount, currency_id from analytics.won_revenue",
    )
    assert as_set(won) == outcome_figures.won_deals(world)
    booked = ["booked_deals", "booked_amount", "reversed_deals", "reversed_amount"]
    ledger = read(conn, "won_revenue_daily", ["portal", "category_id", "currency_id", "day"])
    assert {key: [row[name] for name in booked] for key, row in ledger.items()} == outcome_figures.ledger(
        world
    )


def assert_own_leads(conn: Connection) -> None:
    creative = ["portal", "entity_type", "creative_id", "direction_id", "category_id", "status_id"]
    utm = ["portal", "entity_type", "utm_campaign", "utm_content", "category_id", "status_id"]
    for mart, key, expected in (
        ("creative_funnel_stats", creative, creative_figures.creative_funnel(conn)),
        ("utm_funnel_stats", utm, creative_figures.utm_funnel(conn)),
    ):
        found = read(conn, mart, key)
        assert {one: (row["count"], row["qualified"]) for one, row in found.items()} == {
            one: figures[:2] for one, figures in expected.items()
        }, mart
        assert any(row["count"] for row in found.values()), mart
    stats = read(conn, "creative_stats", creative[:4])
    for one, figures in creative_figures.creative_stats(conn).items():
        figures.pop("revenue")
        assert {name: stats[one][name] for name in figures} == figures
    key = ["portal", "direction_id", "key_stage_index", "category_id", "status_id", "creative_id", "month"]
    found = read(conn, "key_stage_stats", key)
    assert {one: (row["total_leads"], row["reached"]) for one, row in found.items()} == (
        creative_figures.key_stages(conn)
    )
    assert any(row["reached"] for row in found.values())


def read(conn: Connection, mart: str, key: list[str]) -> Rows:
    """The rows of a mart by their key, which is theirs alone."""
    found = frame(conn, f"select * from analytics.{mart}").to_dict("records")
    by_key = {tuple(row[name] for name in key): row for row in found}
    assert len(by_key) == len(found)
    return by_key


def as_set(table: pd.DataFrame) -> set[tuple[Any, ...]]:
    return set(table.astype(object).where(table.notna(), None).itertuples(index=False, name=None))


def contents(url: str) -> dict[str, list[str]]:
    """Every row of every relation of the models, as text, but for the lists of what the last build has computed."""
    lists = load_project().lists
    with psycopg.connect(url) as conn:
        names = conn.execute(
            "select relname, relnamespace::regnamespace::text from pg_class"
            " where relnamespace::regnamespace::text in ('analytics', 'analytics_build') and relkind in ('r', 'v')"
            # what the last build has computed anew, which is nothing after a build of everything
            " and relname !~ '^int_(changed|touched)_'"
        ).fetchall()
        return {
            name: sorted(
                row[0] for row in conn.execute(f"select r::text from {schema}.{name} as r").fetchall()
            )
            for name, schema in names
            if name not in lists
        }
