"""Which of the changed claims a report lists: of many, some of every kind."""

from collections import defaultdict

from stream_app.domain.decision import Outcome
from stream_app.replay.compared import Compared
from stream_app.replay.diff_lines import changed_pairs, line_change
from stream_app.replay.diff_model import Change, Place

Kind = tuple[Outcome | None, Outcome | None]


class Listed:
    """Holds at most `limit` changed claims of each kind, and lists at most `limit` of all."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kinds: defaultdict[Kind, list[Compared]] = defaultdict(list)

    def add(self, row: Compared) -> None:
        """Takes a changed claim; the first of a kind are kept."""
        kept = self._kinds[kind_of(row)]
        if len(kept) < self._limit:
            kept.append(row)

    def changes(self) -> tuple[Change, ...]:
        """The listed claims, by month of service, then claim id.

        Rare kinds are listed whole before frequent ones share what room is left.
        """
        room = self._limit
        chosen: list[Compared] = []
        rising = sorted(self._kinds.values(), key=len)
        for index, kept in enumerate(rising):
            share = kept[: room // (len(rising) - index)]
            chosen += share
            room -= len(share)
        chosen.sort(key=lambda row: (row.service_month, row.claim_id))
        return tuple(_change(row) for row in chosen)


def kind_of(row: Compared) -> Kind:
    """From which outcome to which; None: no decision."""
    return (
        row.before.decision if row.before else None,
        row.after.decision if row.after else None,
    )


def _change(row: Compared) -> Change:
    before, after = kind_of(row)
    return Change(
        claim_id=row.claim_id,
        claim_version=row.claim_version,
        claim_version_before=row.before.claim_version if row.before else None,
        line_of_business=row.line_of_business,
        service_month=row.service_month,
        cause=row.cause,
        before=before,
        after=after,
        decision_id_before=row.before.decision_id if row.before else None,
        decision_id_after=row.after.decision_id if row.after else None,
        evaluated_at_before=row.before.evaluated_at if row.before else None,
        reproducible=row.reproducible,
        source=Place(topic=row.topic, partition=row.partition, offset=row.offset),
        lines=tuple(line_change(pair) for pair in changed_pairs(row)),
    )
