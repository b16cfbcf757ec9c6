"""The portal's users (docs/bitrix24-rest.md, section 6.8): a few of them dismissed, times in several shapes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np

from b24_pipeline.sandbox.clock import ZONE
from b24_pipeline.sandbox.crm.departments import department_of
from b24_pipeline.sandbox.vocabulary import FIRST_NAMES, LAST_NAMES

User = dict[str, Any]
COUNT = 20
_CHANGED = int(datetime(2026, 10, 30, 9, 15, tzinfo=ZONE).timestamp())
_DISMISSED = frozenset({5, 11, 17})


def generate_users(rng: np.random.Generator) -> list[User]:
    """Twenty users with gaps between their ids; user 1 is the administrator."""
    gaps = rng.integers(1, 4, COUNT - 1)
    ids = [1, *(1 + np.cumsum(gaps)).tolist()]
    return [_user(place, identifier) for place, identifier in enumerate(ids)]


def _user(place: int, identifier: int) -> User:
    return {
        "ID": str(identifier),
        "XML_ID": None,
        "ACTIVE": place not in _DISMISSED,
        "NAME": FIRST_NAMES[place % len(FIRST_NAMES)],
        "LAST_NAME": LAST_NAMES[place % len(LAST_NAMES)],
        "SECOND_NAME": "",
        "EMAIL": f"user{identifier}@portal.example",
        "LAST_LOGIN": "2026-10-30T09:15:00+03:00" if place % 4 else "",
        "DATE_REGISTER": "2024-02-01T03:00:00+03:00",
        "TIME_ZONE": "",
        "IS_ONLINE": "Y" if place % 3 == 0 else "N",
        "TIME_ZONE_OFFSET": "0",
        "TIMESTAMP_X": {} if place % 5 == 2 else shown_moment(_CHANGED),
        "LAST_ACTIVITY_DATE": "2026-10-30 09:15:00",
        "PERSONAL_GENDER": ("M", "F", "")[place % 3],
        "PERSONAL_BIRTHDAY": "",
        "PERSONAL_MOBILE": f"+7999000{identifier:04d}",
        "WORK_PHONE": "",
        "WORK_POSITION": ("Менеджер", "Руководитель отдела", "")[place % 3],
        "UF_DEPARTMENT": department_of(place),
        "USER_TYPE": "employee",
    }


def first_moments(users: list[User]) -> dict[str, int]:
    """When each user was changed, by id: a value of TIMESTAMP_X may not tell it, a filter knows it."""
    return {user["ID"]: _CHANGED for user in users}


def shown_moment(seconds: int) -> str:
    """How TIMESTAMP_X is written, where it is."""
    return datetime.fromtimestamp(seconds, ZONE).strftime("%d.%m.%Y %H:%M:%S")


def user_ids(users: list[User], *, active: bool) -> list[int]:
    """Ids of active users, or of all."""
    return [int(user["ID"]) for user in users if user["ACTIVE"] or not active]
