"""Generated catalogue, and the product rows of deals, leads, quotes, invoices and items."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from b24_pipeline.sandbox.crm.record_entity import RecordEntity
from b24_pipeline.sandbox.crm.record_fields import PRICE_FIELDS, PRODUCT_FIELDS, ROW_FIELDS, SECTION_FIELDS
from b24_pipeline.sandbox.data.dates import creation_times, identifiers
from b24_pipeline.sandbox.data.journeys import Ints
from b24_pipeline.sandbox.data.maker import Maker
from b24_pipeline.sandbox.rows.cells import NOTHING
from b24_pipeline.sandbox.rows.codecs import Cents, Moment, Whole
from b24_pipeline.sandbox.rows.table import Table
from b24_pipeline.sandbox.vocabulary import CITIES, ODD_TEXTS, PRODUCTS

CATALOGUE, OFFERS = 15, 17
"""The two iblocks: products, and the variations of some of them."""
_SECTIONS = ("Окна", "Потолки", "Кухни", "Работы", "Доставка", "Прочее")
_MANY_ROWS = 60
_ROW_DEFAULTS = {
    "PRODUCT_ID": "0", "QUANTITY": "1", "PRICE": "0", "DISCOUNT_TYPE_ID": "2", "DISCOUNT_RATE": "0",
    "DISCOUNT_SUM": "0", "TAX_INCLUDED": "N", "CUSTOMIZED": "Y", "MEASURE_CODE": "796", "MEASURE_NAME": "шт",
    "SORT": "10", "TYPE": "1",
}  # fmt: skip
_PRODUCT_DEFAULTS = {
    "IBLOCK_ID": CATALOGUE, "ACTIVE": "Y", "AVAILABLE": "Y", "TYPE": "1", "SORT": "500", "CREATED_BY": "1",
    "MODIFIED_BY": "1", "VAT_INCLUDED": "N",
}  # fmt: skip


def make_sections(rng: np.random.Generator, products: int) -> RecordEntity:
    """A few sections, two of them inside others; none where there are no products."""
    count = min(len(_SECTIONS), products)
    maker = Maker(rng, SECTION_FIELDS, count)
    ids = np.arange(count) * 3 + 11
    maker.numbers("ID", ids, Whole())
    maker.numbers("IBLOCK_ID", np.full(count, CATALOGUE), Whole())
    maker.numbers("IBLOCK_SECTION_ID", np.where(np.arange(count) > 3, 11, NOTHING), Whole())
    maker.codes("NAME", np.arange(count), list(_SECTIONS))
    maker.codes("CODE", np.arange(count), [f"section_{number}" for number in range(len(_SECTIONS))])
    maker.numbers("SORT", np.arange(count) * 100 + 100, Whole())
    maker.flags("ACTIVE", np.ones(count, dtype=np.bool_))
    defaults = {"IBLOCK_ID": CATALOGUE, "SORT": "500", "ACTIVE": "Y"}
    return _camel("section", ids, maker, defaults=defaults)


def make_products(
    rng: np.random.Generator, count: int, sections: Ints, users: list[int], now: int
) -> RecordEntity:
    """Products, and every fifth a variation in the iblock of offers."""
    maker = Maker(rng, PRODUCT_FIELDS, count)
    created = creation_times(rng, count, now)
    ids = identifiers(rng, count, 100)
    kinds = rng.choice([1, 4, 7], count, p=[0.7, 0.2, 0.1])
    maker.numbers("ID", ids, Whole())
    maker.numbers("IBLOCK_ID", np.where(kinds == 4, OFFERS, CATALOGUE), Whole())
    inside = rng.choice(sections, count) if len(sections) else np.full(count, NOTHING)
    maker.numbers("IBLOCK_SECTION_ID", np.where(kinds == 4, NOTHING, maker.some(inside, 0.9)), Whole())
    names = [f"{product}, {city}" for product in PRODUCTS for city in CITIES] + [
        text[:255] for text in ODD_TEXTS[:5]
    ]
    maker.choose("NAME", names)
    maker.codes("CODE", np.arange(count), [f"product_{number}" for number in ids.tolist()])
    maker.numbers("TYPE", kinds, Whole())
    maker.numbers("SORT", np.full(count, 500), Whole())
    maker.flags("ACTIVE", 0.95)
    maker.flags("AVAILABLE", 0.9)
    maker.flags("VAT_INCLUDED", 0.5)
    maker.numbers("DATE_CREATE", created, Moment())
    maker.numbers("TIMESTAMP_X", maker.modified(created, now), Moment())
    maker.users(users, Whole(), "CREATED_BY", "MODIFIED_BY")
    maker.numbers("PURCHASING_PRICE", maker.some(rng.integers(1000, 10**7, count), 0.6), Cents(None))
    maker.choose("PURCHASING_CURRENCY", ["RUB", None])
    maker.numbers("QUANTITY", rng.integers(0, 100, count) * 100, Cents(None))
    values = [None, {"value": "Белый", "valueId": "4801"}, {"value": "Серый", "valueId": "4802"}]
    maker.choose("PROPERTY258", values)
    maker.choose("PROPERTY260", [None, [values[1]], values[1:]])
    return _camel(
        "product", ids, maker, created="DATE_CREATE", modified="TIMESTAMP_X", defaults=_PRODUCT_DEFAULTS
    )


def make_prices(rng: np.random.Generator, product_ids: Ints, now: int) -> RecordEntity:
    """One price a product, of the one price type 1."""
    count = len(product_ids)
    maker = Maker(rng, PRICE_FIELDS, count)
    ids = identifiers(rng, count, 0)
    maker.numbers("ID", ids, Whole())
    maker.numbers("PRODUCT_ID", product_ids, Whole())
    maker.numbers("CATALOG_GROUP_ID", np.ones(count), Whole())
    maker.money("PRICE", Cents())
    maker.choose("CURRENCY", ["RUB", "EUR"], [0.95, 0.05])
    maker.numbers("TIMESTAMP_X", now - rng.integers(1, 10**7, count), Moment())
    return _camel(
        "price", ids, maker, modified="TIMESTAMP_X", defaults={"CATALOG_GROUP_ID": "1", "CURRENCY": "RUB"}
    )


def make_rows(
    rng: np.random.Generator, count: int, owners: Mapping[str, Ints], products: RecordEntity
) -> RecordEntity:
    """Rows of two fifths as many owners; `owners` are ids by code. One owner has more than a page of them."""
    codes = np.repeat(list(owners), [len(ids) for ids in owners.values()])
    ids = np.concatenate([*owners.values(), np.zeros(0, dtype=np.int64)])
    chosen = rng.permutation(len(ids))[: max(1, count * 2 // 5)]
    place = np.sort(rng.integers(0, max(1, len(chosen)), count))
    place[: _MANY_ROWS if count >= 5 * _MANY_ROWS else 0] = 0
    owner = chosen[place] if len(chosen) else np.zeros(0, dtype=np.int64)
    count = len(owner)
    maker = Maker(rng, ROW_FIELDS, count)
    row_ids = identifiers(rng, count, 5000)
    maker.numbers("ID", row_ids, Whole())
    maker.numbers("OWNER_ID", ids[owner], Whole())
    table = list(owners)
    maker.codes("OWNER_TYPE", [table.index(code) for code in codes[owner].tolist()], table or [""])
    _products(maker, products)
    _amounts(maker)
    maker.numbers("SORT", np.arange(count) % 9 * 10 + 10, Whole())
    return _camel("product_row", row_ids, maker, defaults=_ROW_DEFAULTS)


def _products(maker: Maker, products: RecordEntity) -> None:
    """A tenth is typed by hand: product 0 under a name of its own."""
    known = products.table.ids
    place = maker.rng.integers(0, max(1, len(known)), maker.size)
    by_hand = (maker.rng.random(maker.size) < 0.1) | (len(known) == 0)
    maker.numbers("PRODUCT_ID", np.where(by_hand, 0, known[place] if len(known) else 0), Whole())
    names = products.table.columns["NAME"].typed(np.arange(len(known)))
    table = [*dict.fromkeys(names), "Выезд мастера"]
    codes = np.array([table.index(name) for name in names] or [0])
    maker.codes("PRODUCT_NAME", np.where(by_hand, len(table) - 1, codes[place]), table)
    maker.numbers("TYPE", np.where(by_hand, 1, maker.rng.choice([1, 4, 7], maker.size)), Whole())
    maker.numbers("MEASURE_CODE", np.full(maker.size, 796), Whole())
    maker.codes("MEASURE_NAME", np.zeros(maker.size), ["шт"])


def _amounts(maker: Maker) -> None:
    """A price with discount and tax; a third has no tax, some have a discount."""
    rng, size = maker.rng, maker.size
    full = rng.integers(100, 10**6, size) * 100
    discount = np.where(rng.random(size) < 0.3, rng.integers(1, 31, size), 0)
    price = full * (100 - discount) // 100
    rate = rng.choice([NOTHING, 0, 1000, 2000], size, p=[0.3, 0.1, 0.2, 0.4])
    share = np.where(rate == NOTHING, 0, rate)
    maker.numbers("PRICE", price, Cents())
    maker.numbers("PRICE_ACCOUNT", price, Cents())
    maker.numbers("PRICE_BRUTTO", full, Cents())
    maker.numbers("PRICE_NETTO", full * 10000 // (10000 + share), Cents())
    maker.numbers("PRICE_EXCLUSIVE", price * 10000 // (10000 + share), Cents())
    maker.numbers("QUANTITY", rng.choice([100, 200, 300, 1250], size), Cents())
    maker.numbers("DISCOUNT_TYPE_ID", np.full(size, 2), Whole())
    maker.numbers("DISCOUNT_RATE", discount * 100, Cents())
    maker.numbers("DISCOUNT_SUM", full - price, Cents())
    maker.numbers("TAX_RATE", rate, Cents(None))
    maker.flags("TAX_INCLUDED", 0.5)
    maker.flags("CUSTOMIZED", 0.7)


def _camel(
    name: str,
    ids: Ints,
    maker: Maker,
    *,
    created: str = "",
    modified: str = "",
    defaults: Mapping[str, object],
) -> RecordEntity:
    fields = {
        "section": SECTION_FIELDS, "product": PRODUCT_FIELDS, "price": PRICE_FIELDS, "product_row": ROW_FIELDS,
    }[name]  # fmt: skip
    return RecordEntity(
        name, Table(ids, maker.columns), None, fields,
        family="item", camel=True, created=created, modified=modified, defaults=defaults,
    )  # fmt: skip
