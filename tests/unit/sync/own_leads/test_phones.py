"""Messy phones in E.164, and the quick way beside the library's."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from b24_pipeline.sync.own_leads.phone_region import region_of
from b24_pipeline.sync.own_leads.phones import MOST_LETTERS, phones_by_library, phones_of, spellings

MOBILE, OFFICE, OTHER = "+79211234567", "+78125553535", "+79217654321"

RUSSIAN = [
    ("8 (921) 123-45-67", [MOBILE]),
    ("+7921 123-45-67", [MOBILE]),
    ("+7 (921) 123-45-67", [MOBILE]),
    ("+79211234567", [MOBILE]),
    ("79211234567", [MOBILE]),
    ("89211234567", [MOBILE]),
    ("9211234567", [MOBILE]),
    ("  8-921-123-45-67  ", [MOBILE]),
    ("8.921.123.45.67", [MOBILE]),
    ("+7\u00a0921\u00a0123\u201145\u201167", [MOBILE]),
    ("８９２１１２３４５６７", [MOBILE]),
    ("+8 (921) 123-45-67", [MOBILE]),
    ("007 921 1234567", [MOBILE]),
    ("tel:+79211234567", [MOBILE]),
    ("тел. +7 921 1234567", [MOBILE]),
    ("WhatsApp +79211234567", [MOBILE]),
    ("8 (921) 123-45-67 доб. 12", [MOBILE]),
    ("8 (921) 123-45-67 доб.12, 8 812 5553535", [MOBILE, OFFICE]),
    ("8 921 123-45-67 вн. 12", [MOBILE]),
    ("89211234567 внутр 305", [MOBILE]),
    ("8(921)1234567 ext 5", [MOBILE]),
    ("+7 921 123 45 67 x12", [MOBILE]),
    ("+7 921 123 45 67 #12", [MOBILE]),
    ("+7 921 12 34 567;ext=12", [MOBILE]),
    ("+7 (921) 123-45-67 Иван", [MOBILE]),
    ("+7 921 123-45-67 (до 18:00)", [MOBILE]),
    ("8 921 123-45-67, +7 (812) 555-35-35", [MOBILE, OFFICE]),
    ("89211234567; 88125553535", [MOBILE, OFFICE]),
    ("8-921-123-45-67/8-921-765-43-21", [MOBILE, OTHER]),
    ("8-921-123-45-67 / 68", [MOBILE]),
    ("89211234567 89217654321", [MOBILE, OTHER]),
    ("89211234567 или 89217654321", [MOBILE, OTHER]),
    ("89211234567\n+79211234567", [MOBILE]),
    ("(812) 555-35-35", [OFFICE]),
    ("8 800 555-35-35", ["+78005553535"]),
    ("8 495 123-45-67", ["+74951234567"]),
    ("+7 (701) 123 45 67", ["+77011234567"]),
    ("+49 30 901820", ["+4930901820"]),
    ("0049 30 901820", ["+4930901820"]),
    ("8 10 49 30 901820", ["+4930901820"]),
    ("+1 (650) 253-0000", ["+16502530000"]),
    ("375 29 123-45-67", ["+375291234567"]),
    ("380501234567", ["+380501234567"]),
    ("555-35-35", []),
    ("12345", []),
    ("нет", []),
    ("", []),
    ("ivan@mail.example", []),
    ("0000000000", []),
    ("+7 999 999-99-99", []),
    ("8 921 123 45", []),
    ("5551234567890123", []),
    # a spreadsheet's exponent form has lost digits, with a point, a comma, or a Cyrillic E
    ("9,211234567E+10", []),
    ("9.211234567E+10", []),
    ("7,9211234567E+10", []),
    ("7.9211234567E+10", []),
    ("7.92112Е+10", []),
    ("8e10", []),
    ("7,92E+10; 8 921 123-45-67", [MOBILE]),
    ("79211234567.0", [MOBILE]),
    ("89211234567,0", [MOBILE]),
    # Mexico's mobile 1 and Argentina's mobile 9 are written or left out
    ("+5215541637146", ["+525541637146"]),
    ("+52 1 55 4163 7146", ["+525541637146"]),
    ("5215541637146", ["+525541637146"]),
    ("+52 55 4163 7146", ["+525541637146"]),
    ("+54 9 11 2345-6789", ["+541123456789"]),
    ("+54 11 2345-6789", ["+541123456789"]),
    # no country's number equals itself
    ("+999 123 456 789 012", ["+999123456789012"]),
    ("+7 921 123 45 67 8", ["+792112345678"]),
    ("892112345678", ["+892112345678"]),
    ("+1111111111111111", []),
    ("+9991234567890123", []),
    ("2026-11-01 12:30:15", []),
]

ABROAD = [
    ("030 901820", "DE", ["+4930901820"]),
    ("+7 921 123-45-67", "DE", [MOBILE]),
    ("12345", "DE", []),
    ("029 123-45-67", "BY", ["+375291234567"]),
    ("8 029 123-45-67", "BY", ["+375291234567"]),
    ("8 701 123 45 67", "KZ", ["+77011234567"]),
    ("050 123 45 67", "UA", ["+380501234567"]),
    ("(650) 253-0000", "US", ["+16502530000"]),
    ("(650) 253-0000 ext. 7 / 650-253-0001", "US", ["+16502530000", "+16502530001"]),
    ("020 7031 3000", "GB", ["+442070313000"]),
    ("011 15 2345-6789", "AR", ["+541123456789"]),
    ("55 4163 7146", "MX", ["+525541637146"]),
    # a spreadsheet has taken them for numbers, and dropped what stood before
    ("501234567", "UA", ["+380501234567"]),
    ("30901820", "DE", ["+4930901820"]),
]


@pytest.mark.parametrize(("text", "expected"), RUSSIAN)
def test_phones_as_people_write_them(text: str, expected: list[str]) -> None:
    """Each phone of a text is found once, without its extension."""
    assert list(phones_of(text, "RU")) == expected


@pytest.mark.parametrize(("text", "region", "expected"), ABROAD)
def test_a_number_without_code_is_the_regions(text: str, region: str, expected: list[str]) -> None:
    """A number without a code is the region's, and one with a code is that country's."""
    assert list(phones_of(text, region)) == expected


def test_nothing_is_no_phone() -> None:
    """A missing text has no phone, nor has one that is far too long for a phone field."""
    assert phones_of(None, "RU") == ()
    assert phones_of(" " * MOST_LETTERS + "89211234567", "RU") == ()


def test_a_mobile_digit_is_searched_for_too() -> None:
    """Another program may have stored a number with Mexico's 1 or Argentina's 9."""
    assert spellings("+525541637146") == ("+525541637146", "+5215541637146")
    assert spellings("+541123456789") == ("+541123456789", "+5491123456789")
    assert spellings(MOBILE) == (MOBILE,)


DIGITS = st.text("0123456789", min_size=9, max_size=11)
SEPARATORS = st.text(" ()-.", max_size=2)


@st.composite
def plain_numbers(draw: st.DrawFn) -> str:
    """A code or none, and about ten digits with something between them."""
    code = draw(st.sampled_from(["", "+7", "7", "8", "+", "+8"]))
    return code + "".join(draw(SEPARATORS) + digit for digit in draw(DIGITS))


@settings(max_examples=1000, deadline=None)
@given(plain_numbers(), st.sampled_from(["RU", "KZ", "DE", "US", "BY", "UA"]))
def test_the_quick_way_says_what_the_library_says(text: str, region: str) -> None:
    """Plain numbers of code 7, which are read without the library, have the library's result."""
    assert phones_of(text, region) == phones_by_library(text, region)


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=60), st.sampled_from(["RU", "DE"]))
def test_any_text_is_read(text: str, region: str) -> None:
    """Any text gives phones in E.164 or nothing, and never an error."""
    for phone in phones_of(text, region):
        assert phone.startswith("+")
        assert phone[1:].isascii()
        assert phone[1:].isdigit()


@pytest.mark.parametrize(
    ("domain", "region"),
    [
        ("acme.bitrix24.ru", "RU"),
        ("acme.bitrix24.by", "BY"),
        ("acme.bitrix24.kz", "KZ"),
        ("acme.bitrix24.ua", "UA"),
        ("acme.bitrix24.de", "DE"),
        ("acme.bitrix24.eu", "DE"),
        ("acme.bitrix24.com", "US"),
        ("acme.bitrix24.com.br", "BR"),
        ("acme.bitrix24.com.tr", "TR"),
        ("acme.bitrix24.co.uk", "GB"),
        ("CRM.ACME.RU:8443", "RU"),
        ("crm.пример.рф", "RU"),
        ("crm.xn--e1afmkfd.xn--p1ai", "RU"),
        ("acme.bitrix24.net", "RU"),
        ("127.0.0.1:8080", "RU"),
        ("localhost", "RU"),
    ],
)
def test_the_domain_tells_the_region(domain: str, region: str) -> None:
    """The end of a domain gives the region, and Russia where it names no country."""
    assert region_of(domain) == region
