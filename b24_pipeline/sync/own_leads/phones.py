"""Reads phones as people write them, and gives them in E.164 so that they can be compared.

Whoever changes what is read raises `READING` in `match_copy.py`: what is stored is then read again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, ValidationResult

from b24_pipeline.sync.own_leads.damage import EXPONENT

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
# a digit that callers from abroad put before a mobile number of ten digits; some people write it, some do not
_MOBILE_MARKS = {52: "1", 54: "9"}  # Mexico, Argentina
_WITH_MARK = 11
# what is compared by its digits, where no country has such a number: the most digits are E.164's
_ONLY_DIGITS = re.compile(r"\+?[0-9]{11,15}")
_MARKED = re.compile(r"\+(52|54)([0-9]{10})")


def phones_of(text: str | None, region: str) -> tuple[str, ...]:
    """The phones of a text in E.164, each once, in order; `region` is the country of numbers without a code.

    Commas, semicolons, slashes and line ends separate phones. Extensions are left out, and so are numbers in
    exponent form, because a spreadsheet has dropped their last digits. A number counts if its country has such
    numbers, or at least numbers of this length, and not all of its digits are the same. A number of 11 to 15 digits
    that no country has is given by its digits. Mexico's mobile 1 and Argentina's mobile 9 are left out.
    """
    if not text:
        return ()
    looked_at = EXPONENT.sub(";", text[:MOST_LETTERS])
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
    matches = [_without_mark(match.number) for match in phonenumbers.PhoneNumberMatcher(part, region)]
    found = [_text_of(match) for match in matches] or [_single_phone(_without_note(part), region)]
    yield from filter(None, found if any(found) else [_by_digits(part, region)])


def _single_phone(part: str, region: str) -> str | None:
    """The part as a single number: first one that a country really has, else one of a possible length."""
    read = [number for number in (_parsed(text, region) for text in _readings(part, region)) if number]
    for number in read:
        if phonenumbers.is_valid_number(number):
            return _text_of(number)
    return next((_text_of(number) for number in read if _is_long_enough(number)), None)


def _by_digits(part: str, region: str) -> str | None:
    """A part that is one number and no country's, by its digits: so it equals itself."""
    plain = phonenumbers.normalize_diallable_chars_only(part.translate(_SEPARATORS).strip())
    if any(symbol.isalpha() for symbol in part) or ":" in part or not _ONLY_DIGITS.fullmatch(plain):
        return None
    digits = plain.lstrip("+")
    if digits[0] == "0" or len(set(digits)) < 3 or _is_long_enough(_parsed(f"+{digits}", region)):
        return None
    return f"+{digits}"


def spellings(phone: str) -> tuple[str, ...]:
    """The ways in which others may write a phone in E.164: with Mexico's and Argentina's mobile digit, too."""
    found = _MARKED.fullmatch(phone)
    return (phone, f"+{found[1]}{_MOBILE_MARKS[int(found[1])]}{found[2]}") if found else (phone,)


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
        return _without_mark(phonenumbers.parse(text, region))
    except phonenumbers.NumberParseException:
        return None


def _without_mark(number: PhoneNumber) -> PhoneNumber:
    """The number without the mobile digit of its country. The library takes Mexico's for a digit too many."""
    digits = str(number.national_number)
    if len(digits) == _WITH_MARK and digits[0] == _MOBILE_MARKS.get(number.country_code or 0):
        return PhoneNumber(country_code=number.country_code, national_number=int(digits[1:]))
    return number


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
