"""What the generated portal is like."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from b24_pipeline.sandbox.config import SandboxConfig
from b24_pipeline.sandbox.controls.truth import Truth
from b24_pipeline.sandbox.portal import PortalState


@pytest.fixture(scope="module")
def truth() -> Truth:
    """A portal of three thousand leads and deals; nobody changes it."""
    return Truth(PortalState(SandboxConfig(leads=3000, deals=3000, seed=3)))


def test_equal_seeds_make_equal_portals() -> None:
    """The same configuration generates the same rows, another seed others."""
    rows = [
        list(Truth(PortalState(SandboxConfig(leads=50, deals=50, seed=s))).raw("deal")) for s in (1, 1, 2)
    ]
    assert rows[0] == rows[1]
    assert rows[0] != rows[2]


def test_ids_ascend_with_gaps(truth: Truth) -> None:
    """Ids grow and some are missing."""
    ids = truth.entities("deal")["ID"]
    assert ids.is_monotonic_increasing
    assert ids.is_unique
    assert ids.diff().max() > 1


@pytest.mark.parametrize(("entity_type", "stage_field"), [("lead", "STATUS_ID"), ("deal", "STAGE_ID")])
def test_the_last_move_is_the_present_stage(truth: Truth, entity_type: str, stage_field: str) -> None:
    """History and entity agree about stage, pipeline and the time of the last move."""
    entities = truth.entities(entity_type).set_index("ID")
    last = truth.history(entity_type).groupby("owner_id").last()
    joined = entities.join(last)
    assert (joined[stage_field] == joined["stage_id"]).all()
    assert (joined["MOVED_TIME"] == joined["created_time"]).all()
    if entity_type == "deal":
        assert (joined["CATEGORY_ID"] == joined["category_id"]).all()


@pytest.mark.parametrize("entity_type", ["lead", "deal"])
def test_history_starts_with_the_creation(truth: Truth, entity_type: str) -> None:
    """The first row has type 1 and the time of creation, and no other has type 1."""
    history = truth.history(entity_type)
    first = history.groupby("owner_id").first()
    created = truth.entities(entity_type).set_index("ID")["DATE_CREATE"]
    assert (first["type_id"] == 1).all()
    assert (first["created_time"] == created.loc[first.index]).all()
    assert (history["type_id"] == 1).sum() == len(first)


def test_history_ids_ascend_with_time(truth: Truth) -> None:
    """An incremental read by id misses nothing."""
    history = truth.history("deal")
    assert history["history_id"].is_monotonic_increasing
    assert history["created_time"].is_monotonic_increasing
    assert 3 < len(history) / history["owner_id"].nunique() < 5


def test_moves_have_their_types(truth: Truth) -> None:
    """3 enters a final stage, 5 another pipeline, 2 stays inside in progress."""
    history = truth.history("deal")
    before = history.groupby("owner_id")["category_id"].shift()
    changed = before.notna() & (history["category_id"] != before)
    assert (history["type_id"][changed] == 5).all()
    assert changed.sum() > 50
    assert (history["semantics"][history["type_id"] == 3] != "P").all()
    assert (history["semantics"][history["type_id"] == 2] == "P").all()


def test_deleted_stages_stay_referenced(truth: Truth) -> None:
    """History and a few entities name stages that no directory has."""
    known = set(truth.stages("deal")["status_id"])
    assert set(truth.history("deal")["stage_id"]) - known == {"UC_DEL000", "C4:UC_OLD01"}
    assert set(truth.entities("deal")["STAGE_ID"]) - known


def test_converted_leads_have_their_deals_and_contacts(truth: Truth) -> None:
    """A deal born of a lead has its contact, and the contact the lead's phone."""
    leads, deals = truth.entities("lead").set_index("ID"), truth.entities("deal")
    contacts = truth.entities("contact").set_index("ID")
    born = deals.dropna(subset=["LEAD_ID"])
    parents = leads.loc[born["LEAD_ID"].astype(int)]
    assert len(born) > 500
    assert (parents["STATUS_ID"] == "CONVERTED").all()
    with_contact = born.dropna(subset=["CONTACT_ID"])
    persons = contacts.loc[with_contact["CONTACT_ID"].astype(int)]
    assert (persons["LEAD_ID"].to_numpy() == with_contact["LEAD_ID"].to_numpy()).all()


def test_closed_flags_follow_the_stage(truth: Truth) -> None:
    """CLOSED and DATE_CLOSED belong to final stages, and nothing else."""
    deals, leads = truth.entities("deal"), truth.entities("lead")
    assert ((deals["CLOSED"] == "Y") == (deals["STAGE_SEMANTIC_ID"] != "P")).all()
    assert (leads["DATE_CLOSED"].notna() == (leads["STATUS_SEMANTIC_ID"] != "P")).all()


def test_nothing_is_of_the_future_but_closing_dates(truth: Truth) -> None:
    """The data end at `now`; some deals hope to close later."""
    now = pd.Timestamp("2026-11-01", tz="UTC")
    deals = truth.entities("deal")
    assert deals["DATE_MODIFY"].max() < now
    assert (deals["DATE_MODIFY"] >= deals["DATE_CREATE"]).all()
    assert sum(day is not None and day > now.date() for day in deals["CLOSEDATE"]) > 100


def test_many_rows_share_a_second(truth: Truth) -> None:
    """More than a page was changed in one second."""
    assert truth.entities("deal")["DATE_MODIFY"].value_counts().max() > 50


def test_nothing_is_said_in_every_way(truth: Truth) -> None:
    """null, empty text, "0", false, an empty list and a missing key all occur."""
    rows = list(truth.raw("lead")) + list(truth.raw("deal"))
    values = [value for row in rows for value in row.values()]
    nothing: tuple[Any, ...] = (None, "", "0", False, [])
    for empty in nothing:
        assert any(value == empty and type(value) is type(empty) for value in values)
    assert 0 < sum("PHONE" not in row for row in rows[:3000]) < 3000


def test_every_common_user_field_type_is_there(truth: Truth) -> None:
    """Leads and deals carry each type, single and multiple."""
    fields = truth.fields("deal").query("custom")
    assert set(fields["type"]) == {
        "string",
        "integer",
        "double",
        "boolean",
        "datetime",
        "date",
        "money",
        "url",
        "address",
        "enumeration",
        "file",
        "employee",
        "crm_status",
        "crm",
        "iblock_element",
    }
    assert np.sort(fields.query("type == 'enumeration'")["multiple"].to_numpy()).tolist() == [False, True]


def test_texts_are_as_nasty_as_real_ones(truth: Truth) -> None:
    """Emoji, HTML, BB code and a comment of many kilobytes."""
    texts = [text for text in truth.entities("lead")["COMMENTS"] if text]
    comments = "".join(texts)
    assert "🔥" in comments
    assert "<script>" in comments
    assert "[URL=" in comments
    assert max(map(len, texts)) > 20_000
