"""What a credential is good for, before anything is stored."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from b24_pipeline.bitrix.answers import Answer, BatchAnswer
from b24_pipeline.errors import ScopeMissing, UnreadableAnswer
from b24_pipeline.sync.portals.probe import probe, time_zone_of

SUMMER = "2026-07-01T12:00:00+03:00"
PROFILE = {"ID": "17", "ADMIN": True, "TIME_ZONE": "Europe/Moscow"}


class Portal:
    """Answers a probe."""

    def __init__(
        self, profile: Any = PROFILE, scopes: Any = ("crm", "user", "department"), time: Any = SUMMER
    ) -> None:
        self.portal = "acme"
        self.clock = None
        self._profile = profile
        self._results = {"scope": scopes, "time": time}

    def call(self, _method: str) -> Answer:
        return Answer(self._profile)

    def batch(self, _commands: object) -> BatchAnswer:
        return BatchAnswer(dict(self._results))


@pytest.mark.parametrize(
    ("zone", "moment", "expected"),
    [
        ("Europe/Moscow", SUMMER, "Europe/Moscow"),
        ("Europe/Berlin", "2026-07-01T12:00:00+02:00", "Europe/Berlin"),
        ("Europe/Berlin", "2026-12-01T12:00:00+01:00", "Europe/Berlin"),
        ("Europe/Berlin", SUMMER, "Etc/GMT-3"),
        ("", SUMMER, "Etc/GMT-3"),
        ("Mars/Olympus", "2026-07-01T12:00:00-05:00", "Etc/GMT+5"),
        ("../../etc/passwd", SUMMER, "Etc/GMT-3"),
        ("America", SUMMER, "Etc/GMT-3"),
        ("", "2026-07-01T12:00:00+00:00", "UTC"),
        ("Asia/Kolkata", "2026-07-01T12:00:00+05:30", "Asia/Kolkata"),
        ("", "2026-07-01T12:00:00+05:30", "Asia/Kolkata"),
        ("Europe/Berlin", "2026-07-01T12:00:00+05:45", "Asia/Kathmandu"),
        ("", "2026-12-01T12:00:00-03:30", "America/St_Johns"),
        ("", "2026-12-01T12:00:00+00:20", "UTC"),
    ],
)
def test_zone_is_the_user_s_where_it_agrees_with_the_server(zone: str, moment: str, expected: str) -> None:
    """The user's zone is taken if it has the server's offset, as it has daylight saving time too."""
    assert time_zone_of({"TIME_ZONE": zone}, datetime.fromisoformat(moment)) == expected


def test_good_credential_has_no_warnings() -> None:
    """An administrator with the scopes crm, user and department gets no warning."""
    found = probe(Portal())  # type: ignore[arg-type]
    assert (found.user_id, found.time_zone, found.warnings) == (17, "Europe/Moscow", ())


def test_owner_who_is_no_administrator_is_warned_of() -> None:
    """An owner who is no administrator gets a warning: their lists are shorter without an error."""
    assert "no administrator" in probe(Portal(PROFILE | {"ADMIN": False})).warnings[0]  # type: ignore[arg-type]


def test_missing_user_scope_is_warned_of() -> None:
    """Without the scope user there is a warning that names of persons will be missing."""
    assert "`user`" in probe(Portal(scopes=["crm"])).warnings[0]  # type: ignore[arg-type]
    assert probe(Portal(scopes=["crm", "user_brief", "department"])).warnings == ()  # type: ignore[arg-type]


def test_missing_department_scope_is_warned_of() -> None:
    """Without the scope department there is a warning that figures by department will be missing."""
    assert "`department`" in probe(Portal(scopes=["crm", "user"])).warnings[0]  # type: ignore[arg-type]


def test_missing_crm_scope_is_refused() -> None:
    """A credential without the scope crm is refused, as it could read nothing."""
    with pytest.raises(ScopeMissing, match="lacks crm"):
        probe(Portal(scopes=["user"]))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "portal",
    [
        Portal(profile=[]),
        Portal(profile={"NAME": "Ann"}),
        Portal(profile=PROFILE | {"ID": "x"}),
        Portal(scopes=None),
        Portal(time="now"),
    ],
)
def test_answer_of_another_shape_is_refused(portal: Portal) -> None:
    """An answer of another shape is an error: no Bitrix24 portal answers, or not one that we know."""
    with pytest.raises(UnreadableAnswer, match="acme"):
        probe(portal)  # type: ignore[arg-type]
