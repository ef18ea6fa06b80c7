"""The changed lines as CSV (RFC 4180), a row a line, for a spreadsheet's pivot table.

A cell that a spreadsheet would take for a formula gets an apostrophe before it, whatever it is of.
"""

import csv
from collections.abc import Iterable
from typing import TextIO

from stream_app.replay.compared import Compared, ComparedLine
from stream_app.replay.diff_lines import Pair, changed_pairs

COLUMNS = (
    "claim_id",
    "claim_version",
    "line_of_business",
    "service_month",
    "cause",
    "claim_before",
    "claim_after",
    "line_number",
    "procedure_code",
    "line_before",
    "line_after",
    "policy_version_before",
    "policy_version_after",
    "first_reason_before",
    "first_reason_after",
    "reasons_before",
    "reasons_after",
    "evaluated_at_before",
    "decision_id_before",
    "decision_id_after",
    "reproducible",
    "topic",
    "partition",
    "offset",
)

_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What begins a formula, in its full-width forms too; OWASP, CSV injection."""


def write_csv(rows: Iterable[Compared], file: TextIO) -> int:
    """Writes the changed lines of the changed claims, one by one.

    Args:
        rows: what was compared; unchanged claims are passed over.
        file: opened with newline="", since the format has line ends of its own.

    Returns:
        How many lines were written, the head not counted.
    """
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    written = 0
    for row in rows:
        for pair in changed_pairs(row):
            writer.writerow(map(_cell, _row(row, pair)))
            written += 1
    return written


def _row(row: Compared, pair: Pair) -> tuple[object, ...]:
    before, after = row.before, row.after
    line_before, line_after = pair
    line = line_after or line_before
    assert line is not None
    return (
        row.claim_id,
        row.claim_version,
        row.line_of_business,
        row.service_month,
        row.cause,
        before and before.decision,
        after and after.decision,
        line.line_number,
        line.procedure_code,
        line_before and line_before.decision,
        line_after and line_after.decision,
        line_before and line_before.policy_version,
        line_after and line_after.policy_version,
        *(_first(each) for each in pair),
        *(_all(each) for each in pair),
        before and before.evaluated_at,
        before and before.decision_id,
        after and after.decision_id,
        "yes" if row.reproducible else "no",
        row.topic,
        row.partition,
        row.offset,
    )


def _first(line: ComparedLine | None) -> str | None:
    return line.reasons[0] if line and line.reasons else None


def _all(line: ComparedLine | None) -> str | None:
    return " ".join(line.reasons) if line else None


def _cell(value: object) -> str:
    """The value as text; nothing where there is none."""
    if value is None:
        return ""
    text = str(value)
    # Spreadsheets look past blanks, and tab and return are blanks.
    if text.lstrip("\t\r\n \u00a0\ufeff\0").startswith(_FORMULA) or text.startswith(("\t", "\r")):
        return f"'{text}"
    return text
