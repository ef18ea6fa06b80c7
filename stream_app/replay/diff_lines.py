"""Which lines of a compared claim are decided otherwise."""

from collections.abc import Iterator

from stream_app.replay.compared import Compared, ComparedLine
from stream_app.replay.diff_model import LineChange, LineSide

Pair = tuple[ComparedLine | None, ComparedLine | None]


def line_pairs(row: Compared) -> Iterator[Pair]:
    """Each line as it was decided beside the same line now, by number."""
    before = {line.line_number: line for line in row.before.lines} if row.before else {}
    after = {line.line_number: line for line in row.after.lines} if row.after else {}
    for number in sorted(before.keys() | after.keys()):
        yield before.get(number), after.get(number)


def _is_changed(pair: Pair) -> bool:
    """Whether outcome or reasons differ; another policy version alone changes nothing."""
    before, after = pair
    if before is None or after is None:
        return True
    return before.decision != after.decision or before.reasons != after.reasons


def changed_pairs(row: Compared) -> list[Pair]:
    """The pairs that make a changed claim one; none of an unchanged claim.

    All its lines, should none of them differ: no changed claim goes untold.
    """
    if not row.changed:
        return []
    pairs = list(line_pairs(row))
    return [pair for pair in pairs if _is_changed(pair)] or pairs


def line_change(pair: Pair) -> LineChange:
    """The pair as it is reported."""
    before, after = pair
    line = after or before
    assert line is not None
    return LineChange(
        line_number=line.line_number,
        procedure_code=line.procedure_code,
        before=_side(before),
        after=_side(after),
    )


def _side(line: ComparedLine | None) -> LineSide | None:
    if line is None:
        return None
    return LineSide(
        decision=line.decision, policy_version=line.policy_version, reasons=line.reasons
    )
