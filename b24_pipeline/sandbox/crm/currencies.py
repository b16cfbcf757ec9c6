"""The portal's currencies and rates (docs/bitrix24-rest.md, section 6.8): all text, the base currency first."""

from __future__ import annotations

Currency = dict[str, str]

_CURRENCIES = (
    ("RUB", "Российский рубль", "1.0000", "1"),
    ("USD", "Доллар США", "92.5000", "1"),
    ("EUR", "Евро", "100.2500", "1"),
    ("KZT", "Казахстанский тенге", "19.4000", "100"),
)


def generate_currencies() -> list[Currency]:
    """The four currencies that the generated amounts are in."""
    return [
        {
            "CURRENCY": code,
            "AMOUNT_CNT": units,
            "AMOUNT": amount,
            "SORT": str((place + 1) * 100),
            "BASE": "N" if place else "Y",
            "FULL_NAME": name,
            "LID": "ru",
            "FORMAT_STRING": "# &#8381;" if not place else f"# {code}",
            "DEC_POINT": ".",
            "THOUSANDS_SEP": "&nbsp;",
            "DECIMALS": "2",
            "DATE_UPDATE": "2026-10-30T03:00:00+03:00",
        }
        for place, (code, name, amount, units) in enumerate(_CURRENCIES)
    ]
