"""Kleene's three-valued logic: true, false and unknown."""

from collections.abc import Collection

Truth = bool | None
"""None is unknown."""


def all_true(values: Collection[Truth]) -> Truth:
    """AND: false if any is false, else unknown if any is unknown, else true."""
    if False in values:
        return False
    return None if None in values else True


def any_true(values: Collection[Truth]) -> Truth:
    """OR: true if any is true, else unknown if any is unknown, else false."""
    if True in values:
        return True
    return None if None in values else False
