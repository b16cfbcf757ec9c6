"""Generated user fields: one of every common type on leads and deals (docs/bitrix24-rest.md, section 6.7)."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from b24_pipeline.sandbox.crm.field_types import coded_column, number_codec
from b24_pipeline.sandbox.crm.user_fields import EnumOption, UserField
from b24_pipeline.sandbox.rows.cells import ABSENT, NOTHING
from b24_pipeline.sandbox.rows.columns import CellColumn, Numbers
from b24_pipeline.sandbox.vocabulary import CITIES, ODD_TEXTS, PRODUCTS, SOURCES

_CODE = {"lead": 1700000000, "deal": 1710000000, "contact": 1720000000, "company": 1730000000}
_ID = {"lead": 100, "deal": 200, "contact": 300, "company": 400}
_OPTIONS = ("Да", "Нет", "Думает", "Горячий 🔥", "Архив")
_ALL: tuple[tuple[str, str, bool], ...] = (
    ("string", "Ключевое слово", False),
    ("integer", "Число сотрудников", False),
    ("double", "Площадь, м²", False),
    ("boolean", "Целевой", False),
    ("datetime", "Время встречи", False),
    ("date", "Дата договора", False),
    ("money", "Аванс", False),
    ("url", "Ссылка на объявление", False),
    ("address", "Адрес объекта", False),
    ("enumeration", "Квалификация", False),
    ("enumeration", "Интересы", True),
    ("file", "Скан договора", False),
    ("employee", "Инженер", False),
    ("crm_status", "Откуда узнал", False),
    ("crm", "Связанные элементы", True),
    ("iblock_element", "Объект", False),
    ("string", "Теги", True),
)
_FEW = (_ALL[0], _ALL[3], _ALL[9], _ALL[5])


def user_fields(entity_type: str) -> list[UserField]:
    """The user fields of an entity type, with codes and option ids of its own."""
    chosen = _ALL if entity_type in {"lead", "deal"} else _FEW
    return [
        UserField(
            id=_ID[entity_type] + place,
            entity_type=entity_type,
            name=f"UF_CRM_{_CODE[entity_type] + place * 1111}",
            type=kind,
            label=label,
            multiple=multiple,
            options=_options(_ID[entity_type] * 10 + place * 5) if kind == "enumeration" else (),
        )
        for place, (kind, label, multiple) in enumerate(chosen)
    ]


_OF_ITEMS = (_ALL[0], _ALL[2], _ALL[3], _ALL[5], _ALL[6], _ALL[9], _ALL[10], _ALL[14])


def item_user_fields(entity_type: str, entity: str, place: int) -> list[UserField]:
    """The user fields of a type of items; `entity` is such as `CRM_13`, `place` keeps ids apart."""
    first, owner = 1000 + 50 * place, "" if entity == "CRM_QUOTE" else f"{entity.removeprefix('CRM_')}_"
    return [
        UserField(
            id=first + number,
            entity_type=entity_type,
            name=f"UF_CRM_{owner}{1740000000 + number * 1111}",
            type=kind,
            label=label,
            multiple=multiple,
            options=_options(10 * first + number * 5) if kind == "enumeration" else (),
            entity=entity,
        )
        for number, (kind, label, multiple) in enumerate(_OF_ITEMS)
    ]


def _options(first: int) -> tuple[EnumOption, ...]:
    return tuple(EnumOption(first + place, text, place == 0) for place, text in enumerate(_OPTIONS))


def user_column(rng: np.random.Generator, field: UserField, size: int, now: int) -> CellColumn:
    """Values of a user field, empty on three rows of ten."""
    empty = rng.random(size) < 0.3
    codec = number_codec(field.type)
    if codec is not None and not field.multiple:
        return Numbers(np.where(empty, NOTHING, _numbers(rng, field.type, size, now)), codec)
    empties, values = _values(field)
    table = [*empties, *values]
    nothing = rng.integers(0, len(empties), size)
    codes = np.where(empty, nothing, rng.integers(len(empties), len(table), size))
    return coded_column(codes, table, field.type, multiple=field.multiple)


def _numbers(rng: np.random.Generator, kind: str, size: int, now: int) -> Any:
    if kind == "integer":
        return rng.integers(-5, 5000, size)
    if kind == "double":
        return rng.integers(0, 10**6, size)
    moments = now - rng.integers(-90 * 86400, 500 * 86400, size)
    return moments if kind == "datetime" else moments // 86400


def _values(field: UserField) -> tuple[list[Any], list[Any]]:
    """Forms of nothing, and values, as a classic list renders them."""
    if field.multiple:
        return _multiple_values(field)
    if field.type == "enumeration":
        return [None, ""], [str(option.id) for option in field.options]
    return _SINGLE[field.type]


def _multiple_values(field: UserField) -> tuple[list[Any], list[Any]]:
    if field.type == "enumeration":
        ids = [str(option.id) for option in field.options]
        return [False], [list(some) for count in (1, 2, 3) for some in combinations(ids, count)]
    if field.type == "crm":
        return [[]], [[f"D_{n}", f"CO_{n + 1}"] for n in range(12, 52)] + [[f"D_{n}"] for n in range(12, 52)]
    return [[]], [[city] for city in CITIES] + [[city, product] for city in CITIES for product in PRODUCTS]


def _files() -> list[Any]:
    address = "/bitrix/components/bitrix/crm.deal.show/show_file.php?fieldName=UF&fileId="
    return [
        {"id": n, "showUrl": f"{address}{n}", "downloadUrl": f"{address}{n}&auth=&download=y"}
        for n in range(1000, 1200)
    ]


_SINGLE: dict[str, tuple[list[Any], list[Any]]] = {
    "string": (
        [None, ""],
        [f"{product} {n}" for product in PRODUCTS for n in range(20)] + list(ODD_TEXTS[:6]),
    ),
    "boolean": (["0"], ["1", "0"]),
    "money": ([None, ""], [f"{n * 250}|{unit}" for n in range(1, 100) for unit in ("RUB", "EUR", "KZT")]),
    "url": ([None, ""], [f"https://ads.example/item/{n}?utm_source=vk&x=1" for n in range(300)]),
    "address": (
        [None, ""],
        [f"{c}, ул. Мира, {n}|55.{n:02d};37.{n:02d}|{n}" for c in CITIES for n in range(20)],
    ),
    "file": ([ABSENT], _files()),
    "employee": ([None], [str(n) for n in range(1, 12)]),
    "crm_status": ([None, ""], list(SOURCES)),
    "crm": ([None], [f"D_{n}" for n in range(100)]),
    "iblock_element": ([None], [str(n) for n in range(70, 170)]),
}
