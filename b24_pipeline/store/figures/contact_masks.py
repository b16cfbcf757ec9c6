"""Phones and e-mail addresses as somebody sees them who may see figures and not reach the people behind them."""

from __future__ import annotations

import re

LAST_DIGITS = 4
LEAST_DIGITS = 8
"""With fewer, the last four digits would be nearly all of a phone."""


def masked_phone(phone: str | None) -> str | None:
    """+79210001234 as "+7 *** ***-12-34": two people who compare notes recognise it, nobody can call it."""
    if not phone:
        return phone
    digits = re.sub(r"\D", "", phone)
    if len(digits) < LEAST_DIGITS:
        return "***"
    shown = digits[-LAST_DIGITS:]
    is_of_zone_7 = len(digits) == 11 and digits[0] in "78"
    return f"{'+7 ' if is_of_zone_7 else ''}*** ***-{shown[:2]}-{shown[2:]}"


def masked_email(email: str | None) -> str | None:
    """anna@example.com as "a***@example.com"."""
    if not email:
        return email
    person, at, host = email.rpartition("@")
    return f"{person[:1]}***@{host}" if at else "***"
