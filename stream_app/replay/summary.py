"""A job's outcome in a few lines for the terminal."""

from collections.abc import Iterator

from stream_app.replay.diff_model import Report, Transition

_NONE = "no decision"


def summary(report: Report, *, moved_on: int, too_large: int, unsure: int) -> Iterator[str]:
    """The lines.

    Args:
        report: what was found.
        moved_on: claims of which only an event that stands no longer lies within the bounds.
        too_large: changed claims that could not be handed over.
        unsure: claims without a decision that were not, since theirs may have been deleted.
    """
    yield f"{report.compared:,} claims compared, {report.changed:,} decided otherwise now"
    if moved_on:
        yield (
            f"{moved_on:,} more have an event within the bounds that stands no longer; the one "
            "that does lies outside"
        )
    if report.compared:
        yield ""
        yield from _matrix(report.transitions)
    if report.changed:
        yield from _changes(report)
    if report.compared:
        yield ""
    if report.irreproducible:
        yield f"NOT REPRODUCIBLE: {report.irreproducible:,} claims gave two ids, worked out twice"
    elif report.compared:
        yield "worked out twice, each decision had the same id"
    if report.job.handed_over is not None:
        yield f"{report.job.handed_over:,} claims handed over to their owners"
    if too_large:
        yield f"{too_large:,} claims are too large to be handed over (max_request_bytes)"
    if unsure:
        yield (
            f"{unsure:,} claims without a decision are not handed over: they are older than what "
            "is kept of decisions (retention_days), and may have been approved"
        )


def _changes(report: Report) -> Iterator[str]:
    """Why, and from which reasons to which."""
    yield ""
    for cause in report.causes:
        if cause.claims:
            yield f"{cause.claims:>12,}  {_CAUSES[cause.cause.value]}"
    yield ""
    yield "first reason before -> now, lines"
    for row in report.reasons[:8]:
        if row.rest:
            continue
        before, after = row.before or _NONE, row.after or _NONE
        yield f"{row.lines:>12,}  {before} -> {after if after != before else 'further reasons'}"
    if len(report.reasons) > 8:
        yield f"{'...':>12}  {len(report.reasons) - 8:,} more in the report"


_CAUSES = {
    "history": "because of the member's history, which has changed since",
    "policy": "because of the policy, the settings or the software",
    "undecided": "of which no decision was found",
    "not_decidable": "to which the guideline does not apply (any more)",
}


def _matrix(transitions: tuple[Transition, ...]) -> Iterator[str]:
    """Outcomes before down the side, outcomes now across."""
    sides = list(dict.fromkeys(each.after for each in transitions))
    cells = {(each.before, each.after): each for each in transitions}
    used = [
        side
        for side in sides
        if side is not None
        or any(cells[side, other].claims or cells[other, side].claims for other in sides)
    ]
    names = {side: _NONE if side is None else side.value for side in used}
    table = [["before / now", *(names[side] for side in used)]]
    table += [[names[before], *(_cell(cells[before, after]) for after in used)] for before in used]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        yield "   ".join(text.rjust(width) for text, width in zip(row, widths, strict=True))


def _cell(cell: Transition) -> str:
    if cell.before is cell.after and cell.changed:
        return f"{cell.claims:,} ({cell.changed:,} by other reasons)"
    return f"{cell.claims:,}" if cell.claims else "."
