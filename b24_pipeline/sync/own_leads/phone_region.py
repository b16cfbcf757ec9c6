"""The country whose phones a portal writes without a country code, by the end of its domain."""

from __future__ import annotations

from phonenumbers import SUPPORTED_REGIONS

DEFAULT_REGION = "RU"
"""The region of domains without a country (`.net`, an IP address): most portals are there."""

# ends of domains that are not a country's own code
_BY_END = {
    "com": "US",
    "eu": "DE",  # the cloud for Europe is run from Germany
    "uk": "GB",
    "su": "RU",
    "moscow": "RU",
    "xn--p1ai": "RU",  # .рф
    "рф": "RU",
    "xn--90ais": "BY",  # .бел
    "бел": "BY",
    "xn--80ao21a": "KZ",  # .қаз
    "қаз": "KZ",
    "xn--j1amh": "UA",  # .укр
    "укр": "UA",
    # codes of countries that companies all over the world use
    "io": DEFAULT_REGION,
    "me": DEFAULT_REGION,
    "tv": DEFAULT_REGION,
    "cc": DEFAULT_REGION,
    "ai": DEFAULT_REGION,
}


def region_of(domain: str) -> str:
    """The region of a domain as two capitals (ISO 3166): `acme.bitrix24.ru` is RU, `acme.bitrix24.com.br` is BR."""
    end = domain.partition(":")[0].rstrip(".").rpartition(".")[2].lower()
    if end in _BY_END:
        return _BY_END[end]
    country = end.upper()
    return country if country in SUPPORTED_REGIONS else DEFAULT_REGION
