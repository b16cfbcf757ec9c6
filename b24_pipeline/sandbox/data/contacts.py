"""Generated contacts and companies; those born of a lead keep its phone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from b24_pipeline.sandbox import vocabulary as words
from b24_pipeline.sandbox.data.journeys import Ints
from b24_pipeline.sandbox.data.maker import DAY, Maker
from b24_pipeline.sandbox.rows.cells import NOTHING
from b24_pipeline.sandbox.rows.codecs import Cents, DayCodec, Moment, Whole


@dataclass(frozen=True)
class Persons:
    """Contacts or companies before their columns; `leads` are ids or NOTHING."""

    ids: Ints
    created: Ints
    leads: Ints
    phones: Ints


def make_contacts(
    rng: np.random.Generator, plan: Persons, companies: Ints, users: list[int], now: int
) -> Maker:
    """The columns of contacts; a few sit in several shapes of nothing."""
    maker = Maker(rng, "contact", len(plan.ids))
    _common(maker, plan, users, now)
    maker.numbers("COMPANY_ID", companies, Whole("0"))
    maker.choose("HONORIFIC", [None, "HNR_RU_1", "HNR_RU_2"], [0.8, 0.1, 0.1])
    maker.choose("NAME", words.FIRST_NAMES)
    maker.choose("SECOND_NAME", words.SECOND_NAMES)
    maker.choose("LAST_NAME", [None, "", *words.LAST_NAMES])
    maker.choose("TYPE_ID", ["CLIENT", "SUPPLIER", "PARTNER", "OTHER", None])
    maker.choose("SOURCE_ID", [None, *words.SOURCES])
    maker.choose("POST", words.POSTS)
    maker.numbers("BIRTHDATE", maker.some(rng.integers(-7000, 13000, maker.size), 0.3), DayCodec(""))
    maker.flags("EXPORT", 0.95)
    maker.multifield("IM", maker.some(rng.integers(1, 10**8, maker.size), 0.1), 0.0, 9_000_000)
    return maker


def make_companies(rng: np.random.Generator, plan: Persons, users: list[int], now: int) -> Maker:
    """The columns of companies; two of them are the portal's own."""
    maker = Maker(rng, "company", len(plan.ids))
    _common(maker, plan, users, now)
    names = [f"{form} «{name}»" for form in words.COMPANY_FORMS for name in words.COMPANY_NAMES]
    maker.choose("TITLE", [*names, *(text[:255] for text in words.ODD_TEXTS[:4])])
    maker.choose("COMPANY_TYPE", ["CUSTOMER", "SUPPLIER", "PARTNER", "OTHER"])
    maker.choose("INDUSTRY", ["IT", "MANUFACTURING", "OTHER", None, ""])
    maker.choose("EMPLOYEES", ["EMPLOYEES_1", "EMPLOYEES_2", "EMPLOYEES_3", None])
    maker.choose("CURRENCY_ID", ["RUB", "USD", "EUR", "KZT"], [0.9, 0.04, 0.03, 0.03])
    maker.money("REVENUE", Cents())
    maker.flags("IS_MY_COMPANY", np.asarray(np.arange(maker.size) < 2))
    maker.multifield("WEB", maker.some(rng.integers(1, 10**6, maker.size), 0.4), 0.0, 19_000_000)
    return maker


def random_phones(rng: np.random.Generator, count: int, first: int) -> Ints:
    """National numbers from `first` upwards, a tenth missing."""
    phones = rng.integers(first, first + 999_999_999, count)
    return np.where(rng.random(count) < 0.1, NOTHING, phones)


def other_contacts(
    rng: np.random.Generator, owner_ids: Ints, main: Ints, contact_ids: Ints, share: float
) -> dict[int, tuple[int, ...]]:
    """One or two more contacts for a share of the owners that have a main one."""
    chosen = np.flatnonzero((main != NOTHING) & (rng.random(len(owner_ids)) < share))
    if not len(chosen) or not len(contact_ids):
        return {}
    more = rng.choice(contact_ids, (len(chosen), 2))
    single = rng.random(len(chosen)) < 0.7
    found = {}
    for row, pair, one in zip(chosen.tolist(), more.tolist(), single.tolist(), strict=True):
        wanted = [contact for contact in pair[: 1 if one else 2] if contact != main[row]]
        found[int(owner_ids[row])] = tuple(dict.fromkeys(wanted))
    return found


def _common(maker: Maker, plan: Persons, users: list[int], now: int) -> None:
    modified = maker.modified(plan.created, now)
    emails = maker.some(maker.rng.integers(1, 10**9, maker.size), 0.6)
    maker.numbers("ID", plan.ids, Whole())
    maker.numbers("LEAD_ID", plan.leads, Whole())
    maker.numbers("DATE_CREATE", plan.created, Moment())
    maker.numbers("DATE_MODIFY", modified, Moment())
    maker.numbers("LAST_ACTIVITY_TIME", np.maximum(modified - DAY, plan.created), Moment())
    maker.users(users, Whole(), "ASSIGNED_BY_ID", "CREATED_BY_ID", "MODIFY_BY_ID", "LAST_ACTIVITY_BY")
    maker.choose("COMMENTS", [*words.COMMENTS, *words.ODD_TEXTS], [20] * 8 + [0.3] * 8 + [0.05])
    maker.choose("ADDRESS_CITY", [None, *words.CITIES], [20] + [1] * len(words.CITIES))
    maker.flags("OPENED", 0.8)
    maker.utm()
    maker.multifield("PHONE", plan.phones, 0.12, 50_000_000)
    maker.multifield("EMAIL", emails, 0.1, 70_000_000)
    maker.flags("HAS_PHONE", plan.phones != NOTHING)
    maker.flags("HAS_EMAIL", emails != NOTHING)
