"""The portal's departments (docs/bitrix24-rest.md, section 6.8): the topmost has no parent, one has no head."""

from __future__ import annotations

from typing import Any

Department = dict[str, Any]

_DEPARTMENTS = (
    (1, "Компания", None, 0),
    (3, "Отдел продаж", 1, 1),
    (5, "Маркетинг", 1, 2),
    (7, "Северо-Запад", 3, None),
)


def generate_departments(user_ids: list[int]) -> list[Department]:
    """Four departments; `user_ids` are those of the heads, by their place."""
    return [_department(number, name, parent, head, user_ids) for number, name, parent, head in _DEPARTMENTS]


def department_of(place: int) -> list[int]:
    """The departments of the user at a place: the administrator is in two, a few are in none."""
    if not place:
        return [1, 3]
    return [] if place % 8 == 7 else [(3, 5, 7)[place % 3]]


def _department(
    number: int, name: str, parent: int | None, head: int | None, user_ids: list[int]
) -> Department:
    """Keys are set only where there is a value, and only the order is a number."""
    entry: Department = {"ID": str(number), "NAME": name, "SORT": number * 100}
    if parent:
        entry["PARENT"] = str(parent)
    if head is not None:
        entry["UF_HEAD"] = str(user_ids[head])
    return entry
