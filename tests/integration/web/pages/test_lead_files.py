"""What the page of own leads helps with: a file to fill in, and the order of day and month in dates."""

from __future__ import annotations

import re

import pytest

from b24_pipeline.web.frame.translations import LANGUAGES
from tests.integration.web.pages.test_leads_page import (
    FILE,
    chosen_in,
    leads_of,
    looked_at,
    manager,
    site,
    stored,
    upload,
)
from tests.support.servers.pages_site import PagesSite, Visit, text_of

__all__ = ["manager", "site"]


@pytest.mark.parametrize(
    ("dates", "order", "is_told"),
    [
        (["03/04/2026 10:00", "25/04/2026 11:00"], "dmy", True),
        (["03/04/2026 10:00", "04/25/2026 11:00"], "mdy", True),
        (["03/04/2026 10:00", "04/05/2026 11:00"], "", False),
        (["25/04/2026 10:00", "04/25/2026 11:00"], "", False),
    ],
)
def test_the_order_of_day_and_month_is_told_by_the_file_where_it_can(
    site: PagesSite, manager: Visit, dates: list[str], order: str, is_told: bool
) -> None:
    """A day above 12 tells it for all rows; else it is asked for, and nothing is loaded before."""
    file = "phone,created_at\n" + "".join(f"+7921555000{at},{date}\n" for at, date in enumerate(dates))
    page, key = looked_at(manager, upload(manager, site, file.encode()))
    assert ('id="told-order"' in page) is is_told
    assert ('id="which-order"' in page) is not is_told
    assert (f'value="{order}" selected' in page) is is_told
    load = f"{leads_of(site)}/load"
    columns = ["phone", "created_at"]
    done = manager.post(load, "/portals", upload=key, column=columns, order=order)
    assert done.status_code == (200 if is_told else 422)
    assert len(stored(site)) == (2 if is_told else 0)


def test_dates_that_tell_their_order_are_not_asked_about(site: PagesSite, manager: Visit) -> None:
    """A question that does not concern the file is not put."""
    page, _key = looked_at(manager, upload(manager, site, FILE.encode()))
    assert 'name="order"' not in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_sample_file_is_recognised_in_every_language(
    site: PagesSite, manager: Visit, language: str
) -> None:
    """What it offers to fill in can be loaded as it is."""
    page = manager.get(leads_of(site))
    assert f"{leads_of(site)}/sample" in page.text
    sample = manager.get(f"{leads_of(site)}/sample", lang=language)
    assert sample.headers["content-type"].startswith("text/csv")
    shown, _key = looked_at(manager, upload(manager, site, sample.content, "own-leads.csv"))
    assert chosen_in(shown) == [
        *("name", "phone", "email", "created_at"),
        *("utm_campaign", "creative", "direction"),
    ]
    assert "2 New" in re.sub(r"(New) (\d+)", r"\2 \1", text_of(shown))
