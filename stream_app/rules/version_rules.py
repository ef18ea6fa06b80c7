"""Rules 4 to 9 for one version of the guideline, in their order."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from stream_app.domain.claim import ServiceLine, SpecifiedAs
from stream_app.domain.decision import Criterion
from stream_app.domain.history import Transplant
from stream_app.domain.vocabulary import CriterionName, ReasonCode
from stream_app.policy.icd10cm import Icd10Table
from stream_app.policy.model import GuidelineVersion, ServiceName
from stream_app.rules.criteria import Reading
from stream_app.rules.description import DescriptionReader, Meaning
from stream_app.rules.diagnosis import DiagnosisRule
from stream_app.rules.logic import Truth
from stream_app.rules.settings import DecisionSettings
from stream_app.rules.transplants import CollectionRule, InfusionRule

Codes = tuple[ReasonCode, ...]

# Looked up once: an enumeration's attributes are slow on the way of every decision.
_DESCRIBED = CriterionName.GENETIC_MODIFICATION_DESCRIBED


class VersionRules:
    """Everything that depends on version and settings alone is worked out at the start."""

    def __init__(
        self, version: GuidelineVersion, table: Icd10Table, settings: DecisionSettings
    ) -> None:
        self.version = version
        infusion = version.services[ServiceName.INFUSION]
        reading = Reading(version, settings)
        self._infusion_code = infusion.procedure_code
        self._unlisted_code = version.services[ServiceName.GENETIC_MODIFICATION].procedure_code
        self._descriptions = DescriptionReader(version.description_phrases)
        self._diagnoses = DiagnosisRule(version, table, settings)
        self._asks_for_diagnosis = any(
            requirement.criterion is CriterionName.DIAGNOSIS_LISTED
            for requirement in infusion.necessary_when
        )
        self._infusion = InfusionRule(
            infusion, reading, history_is_partial=settings.history == "partial"
        )
        self._collection = CollectionRule(version.services[ServiceName.COLLECTION], reading)

    def decide(
        self, line: ServiceLine, transplants: Sequence[Transplant], seen: list[Criterion]
    ) -> Codes | None:
        """The reason codes for a line, or None where the guideline does not apply to it.

        Args:
            line: a service line in scope.
            transplants: all unretracted ones of the member, by id.
            seen: takes every criterion looked at, in order.
        """
        is_infusion = line.procedure_code == self._infusion_code
        specified = _specified(line.procedure_code, line.specified_as)
        seen.append(specified)
        if specified.value:
            if is_infusion:
                return (ReasonCode.MODIFIED_LYMPHOCYTES_REVIEW,)
            return (ReasonCode.GENETIC_MODIFICATION_NOT_MEDICALLY_NECESSARY,)
        meaning = self._descriptions.read(line.procedure_description)
        if line.specified_as is not None:
            return self._decide_collection(line, meaning, is_infusion, transplants, seen)
        if is_infusion:
            return self._decide_infusion(line, meaning, transplants, seen)
        if line.procedure_code == self._unlisted_code:
            return _decide_unlisted(line, meaning, seen)
        return None

    def findings(self, line: ServiceLine) -> Mapping[str, str | None]:
        """What each diagnosis of a line is to the rules, in order; None: no rule looks at it."""
        if line.procedure_code != self._infusion_code:
            return dict.fromkeys(sorted(line.diagnoses))
        return self._diagnoses.judge(line.diagnoses, line.service_date).findings

    def _decide_collection(
        self,
        line: ServiceLine,
        meaning: Meaning,
        is_infusion: bool,
        transplants: Sequence[Transplant],
        seen: list[Criterion],
    ) -> Codes:
        """Rule 5."""
        is_consistent = not is_infusion and not meaning.says_genetic_modification
        seen.append(
            Criterion(
                CriterionName.SPECIFICATION_CONSISTENT,
                is_consistent,
                {
                    "procedure_code": line.procedure_code,
                    "specified_as": line.specified_as,
                    "procedure_description": line.procedure_description,
                    "phrases": meaning.phrases,
                },
            )
        )
        if not is_consistent:
            return (ReasonCode.CONFLICTING_SERVICE_SPECIFICATION,)
        return self._collection.decide(line, transplants, seen)

    def _decide_infusion(
        self,
        line: ServiceLine,
        meaning: Meaning,
        transplants: Sequence[Transplant],
        seen: list[Criterion],
    ) -> Codes:
        """Rules 7, 8 and 9."""
        if meaning.says_modified_cells:
            seen.append(_described(line, meaning, value=None))
            return (ReasonCode.MODIFIED_LYMPHOCYTES_REVIEW,)
        seen.append(_described(line, meaning, value=False))
        if self._asks_for_diagnosis:
            judgement = self._diagnoses.judge(line.diagnoses, line.service_date)
            seen.append(judgement.criterion)
            if judgement.objection is not None:
                return (judgement.objection,)
        return self._infusion.decide(line, transplants, seen)


def _decide_unlisted(line: ServiceLine, meaning: Meaning, seen: list[Criterion]) -> Codes | None:
    """Rule 6."""
    if meaning.blank:
        seen.append(_described(line, meaning, value=None))
        return (ReasonCode.UNLISTED_CODE_UNSPECIFIED,)
    if meaning.says_modified_lymphocytes:
        seen.append(_described(line, meaning, value=True))
        return (ReasonCode.GENETIC_MODIFICATION_NOT_MEDICALLY_NECESSARY,)
    if meaning.may_say_modified_lymphocytes:
        seen.append(_described(line, meaning, value=None))
        return (ReasonCode.UNLISTED_CODE_AMBIGUOUS,)
    return None


@lru_cache(maxsize=1024)
def _specified(procedure_code: str, specified_as: SpecifiedAs | None) -> Criterion:
    """Rule 4's question."""
    return Criterion(
        CriterionName.GENETIC_MODIFICATION_SPECIFIED,
        specified_as is SpecifiedAs.GENETIC_MODIFICATION,
        {"procedure_code": procedure_code, "specified_as": specified_as},
    )


def _described(line: ServiceLine, meaning: Meaning, value: Truth) -> Criterion:
    return Criterion(
        _DESCRIBED,
        value,
        {"procedure_description": line.procedure_description, "phrases": meaning.phrases},
    )
