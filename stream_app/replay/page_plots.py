"""Where things lie in the report's plots; the template draws them."""

import re
from collections.abc import Iterable, Sequence

from msgspec import Struct

from stream_app.replay.diff_model import Group

DIRECTIONS = ("to_approve", "to_deny", "to_pend", "other_reasons", "to_none")
MOST_COLUMNS = 72

_MONTH = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])\Z")

_HEIGHT = 180.0
_WIDTH = 960.0
_LEAST_STEP, _MOST_STEP = 22.0, 64.0
_LEFT, _TOP, _BOTTOM = 64.0, 12.0, 32.0


class Segment(Struct, frozen=True):
    """One part of a stacked bar. In a row, `start` and `size` are percentages."""

    direction: str
    start: float
    size: float
    claims: int


class Row(Struct, frozen=True):
    """One group with its bar lying down."""

    group: Group
    segments: tuple[Segment, ...]


class Column(Struct, frozen=True):
    """One group with its bar upright."""

    x: float
    label: str
    tick: str
    group: Group
    segments: tuple[Segment, ...]


class Columns(Struct, frozen=True):
    """A whole plot of upright bars."""

    width: float
    height: float
    left: float
    bottom: float
    bar: float
    columns: tuple[Column, ...]
    scale: tuple[tuple[float, int], ...]
    """Where each grid line lies, and what it stands for."""
    by_year: bool


def rows(groups: Sequence[Group]) -> list[Row]:
    """Bars of the groups with changes, to the scale of the greatest."""
    greatest = max((group.changed for group in groups), default=0)
    return [
        Row(group, tuple(_stack(group, 100 / greatest, 0.0, 1.0)))
        for group in groups
        if group.changed
    ]


def columns(months: Iterable[Group]) -> Columns | None:
    """Changes month by month, or by year where there are very many; None without any."""
    known = {group.value: group for group in months if group.value and _MONTH.match(group.value)}
    if not any(group.changed for group in known.values()):
        return None
    labels = _every_month(min(known), max(known))
    by_year = len(labels) > MOST_COLUMNS
    if by_year:
        known = _by_year(known)
        labels = sorted(known)
    groups = [known.get(label) or _nothing(label) for label in labels]
    greatest = max(group.changed for group in groups)
    rise = _nice_step(greatest)
    top = rise * -(-greatest // rise)
    unit = _HEIGHT / top
    ground = _TOP + _HEIGHT
    step = min(max((_WIDTH - _LEFT) / len(groups), _LEAST_STEP), _MOST_STEP)
    return Columns(
        width=_LEFT + step * len(groups),
        height=ground + _BOTTOM,
        left=_LEFT,
        bottom=ground,
        bar=round(0.72 * step, 1),
        columns=tuple(
            Column(
                x=round(_LEFT + (index + 0.14) * step, 1),
                label=label,
                tick=label if by_year else _tick(label, first=index == 0),
                group=group,
                segments=tuple(_stack(group, unit, ground, -1.0)),
            )
            for index, (label, group) in enumerate(zip(labels, groups, strict=True))
        ),
        scale=tuple((ground - value * unit, value) for value in range(0, top + 1, rise)),
        by_year=by_year,
    )


def _stack(group: Group, unit: float, start: float, sign: float) -> Iterable[Segment]:
    for direction in DIRECTIONS:
        claims = getattr(group, direction)
        if claims:
            size = claims * unit
            yield Segment(direction, start if sign > 0 else start - size, size, claims)
            start += sign * size


def _nice_step(greatest: int) -> int:
    """The least of 1, 2, 5, 10, 20, … that makes at most five grid lines."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if greatest <= 4 * factor * step:
                return factor * step
        step *= 10


def _every_month(first: str, last: str) -> list[str]:
    """The months from one to another, both included, as 2024-09."""
    (year, month), (last_year, last_month) = _parts(first), _parts(last)
    ends = last_year * 12 + last_month
    return [f"{at // 12:04}-{at % 12 + 1:02}" for at in range(year * 12 + month - 1, ends)]


def _parts(month: str) -> tuple[int, int]:
    return int(month[:4]), int(month[5:7])


def _tick(month: str, *, first: bool) -> str:
    """Every sixth month has room for its name."""
    return month if first or month.endswith(("-01", "-07")) else ""


def _by_year(months: dict[str, Group]) -> dict[str, Group]:
    years: dict[str, list[Group]] = {}
    for month, group in months.items():
        years.setdefault(month[:4], []).append(group)
    return {year: _sum(year, groups) for year, groups in years.items()}


def _sum(value: str, groups: Sequence[Group]) -> Group:
    return Group(
        value=value,
        claims=sum(group.claims for group in groups),
        to_approve=sum(group.to_approve for group in groups),
        to_deny=sum(group.to_deny for group in groups),
        to_pend=sum(group.to_pend for group in groups),
        other_reasons=sum(group.other_reasons for group in groups),
        to_none=sum(group.to_none for group in groups),
    )


def _nothing(value: str) -> Group:
    return _sum(value, ())
