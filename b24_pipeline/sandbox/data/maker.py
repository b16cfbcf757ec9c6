"""Making the columns of one entity: constants, choices, numbers, multifields."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from b24_pipeline.sandbox.crm.field_types import coded_column, empty_column
from b24_pipeline.sandbox.crm.fields import Field
from b24_pipeline.sandbox.crm.standard_fields import STANDARD_FIELDS
from b24_pipeline.sandbox.data.journeys import Ints
from b24_pipeline.sandbox.rows.cells import NOTHING
from b24_pipeline.sandbox.rows.columns import CellColumn, Codec, Numbers
from b24_pipeline.sandbox.rows.multifields import KINDS, Multifield
from b24_pipeline.sandbox.vocabulary import UTM

Bools = npt.NDArray[np.bool_]
DAY = 86400


class Maker:
    """Collects the columns of `size` rows; what nobody makes is empty."""

    def __init__(self, rng: np.random.Generator, of: str | Sequence[Field], size: int) -> None:
        """`of` is a classic entity type, or the fields of another one."""
        self.rng = rng
        self.size = size
        fields = [field for field in (STANDARD_FIELDS[of] if isinstance(of, str) else of) if field.listed]
        self._fields = {field.name: field.type for field in fields}
        self.columns: dict[str, CellColumn] = {
            field.name: empty_column(field.name, field.type, size, multiple="M" in field.flags)
            for field in fields
        }

    def choose(self, name: str, values: Sequence[Any], weights: Sequence[float] | None = None) -> Ints:
        """Each row gets one of `values`; returns the codes."""
        share = None if weights is None else np.array(weights) / sum(weights)
        codes = self.rng.choice(len(values), self.size, p=share)
        self.codes(name, codes, list(values))
        return codes

    def codes(self, name: str, codes: Any, table: list[Any]) -> None:
        """Sets a field of all rows to `table[code]` of each row's code."""
        self.columns[name] = coded_column(codes, table, self._fields[name])

    def flags(self, name: str, share: float | Bools) -> None:
        """`Y` for a share of rows, or for these rows."""
        chosen = self.rng.random(self.size) < share if isinstance(share, float) else share
        self.codes(name, chosen.astype(np.int32), ["N", "Y"])

    def numbers(self, name: str, data: Any, codec: Codec) -> None:
        """Sets a field of all rows to these numbers."""
        self.columns[name] = Numbers(np.asarray(data), codec)

    def users(self, user_ids: Sequence[int], codec: Codec, *names: str) -> None:
        """Users at random, each field of its own."""
        for name in names:
            self.numbers(name, self.rng.choice(np.array(user_ids), self.size), codec)

    def multifield(self, name: str, first: Ints, second_share: float, base_id: int) -> None:
        """Up to two values a row; a second one only where there is a first."""
        second = np.where(
            (self.rng.random(self.size) < second_share) & (first != NOTHING),
            (first * 7 + 3) % 10**10,
            NOTHING,
        )
        self.columns[name] = Multifield(KINDS[name], first, second, base_id)

    def some(self, values: Any, share: float) -> Ints:
        """`values` for a share of rows, nothing for the others."""
        kept: Ints = np.where(self.rng.random(self.size) < share, values, NOTHING)
        return kept

    def utm(self) -> None:
        """Campaign fields: together on six rows of ten, else null, seldom empty text."""
        tagged = self.rng.random(self.size) < 0.6
        for name, values in UTM.items():
            codes = np.where(tagged, self.rng.integers(2, len(values) + 2, self.size), self._no_tag())
            self.codes(name, codes, [None, "", *values])

    def _no_tag(self) -> Ints:
        empties: Ints = (self.rng.random(self.size) < 0.05).astype(np.int64)
        return empties

    def money(self, name: str, codec: Codec) -> None:
        """Log-normal amounts, a tenth of them zero, a few with kopecks."""
        amounts = np.round(self.rng.lognormal(10.5, 1.1, self.size), -2).astype(np.int64) * 100
        amounts += np.where(self.rng.random(self.size) < 0.15, self.rng.integers(1, 100, self.size), 0)
        amounts[self.rng.random(self.size) < 0.1] = 0
        self.numbers(name, amounts, codec)

    def modified(self, touched: Ints, now: int) -> Ints:
        """Last change: up to sixty days after `touched`, and whole runs of rows in one second."""
        after = (self.rng.exponential(5.0, self.size) * DAY).astype(np.int64)
        modified: Ints = np.minimum(touched + after, now - 1)
        for _ in range(max(1, self.size // 5000)):
            start = int(self.rng.integers(0, max(1, self.size - 120)))
            block = slice(start, start + 120)
            modified[block] = max(int(modified[block].max(initial=0)), int(touched[block].max(initial=0)))
        return modified
