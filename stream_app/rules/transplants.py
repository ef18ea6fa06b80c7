"""Rules 5 and 9: what the transplants on file come to for a line."""

from collections.abc import Sequence

from msgspec import Struct

from stream_app.domain.claim import ServiceLine
from stream_app.domain.decision import Criterion
from stream_app.domain.history import Transplant
from stream_app.domain.vocabulary import CriterionName, ReasonCode
from stream_app.policy.model import Service
from stream_app.rules.criteria import FACTS, Reading
from stream_app.rules.logic import Truth, all_true, any_true

# Looked up once: an enumeration's attributes are slow on the way of every decision.
_QUALIFYING = CriterionName.QUALIFYING_TRANSPLANT
_CRITERIA_MET = (ReasonCode.DLI_CRITERIA_MET,)

_DENY_CODES = {
    CriterionName.TRANSPLANT_PERFORMED_BEFORE_INFUSION: ReasonCode.TRANSPLANT_NOT_BEFORE_INFUSION,
    CriterionName.TRANSPLANT_ALLOGENEIC: ReasonCode.TRANSPLANT_NOT_ALLOGENEIC,
    CriterionName.TRANSPLANT_FOR_HEMATOLOGIC_MALIGNANCY: (
        ReasonCode.INDICATION_NOT_HEMATOLOGIC_MALIGNANCY
    ),
    CriterionName.TRANSPLANT_MEDICALLY_NECESSARY: ReasonCode.TRANSPLANT_NOT_MEDICALLY_NECESSARY,
    CriterionName.SAME_DONOR: ReasonCode.DONOR_MISMATCH,
}
_PEND_CODES = {
    CriterionName.TRANSPLANT_PERFORMED_BEFORE_INFUSION: ReasonCode.TRANSPLANT_NOT_CONFIRMED,
    CriterionName.TRANSPLANT_ALLOGENEIC: ReasonCode.TRANSPLANT_TYPE_UNKNOWN,
    CriterionName.TRANSPLANT_FOR_HEMATOLOGIC_MALIGNANCY: ReasonCode.INDICATION_UNKNOWN,
    CriterionName.TRANSPLANT_MEDICALLY_NECESSARY: ReasonCode.TRANSPLANT_NECESSITY_UNDETERMINED,
    CriterionName.SAME_DONOR: ReasonCode.DONOR_UNKNOWN,
}
_MAY_BE_ANOTHER_TRANSPLANT = frozenset(
    {ReasonCode.TRANSPLANT_NOT_BEFORE_INFUSION, ReasonCode.TRANSPLANT_NOT_ALLOGENEIC}
)
"""Denials that one more transplant, which nobody recorded, would overturn."""


class _Examined(Struct, frozen=True, gc=False):
    """One transplant, its facts, and their AND."""

    transplant: Transplant
    facts: list[Criterion]
    truth: Truth

    def distance(self) -> tuple[int, int, str]:
        """How far from qualifying: fewest open or failed facts, then the latest, then by id."""
        day = self.transplant.transplant_date
        return (
            sum(fact.value is self.truth for fact in self.facts) if self.truth is not True else 0,
            -day.toordinal() if day is not None else 0,
            self.transplant.transplant_id,
        )


class TransplantRule:
    """Whether some transplant on file has all the facts that a service asks for."""

    def __init__(self, service: Service, reading: Reading) -> None:
        names = [requirement.criterion for requirement in service.necessary_when]
        self._names = [name for name in names if name in FACTS]
        self._facts = [FACTS[name] for name in self._names]
        self._reading = reading

    def examine(
        self, line: ServiceLine, transplants: Sequence[Transplant], seen: list[Criterion]
    ) -> _Examined | None:
        """The transplant that decides: one that qualifies, else the closest to qualifying.

        Args:
            line: the service line.
            transplants: all on file, by id.
            seen: takes all facts of every transplant, and what they come to.
        """
        reading = self._reading
        examined = []
        for transplant in transplants:
            facts = [fact(transplant, line, reading) for fact in self._facts]
            seen += facts
            examined.append(_Examined(transplant, facts, all_true([fact.value for fact in facts])))
        truth = any_true([each.truth for each in examined]) if examined else None
        candidates = [each for each in examined if each.truth is truth]
        closest = _closest(candidates) if candidates else None
        seen.append(
            Criterion(
                _QUALIFYING,
                truth,
                {
                    "transplants_on_file": len(examined),
                    "closest": closest.transplant.transplant_id if closest else None,
                },
            )
        )
        return closest


def _closest(candidates: list[_Examined]) -> _Examined:
    return candidates[0] if len(candidates) == 1 else min(candidates, key=_Examined.distance)


class InfusionRule(TransplantRule):
    """Rule 9."""

    def __init__(self, service: Service, reading: Reading, *, history_is_partial: bool) -> None:
        super().__init__(service, reading)
        self._history_is_partial = history_is_partial

    def decide(
        self, line: ServiceLine, transplants: Sequence[Transplant], seen: list[Criterion]
    ) -> tuple[ReasonCode, ...]:
        """The reason codes of a line that nothing but the history can decide any more."""
        closest = self.examine(line, transplants, seen)
        if closest is None:
            return (ReasonCode.HISTORY_NOT_FOUND,)
        if closest.truth:
            return _CRITERIA_MET
        table = _PEND_CODES if closest.truth is None else _DENY_CODES
        codes = tuple(
            table[name]
            for name, fact in zip(self._names, closest.facts, strict=True)
            if fact.value is closest.truth
        )
        if self._history_is_partial and _MAY_BE_ANOTHER_TRANSPLANT.issuperset(codes):
            seen[-1] = Criterion(_QUALIFYING, None, {**seen[-1].evidence, "history": "partial"})
            return (ReasonCode.QUALIFYING_TRANSPLANT_NOT_FOUND,)
        return codes


class CollectionRule(TransplantRule):
    """Rule 5, once the line is known to mean collection. The guideline gives no ground to deny."""

    def decide(
        self, line: ServiceLine, transplants: Sequence[Transplant], seen: list[Criterion]
    ) -> tuple[ReasonCode, ...]:
        """The reason codes of a line that nothing but the history can decide any more."""
        closest = self.examine(line, transplants, seen)
        if closest is not None and closest.truth:
            return (ReasonCode.DONOR_CELL_COLLECTION_CRITERIA_MET,)
        return (ReasonCode.COLLECTION_CRITERIA_NOT_EVIDENCED,)
