"""What an explanation tries out: a case, a question about it, the answers it may get."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from stream_app.domain.claim import Claim, ServiceLine
from stream_app.domain.history import Transplant
from stream_app.domain.vocabulary import CriterionName


class Case(Struct, frozen=True):
    """A claim and the history it is decided on."""

    claim: Claim
    transplants: tuple[Transplant, ...]

    def with_line(self, number: int, **fields: Any) -> "Case":
        """The same with fields of one line changed."""
        lines = tuple(
            replace(line, **fields) if line.line_number == number else line
            for line in self.claim.lines
        )
        return Case(replace(self.claim, lines=lines), self.transplants)

    def with_transplant(self, transplant_id: str, **fields: Any) -> "Case":
        """The same with fields of one transplant changed."""
        transplants = tuple(
            replace(each, **fields) if each.transplant_id == transplant_id else each
            for each in self.transplants
        )
        return Case(self.claim, transplants)

    def line(self, number: int) -> ServiceLine:
        """The line of that number."""
        return next(line for line in self.claim.lines if line.line_number == number)

    def transplant(self, transplant_id: str) -> Transplant:
        """The transplant of that id."""
        return next(each for each in self.transplants if each.transplant_id == transplant_id)


class Leaning(StrEnum):
    """Which way an answer points. Facts that all point one way change an outcome soonest."""

    MET = "met"
    UNMET = "unmet"
    ASIDE = "aside"


class Answer(Struct, frozen=True):
    """One thing that may turn out to be so."""

    says: str
    leaning: Leaning
    apply: Callable[[Case], Case]


class Question(Struct, frozen=True):
    """One fact that nobody knows yet."""

    key: str
    """The same fact has the same key, whichever line asks for it."""
    criterion: CriterionName
    asks: str
    field: str
    """Where the answer belongs in the events."""
    answers: tuple[Answer, ...]
    transplant_id: str | None = None
