"""Kleene's three-valued logic: true, false and unknown."""

from collections.abc import Iterable

Truth = bool | None
"""None is unknown."""


def all_true(values: Iterable[Truth]) -> Truth:
    """AND: false if any is false, else unknown if any is unknown, else true."""
    result: Truth = True
    for value in values:
        if value is False:
            return False
        if value is None:
            result = None
    return result


def any_true(values: Iterable[Truth]) -> Truth:
    """OR: true if any is true, else unknown if any is unknown, else false."""
    result: Truth = False
    for value in values:
        if value is True:
            return True
        if value is None:
            result = None
    return result
