"""Reads phones as people write them, and gives them in E.164 so that they can be compared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, ValidationResult

MOST_LETTERS = 500
"""How much of a text is read: a longer text is no phone field."""

_BETWEEN = re.compile(r"[,;/|\\\n\r]+")
_WORD = re.compile(r"[^\W\d_]")
_NOT_DIGITS = re.compile(r"[^0-9]+")
_SEPARATORS = str.maketrans("", "", " \t\u00a0()-.")
# ten digits after the code that Russia and Kazakhstan share; there also after the 8 of long distance, or alone
_WITH_CODE = re.compile(r"\+7([1-9][0-9]{9})")
_AT_HOME = re.compile(r"\+7([1-9][0-9]{9})|[78]([2-9][0-9]{9})|([1-79][0-9]{9})")
_OF_CODE_7 = frozenset({"RU", "KZ"})
_FEWEST_DIGITS = 8  # a shorter number is not taken by its length alone
_CACHED = 65_536


def phones_of(text: str | None, region: str) -> tuple[str, ...]:
    """The phones of a text in E.164, each once, in order; `region` is the country of numbers without a code.

    Commas, semicolons, slashes and line ends separate phones. Extensions are left out. A number counts if its
    country has such numbers, or at least numbers of this length, and not all of its digits are the same.
    """
    if not text:
        return ()
    looked_at = text[:MOST_LETTERS]
    return _quick_phones(looked_at, region) or _cached_phones(looked_at, region)


@lru_cache(maxsize=_CACHED)
def _cached_phones(text: str, region: str) -> tuple[str, ...]:
    return phones_by_library(text, region)


def phones_by_library(text: str, region: str) -> tuple[str, ...]:
    """The phones of a text like `phones_of`, always read by the library `phonenumbers`, without a cache."""
    found = (phone for part in _BETWEEN.split(text) for phone in _phones_in(part, region))
    return tuple(dict.fromkeys(found))


def _quick_phones(text: str, region: str) -> tuple[str, ...] | None:
    """The phone of a text that is a plain number of code 7, without the library; None for every other text."""
    pattern = _AT_HOME if region in _OF_CODE_7 else _WITH_CODE
    found = pattern.fullmatch(text.translate(_SEPARATORS))
    if not found:
        return None
    digits = found[found.lastindex or 1]
    return None if digits == digits[0] * len(digits) else (f"+7{digits}",)


def _phones_in(part: str, region: str) -> Iterator[str]:
    if sum(symbol.isdecimal() for symbol in part) < _FEWEST_DIGITS:
        return
    number = _single_phone(part, region)
    if number:
        yield number
        return
    matches = [match.number for match in phonenumbers.PhoneNumberMatcher(part, region)]
    found = [_text_of(match) for match in matches] or [_single_phone(_without_note(part), region)]
    yield from filter(None, found)


def _single_phone(part: str, region: str) -> str | None:
    """The part as a single number: first one that a country really has, else one of a possible length."""
    read = [number for number in (_parsed(text, region) for text in _readings(part, region)) if number]
    for number in read:
        if phonenumbers.is_valid_number(number):
            return _text_of(number)
    return next((_text_of(number) for number in read if _is_long_enough(number)), None)


def _readings(part: str, region: str) -> Iterator[str]:
    """The ways to read a part: as written, without a wrong plus before an 8, or as a number of another country."""
    text = part.strip()
    yield text
    digits = _NOT_DIGITS.sub("", text)
    if text.startswith("+"):
        if not _is_long_enough(_parsed(text, region)):
            yield text[1:]
    elif digits.startswith("00"):
        yield f"+{digits[2:]}"
    elif len(digits) >= 11 and not _is_domestic(text, digits, region):
        yield f"+{digits}"


def _is_domestic(text: str, digits: str, region: str) -> bool:
    """Whether a number begins like a long-distance call of the region and is as long: `8 495 ...` is not +84 495."""
    prefix = phonenumbers.ndd_prefix_for_region(region, True)
    number = _parsed(text, region)
    return bool(prefix and digits.startswith(prefix) and _is_long_enough(number))


def _parsed(text: str, region: str) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None


def _is_long_enough(number: PhoneNumber | None) -> bool:
    if number is None:
        return False
    reason = phonenumbers.is_possible_number_with_reason(number)
    return reason == ValidationResult.IS_POSSIBLE and len(str(number.national_number)) >= _FEWEST_DIGITS


def _without_note(part: str) -> str:
    """The part up to the first word after the digits: `8 921 123-45-67 вн. 12`, `... Иван`."""
    start = next((place for place, symbol in enumerate(part) if symbol.isdecimal()), 0)
    word = _WORD.search(part, start)
    return part[: word.start()] if word else ""


def _text_of(number: PhoneNumber) -> str | None:
    if len(set(phonenumbers.national_significant_number(number))) == 1:
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)
