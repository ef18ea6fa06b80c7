"""The ICD-10-CM codes of the categories that matter here, in tabular order, with their dates."""

import csv
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from msgspec import Struct

from stream_app.domain.codes import CATEGORY_LENGTH, Icd10Code

_CSV = Path(__file__).with_name("icd10cm_codes.csv")


class TableRow(Struct, frozen=True):
    """One billable code."""

    code: Icd10Code
    position: int
    """Place in the tabular list: C84.A0 stands before C84.90, which text order gets wrong."""
    valid_from: date | None
    """First date of service; None: older than every guideline version held."""
    valid_through: date | None
    """Last date of service; None: still valid."""

    def valid_on(self, day: date) -> bool:
        """Whether the code may be billed for services of a day."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_through is None or day <= self.valid_through
        )


class Icd10Table:
    """Looks codes up; complete for the categories it has rows of, silent on all others."""

    def __init__(self, rows: Iterable[TableRow]) -> None:
        self.rows = tuple(sorted(rows, key=lambda row: row.position))
        self._by_code = {row.code: row for row in self.rows}
        self._categories = frozenset(row.code[:CATEGORY_LENGTH] for row in self.rows)

    def get(self, code: Icd10Code) -> TableRow | None:
        """The code's row, whatever its dates."""
        return self._by_code.get(code)

    def __getitem__(self, code: Icd10Code) -> TableRow:
        return self._by_code[code]

    def knows_category_of(self, code: Icd10Code) -> bool:
        """Whether the table would have the code if it existed."""
        return code[:CATEGORY_LENGTH] in self._categories


def load_icd10_table(path: Path = _CSV) -> Icd10Table:
    """The table that is shipped with the service."""
    with path.open(encoding="ascii", newline="") as file:
        return Icd10Table(
            TableRow(
                code=Icd10Code(row["code"].replace(".", "")),
                position=int(row["tabular_order"]),
                valid_from=_day(row["valid_from"]),
                valid_through=_day(row["valid_through"]),
            )
            for row in csv.DictReader(file)
        )


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
