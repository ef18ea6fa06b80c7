"""National Provider Identifiers that check out and belong to nobody.

An NPI has ten digits, the last one a Luhn check digit over the other nine with 80840 put in
front (ISO/IEC 7812: 80 for health applications, 840 for the United States).
"""

from functools import cache

PREFIX = "80840"


def luhn_check_digit(digits: str) -> int:
    """The digit that makes `digits` + it divisible by ten under Luhn's rule."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit)
        if place % 2 == 0:  # every second digit, counted from the one next to the check digit
            value = value * 2 - 9 if value > 4 else value * 2
        total += value
    return -total % 10


@cache
def synthetic_npi(number: int) -> str:
    """A well-formed NPI for `number` (0 to 99,999,999).

    It begins with 2: the standard allows 1 and 2, the numbers given to real providers so far
    begin with 1, so this one names no real provider.
    """
    body = f"2{number:08d}"
    return f"{body}{luhn_check_digit(PREFIX + body)}"
