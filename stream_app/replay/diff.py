"""The report of a job, counted over its claims as they pass: its size follows no number of claims.

Everything that a payload could make many of (lines of business, reasons of older software) is
told apart up to a number of groups; what comes after them is counted as the rest.
"""

from collections import Counter
from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

from stream_app.domain.decision import Outcome
from stream_app.replay.compared import Cause, Compared, ComparedLine
from stream_app.replay.diff_changes import Kind, Listed, kind_of
from stream_app.replay.diff_lines import changed_pairs, line_pairs
from stream_app.replay.diff_model import (
    CauseCount,
    Group,
    JobFacts,
    Place,
    ReasonChange,
    Report,
    Transition,
    VersionChange,
)

__all__ = ["JobFacts", "Report", "report"]

MOST_CHANGES = 1_000
MOST_MONTHS = 600
MOST_LINES_OF_BUSINESS = 50
MOST_REASONS = 200
MOST_VERSIONS = 50
MOST_SOURCES = 100

_OUTCOMES: tuple[Outcome | None, ...] = (*Outcome, None)

_Key = TypeVar("_Key", bound=Hashable)


class _Rest:
    """The key of what is not told apart."""


_REST = _Rest()


class _Groups(Generic[_Key]):
    """Counters by key, of which there are at most so many."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.counts: dict[_Key | _Rest, Counter[str]] = {}

    def at(self, key: _Key) -> Counter[str]:
        """The counter of a key, or of the rest."""
        counter = self.counts.get(key)
        if counter is None:
            place: _Key | _Rest = key if len(self.counts) < self._most else _REST
            counter = self.counts.setdefault(place, Counter())
        return counter

    def ranked(self, by: str) -> list[tuple[_Key | _Rest, Counter[str]]]:
        """The greatest first, the rest last."""
        return sorted(
            self.counts.items(), key=lambda item: (item[0] is _REST, -item[1][by], str(item[0]))
        )


class _Tally:
    """What has been counted so far."""

    def __init__(self, most_changes: int) -> None:
        self.kinds: Counter[Kind] = Counter()
        self.changed_kinds: Counter[Kind] = Counter()
        self.causes: Counter[Cause] = Counter()
        self.lines = 0
        self.changed_lines = 0
        self.irreproducible = 0
        self.sources: list[Place] = []
        self.listed = Listed(most_changes)
        self.months: _Groups[str | None] = _Groups(MOST_MONTHS)
        self.lines_of_business: _Groups[str | None] = _Groups(MOST_LINES_OF_BUSINESS)
        self.reasons: _Groups[tuple[str | None, str | None]] = _Groups(MOST_REASONS)
        self.versions: _Groups[tuple[str | None, str | None]] = _Groups(MOST_VERSIONS)

    def add(self, row: Compared) -> None:
        """Counts one claim."""
        kind = kind_of(row)
        self.kinds[kind] += 1
        direction = _direction(kind) if row.changed else None
        for groups, value in (
            (self.months, row.service_month),
            (self.lines_of_business, row.line_of_business),
        ):
            group = groups.at(value)
            group["claims"] += 1
            if direction:
                group[direction] += 1
                group["changed"] += 1
        if row.changed:
            self.changed_kinds[kind] += 1
            self.causes[row.cause] += 1
            self.listed.add(row)
        if not row.reproducible:
            self.irreproducible += 1
            if len(self.sources) < MOST_SOURCES:
                self.sources.append(
                    Place(topic=row.topic, partition=row.partition, offset=row.offset)
                )
        self._add_lines(row)

    def _add_lines(self, row: Compared) -> None:
        for before, after in line_pairs(row):
            self.lines += 1
            self.versions.at((_version(before), _version(after)))["lines"] += 1
        for before, after in changed_pairs(row):
            self.changed_lines += 1
            self.versions.at((_version(before), _version(after)))["changed"] += 1
            self.reasons.at((_first_reason(before), _first_reason(after)))["lines"] += 1


def report(
    rows: Iterable[Compared], facts: JobFacts, *, most_changes: int = MOST_CHANGES
) -> Report:
    """Counts what a job compared.

    Args:
        rows: each claim once, in any order.
        facts: what the job was asked to do.
        most_changes: how many changed claims are listed.
    """
    tally = _Tally(most_changes)
    for row in rows:
        tally.add(row)
    compared, changed = tally.kinds.total(), tally.changed_kinds.total()
    return Report(
        job=facts,
        compared=compared,
        changed=changed,
        unchanged=compared - changed,
        lines_compared=tally.lines,
        lines_changed=tally.changed_lines,
        irreproducible=tally.irreproducible,
        irreproducible_sources=tuple(tally.sources),
        transitions=_transitions(tally),
        causes=tuple(
            CauseCount(cause=cause, claims=tally.causes[cause])
            for cause in Cause
            if cause is not Cause.NONE
        ),
        reasons=_reasons(tally),
        policy_versions=_versions(tally),
        lines_of_business=_group_list(tally.lines_of_business.ranked("changed")),
        months=_group_list(sorted(tally.months.counts.items(), key=_by_month)),
        changes=tally.listed.changes(),
    )


def _by_month(item: tuple[str | _Rest | None, Counter[str]]) -> tuple[bool, str]:
    return item[0] is _REST, str(item[0])


def _direction(kind: Kind) -> str:
    before, after = kind
    if after is None:
        return "to_none"
    return "other_reasons" if before is after else f"to_{after}"


def _version(line: ComparedLine | None) -> str | None:
    return line.policy_version if line else None


def _first_reason(line: ComparedLine | None) -> str | None:
    return line.reasons[0] if line and line.reasons else None


def _transitions(tally: _Tally) -> tuple[Transition, ...]:
    """Every cell of the matrix, empty ones too."""
    return tuple(
        Transition(
            before=before,
            after=after,
            claims=tally.kinds[before, after],
            changed=tally.changed_kinds[before, after],
        )
        for before in _OUTCOMES
        for after in _OUTCOMES
    )


def _pair(key: tuple[str | None, str | None] | _Rest) -> tuple[str | None, str | None]:
    return (None, None) if isinstance(key, _Rest) else key


def _reasons(tally: _Tally) -> tuple[ReasonChange, ...]:
    return tuple(
        ReasonChange(
            before=_pair(key)[0], after=_pair(key)[1], lines=counts["lines"], rest=key is _REST
        )
        for key, counts in tally.reasons.ranked("lines")
    )


def _versions(tally: _Tally) -> tuple[VersionChange, ...]:
    return tuple(
        VersionChange(
            before=_pair(key)[0],
            after=_pair(key)[1],
            lines=counts["lines"],
            changed=counts["changed"],
            rest=key is _REST,
        )
        for key, counts in tally.versions.ranked("lines")
    )


def _group_list(
    groups: Iterable[tuple[str | _Rest | None, Counter[str]]],
) -> tuple[Group, ...]:
    return tuple(
        Group(
            value=None if isinstance(key, _Rest) else key,
            claims=counts["claims"],
            to_approve=counts["to_approve"],
            to_deny=counts["to_deny"],
            to_pend=counts["to_pend"],
            other_reasons=counts["other_reasons"],
            to_none=counts["to_none"],
            rest=isinstance(key, _Rest),
        )
        for key, counts in groups
    )
