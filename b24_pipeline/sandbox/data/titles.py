"""Titles: thousands of different ones, a few of them nasty."""

from __future__ import annotations

import numpy as np

from b24_pipeline.sandbox.data.maker import Maker
from b24_pipeline.sandbox.vocabulary import CITIES, ODD_TEXTS, ORIGINS, PRODUCTS

_VARIANTS = 8000


def titles(maker: Maker, name: str, noun: str) -> None:
    """Give each row a title that begins with `noun`; it has no number, which would be another than the row's."""
    rng = maker.rng
    product, city, origin = (rng.integers(0, len(w), _VARIANTS) for w in (PRODUCTS, CITIES, ORIGINS))
    table = [
        f"{noun}: {PRODUCTS[product[place]]}, {CITIES[city[place]]} — {ORIGINS[origin[place]]}"
        for place in range(_VARIANTS)
    ]
    odd = rng.random(maker.size) < 0.004
    codes = np.where(
        odd,
        rng.integers(_VARIANTS, _VARIANTS + len(ODD_TEXTS), maker.size),
        rng.integers(0, _VARIANTS, maker.size),
    )
    maker.codes(name, codes, [*table, *(text[:255] for text in ODD_TEXTS)])
