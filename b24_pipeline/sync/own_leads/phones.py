"""Phones as people write them, in E.164: what two sides have in common is found by comparing those."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, ValidationResult

MOST_LETTERS = 500
"""Of a text that is looked at: what is longer is no phone field."""

_BETWEEN = re.compile(r"[,;/|\\\n\r]+")
_WORD = re.compile(r"[^\W\d_]")
_NOT_DIGITS = re.compile(r"[^0-9]+")
_SEPARATORS = str.maketrans("", "", " \t\u00a0()-.")
# ten digits behind the code that Russia and Kazakhstan share; at home also behind the 8 of long distance, or alone
_WITH_CODE = re.compile(r"\+7([1-9][0-9]{9})")
_AT_HOME = re.compile(r"\+7([1-9][0-9]{9})|[78]([2-9][0-9]{9})|([1-79][0-9]{9})")
_OF_CODE_7 = frozenset({"RU", "KZ"})
_FEWEST_DIGITS = 8  # of a number whose length alone speaks for it
_CACHED = 65_536


def phones_of(text: str | None, region: str) -> tuple[str, ...]:
    """Every phone of a text in E.164, each once, in order; `region` is whose numbers come without a code.

    Commas, semicolons, slashes and new lines part several. Extensions are left
    out. A number counts if its country has such numbers, or at least numbers
    of this length; one made of a single digit is nobody's.
    """
    if not text:
        return ()
    looked_at = text[:MOST_LETTERS]
    return _quick(looked_at, region) or _asked(looked_at, region)


@lru_cache(maxsize=_CACHED)
def _asked(text: str, region: str) -> tuple[str, ...]:
    return slow_phones_of(text, region)


def slow_phones_of(text: str, region: str) -> tuple[str, ...]:
    """The same without the quick way and without a memory."""
    found = (one for part in _BETWEEN.split(text) for one in _phones_in(part, region))
    return tuple(dict.fromkeys(found))


def _quick(text: str, region: str) -> tuple[str, ...] | None:
    """What the library would say of a plain number of code 7, without asking it; None for all else."""
    pattern = _AT_HOME if region in _OF_CODE_7 else _WITH_CODE
    found = pattern.fullmatch(text.translate(_SEPARATORS))
    if not found:
        return None
    digits = found[found.lastindex or 1]
    return None if digits == digits[0] * len(digits) else (f"+7{digits}",)


def _phones_in(part: str, region: str) -> Iterator[str]:
    if sum(symbol.isdecimal() for symbol in part) < _FEWEST_DIGITS:
        return
    number = _one(part, region)
    if number:
        yield number
        return
    matches = [match.number for match in phonenumbers.PhoneNumberMatcher(part, region)]
    found = [_text_of(match) for match in matches] or [_one(_without_note(part), region)]
    yield from filter(None, found)


def _one(part: str, region: str) -> str | None:
    """The part as one number: first as some country's real one, then by its length alone."""
    read = [number for number in (_parsed(text, region) for text in _readings(part, region)) if number]
    for number in read:
        if phonenumbers.is_valid_number(number):
            return _text_of(number)
    return next((_text_of(number) for number in read if _is_long_enough(number)), None)


def _readings(part: str, region: str) -> Iterator[str]:
    """As it stands; with `8` after a plus that does not belong there; abroad by 00, or without a plus."""
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
    """Whether it begins as long-distance calls at home do, and is as long: `8 495 ...` is not Vietnam's +84."""
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
    """Up to the first word behind the digits: `8 921 123-45-67 вн. 12`, `... Иван`."""
    start = next((place for place, symbol in enumerate(part) if symbol.isdecimal()), 0)
    word = _WORD.search(part, start)
    return part[: word.start()] if word else ""


def _text_of(number: PhoneNumber) -> str | None:
    if len(set(phonenumbers.national_significant_number(number))) == 1:
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)
