"""Rules 4 to 9 for one version of the guideline, in their order."""

from collections.abc import Sequence

from stream_app.domain.claim import ServiceLine, SpecifiedAs
from stream_app.domain.decision import Criterion
from stream_app.domain.history import Transplant
from stream_app.domain.vocabulary import CriterionName, ReasonCode
from stream_app.policy.icd10cm import Icd10Table
from stream_app.policy.model import GuidelineVersion, ServiceName
from stream_app.rules.criteria import Reading
from stream_app.rules.description import DescriptionReader, Meaning
from stream_app.rules.diagnosis import Diagnosis, DiagnosisList, Finding
from stream_app.rules.logic import Truth
from stream_app.rules.settings import DecisionSettings
from stream_app.rules.transplants import CollectionRule, InfusionRule

Codes = tuple[ReasonCode, ...]


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
        self._diagnoses = DiagnosisList(version, table)
        self._asks_for_diagnosis = any(
            requirement.criterion is CriterionName.DIAGNOSIS_LISTED
            for requirement in infusion.necessary_when
        )
        self._denies_unlisted_malignancy = settings.unlisted_hematologic_diagnosis == "deny"
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
        is_modification = line.specified_as is SpecifiedAs.GENETIC_MODIFICATION
        seen.append(
            Criterion(
                CriterionName.GENETIC_MODIFICATION_SPECIFIED,
                is_modification,
                {"procedure_code": line.procedure_code, "specified_as": line.specified_as},
            )
        )
        if is_modification:
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

    def findings(self, line: ServiceLine) -> dict[str, str | None]:
        """What each diagnosis of a line is to the rules; None: no rule looks at it."""
        if line.procedure_code != self._infusion_code:
            return dict.fromkeys(line.diagnoses)
        look_up, on = self._diagnoses.look_up, line.service_date
        return {code: look_up(code, on).finding.name for code in line.diagnoses}

    def _decide_collection(
        self,
        line: ServiceLine,
        meaning: Meaning,
        is_infusion: bool,
        transplants: Sequence[Transplant],
        seen: list[Criterion],
    ) -> Codes:
        """Rule 5."""
        is_consistent = not is_infusion and not meaning.genetic_modification
        seen.append(
            Criterion(
                CriterionName.SPECIFICATION_CONSISTENT,
                is_consistent,
                {
                    "procedure_code": line.procedure_code,
                    "specified_as": line.specified_as,
                    "procedure_description": line.procedure_description,
                    "phrases": meaning.evidence(),
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
        is_open = meaning.says_modified_cells
        seen.append(_described(line, meaning, None if is_open else False))
        if is_open:
            return (ReasonCode.MODIFIED_LYMPHOCYTES_REVIEW,)
        if self._asks_for_diagnosis:
            code = self._objection_to_diagnoses(line, seen)
            if code is not None:
                return (code,)
        return self._infusion.decide(line, transplants, seen)

    def _objection_to_diagnoses(
        self, line: ServiceLine, seen: list[Criterion]
    ) -> ReasonCode | None:
        """Rule 8: None where a diagnosis is listed."""
        on = line.service_date
        codes = sorted(set(line.diagnoses)) if len(line.diagnoses) > 1 else line.diagnoses
        diagnoses = [self._diagnoses.look_up(code, on) for code in codes]
        code = self._objection(min([diagnosis.finding for diagnosis in diagnoses]))
        truth = True if code is None else False if code is ReasonCode.DIAGNOSIS_NOT_LISTED else None
        seen.append(_listed(line, diagnoses, truth))
        return code

    def _objection(self, best: Finding) -> ReasonCode | None:
        match best:
            case Finding.LISTED:
                return None
            case Finding.BESIDE_LISTED_RANGE:
                return ReasonCode.DIAGNOSIS_OUTSIDE_LISTED_RANGE
            case Finding.UNLISTED_HEMATOLOGIC_MALIGNANCY:
                if self._denies_unlisted_malignancy:
                    return ReasonCode.DIAGNOSIS_NOT_LISTED
                return ReasonCode.HEMATOLOGIC_DIAGNOSIS_NOT_LISTED
            case Finding.INVALID_ON_SERVICE_DATE:
                return ReasonCode.DIAGNOSIS_INVALID_ON_SERVICE_DATE
            case Finding.NOT_LISTED:
                return ReasonCode.DIAGNOSIS_NOT_LISTED


def _decide_unlisted(line: ServiceLine, meaning: Meaning, seen: list[Criterion]) -> Codes | None:
    """Rule 6."""
    if meaning.blank:
        seen.append(_described(line, meaning, None))
        return (ReasonCode.UNLISTED_CODE_UNSPECIFIED,)
    if meaning.says_modified_lymphocytes:
        seen.append(_described(line, meaning, True))
        return (ReasonCode.GENETIC_MODIFICATION_NOT_MEDICALLY_NECESSARY,)
    if meaning.may_say_modified_lymphocytes:
        seen.append(_described(line, meaning, None))
        return (ReasonCode.UNLISTED_CODE_AMBIGUOUS,)
    return None


def _described(line: ServiceLine, meaning: Meaning, truth: Truth) -> Criterion:
    return Criterion(
        CriterionName.GENETIC_MODIFICATION_DESCRIBED,
        truth,
        {"procedure_description": line.procedure_description, "phrases": meaning.evidence()},
    )


def _listed(line: ServiceLine, diagnoses: list[Diagnosis], truth: Truth) -> Criterion:
    return Criterion(
        CriterionName.DIAGNOSIS_LISTED,
        truth,
        {
            "service_date": line.service_date.isoformat(),
            "diagnoses": [diagnosis.evidence for diagnosis in diagnoses],
        },
    )
