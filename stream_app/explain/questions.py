"""The unknown facts behind a pend, each as a question with the answers it may get.

An answer is tried out by changing the claim or the history as if it were known, and deciding
again: what follows is then never guessed.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from msgspec.structs import replace

from stream_app.domain.claim import ServiceLine, SpecifiedAs
from stream_app.domain.codes import Icd10Code
from stream_app.domain.decision import LineDecision
from stream_app.domain.history import Transplant, TransplantStatus, TransplantType
from stream_app.domain.vocabulary import CriterionName, ReasonCode
from stream_app.explain.case import Answer, Case, Leaning, Question
from stream_app.policy.model import Policies

_DAY = timedelta(days=1)
_MALIGNANT, _OTHER_DISEASE = "C92.10", "D61.9"
# Ids that no platform would give: they stand for somebody not named.
_NOBODY, _UNRECORDED = "(another donor)", "(a transplant not on file)"


def questions(case: Case, line: LineDecision, policies: Policies) -> Iterator[Question]:
    """What is not known of a line that pends, in the order of the criteria."""
    number = line.line_number
    codes = {reason.code for reason in line.reasons}
    # One false fact settles a transplant, whatever else of it is unknown.
    settled = {each.evidence.get("transplant_id") for each in line.criteria if each.value is False}
    for criterion in line.criteria:
        if criterion.criterion == CriterionName.QUALIFYING_TRANSPLANT:
            none_on_file = not criterion.evidence["transplants_on_file"]
            if none_on_file or ReasonCode.QUALIFYING_TRANSPLANT_NOT_FOUND in codes:
                yield _another_transplant(case.line(number))
        elif criterion.value is None:
            ask = _ASKED_FOR.get(CriterionName(criterion.criterion))
            transplant_id = criterion.evidence.get("transplant_id")
            if ask is not None and transplant_id not in settled:
                yield ask(case, number, str(transplant_id))
    if ReasonCode.DIAGNOSIS_INVALID_ON_SERVICE_DATE in codes:
        yield _valid_diagnosis(case.line(number), policies)
    if codes & {ReasonCode.UNLISTED_CODE_UNSPECIFIED, ReasonCode.UNLISTED_CODE_AMBIGUOUS}:
        yield _what_service(number)


def _performed_before(case: Case, number: int, transplant_id: str) -> Question:
    line, known = case.line(number), case.transplant(transplant_id).transplant_date
    before = line.service_date - _DAY
    after = (line.service_date_end or line.service_date) + _DAY

    def performed(day: date) -> Callable[[Case], Case]:
        return lambda c: c.with_transplant(
            transplant_id, status=TransplantStatus.PERFORMED, transplant_date=day
        )

    return Question(
        f"before {line.service_date} {transplant_id}",
        CriterionName.TRANSPLANT_PERFORMED_BEFORE_INFUSION,
        f"was transplant {transplant_id} performed before {line.service_date}?",
        "history: transplant.status and transplant_date",
        (
            Answer("yes", Leaning.MET, performed(min(known or before, before))),
            Answer("no", Leaning.UNMET, performed(max(known or after, after))),
        ),
        transplant_id,
    )


def _allogeneic(_case: Case, _number: int, transplant_id: str) -> Question:
    return _about_transplant(
        transplant_id,
        CriterionName.TRANSPLANT_ALLOGENEIC,
        "was transplant {} allogeneic?",
        "type",
        ("yes", TransplantType.ALLOGENEIC),
        ("no, autologous", TransplantType.AUTOLOGOUS),
    )


def _malignancy(_case: Case, _number: int, transplant_id: str) -> Question:
    return _about_transplant(
        transplant_id,
        CriterionName.TRANSPLANT_FOR_HEMATOLOGIC_MALIGNANCY,
        "what did transplant {} treat?",
        "indication",
        ("a hematologic malignancy", _MALIGNANT),
        ("another disease", _OTHER_DISEASE),
    )


def _necessary(_case: Case, _number: int, transplant_id: str) -> Question:
    return _about_transplant(
        transplant_id,
        CriterionName.TRANSPLANT_MEDICALLY_NECESSARY,
        "was transplant {} medically necessary?",
        "medically_necessary",
        ("yes", True),
        ("no", False),
    )


def _about_transplant(
    transplant_id: str,
    criterion: CriterionName,
    asks: str,
    field: str,
    met: tuple[str, Any],
    unmet: tuple[str, Any],
) -> Question:
    def known(value: Any) -> Callable[[Case], Case]:
        return lambda case: case.with_transplant(transplant_id, **{field: value})

    return Question(
        f"{field} {transplant_id}",
        criterion,
        asks.format(transplant_id),
        f"history: transplant.{field}",
        (
            Answer(met[0], Leaning.MET, known(met[1])),
            Answer(unmet[0], Leaning.UNMET, known(unmet[1])),
        ),
        transplant_id,
    )


def _donor(case: Case, number: int, transplant_id: str) -> Question:
    if case.line(number).donor_id is None:
        return _lymphocyte_donor(case, number)
    ours = case.line(number).donor_id
    return _about_transplant(
        transplant_id,
        CriterionName.SAME_DONOR,
        "who donated the cells of transplant {}?",
        "donor_id",
        (f"the lymphocyte donor of line {number}", ours),
        ("somebody else", _NOBODY),
    )


def _lymphocyte_donor(case: Case, number: int) -> Question:
    """One answer settles it for every transplant, those without a donor on file included."""

    def same_as(chosen: Transplant) -> Callable[[Case], Case]:
        donor = chosen.donor_id or f"(donor of {chosen.transplant_id})"
        return lambda c: c.with_transplant(chosen.transplant_id, donor_id=donor).with_line(
            number, donor_id=donor
        )

    def nobody_on_file(known: Case) -> Case:
        for each in known.transplants:
            if each.donor_id is None:
                donor = f"(donor of {each.transplant_id})"
                known = known.with_transplant(each.transplant_id, donor_id=donor)
        return known.with_line(number, donor_id=_NOBODY)

    on_file = all(each.donor_id for each in case.transplants)
    return Question(
        f"lymphocyte donor {number}",
        CriterionName.SAME_DONOR,
        f"who donated the lymphocytes of line {number}?",
        f"claim: donor_id of line {number}" + ("" if on_file else "; history: transplant.donor_id"),
        (
            *(
                Answer(f"the donor of transplant {each.transplant_id}", Leaning.MET, same_as(each))
                for each in case.transplants
            ),
            Answer("somebody else", Leaning.UNMET, nobody_on_file),
        ),
    )


def _another_transplant(line: ServiceLine) -> Question:
    qualifying = Transplant(
        transplant_id=_UNRECORDED,
        type=TransplantType.ALLOGENEIC,
        status=TransplantStatus.PERFORMED,
        transplant_date=line.service_date - _DAY,
        indication=_MALIGNANT,
        medically_necessary=True,
        donor_id=line.donor_id or _NOBODY,
    )

    def on_file(transplant: Transplant) -> Callable[[Case], Case]:
        def apply(case: Case) -> Case:
            donor = transplant.donor_id
            known = Case(case.claim, (*case.transplants, transplant))
            return known.with_line(line.line_number, donor_id=line.donor_id or donor)

        return apply

    return Question(
        "transplant",
        CriterionName.QUALIFYING_TRANSPLANT,
        "which transplant did the member have?",
        "history: an event for it",
        (
            Answer(
                "an allogeneic one that meets every criterion", Leaning.MET, on_file(qualifying)
            ),
            Answer(
                "an autologous one only",
                Leaning.UNMET,
                on_file(replace(qualifying, type=TransplantType.AUTOLOGOUS)),
            ),
        ),
    )


def _valid_diagnosis(line: ServiceLine, policies: Policies) -> Question:
    def diagnosed(codes: Sequence[str]) -> Callable[[Case], Case]:
        diagnoses = tuple(Icd10Code(code) for code in codes)
        return lambda case: case.with_line(line.line_number, diagnoses=diagnoses)

    return Question(
        f"diagnosis {line.line_number}",
        CriterionName.DIAGNOSIS_LISTED,
        f"which code, valid on {line.service_date}, is the diagnosis of line {line.line_number}?",
        "claim: diagnoses",
        (
            Answer("a listed one", Leaning.MET, diagnosed(_listed_on(line.service_date, policies))),
            Answer("one that is not listed", Leaning.UNMET, diagnosed(("D619",))),
        ),
    )


def _listed_on(day: date, policies: Policies) -> tuple[str, ...]:
    version, table = policies.in_force(day), policies.icd10cm
    for listed in reversed(version.diagnosis_ranges) if version else ():
        row = table.get(listed.first)
        if row is not None and row.valid_on(day):
            return (listed.first,)
    return ()


def _what_service(number: int) -> Question:
    def specified(as_what: SpecifiedAs) -> Callable[[Case], Case]:
        return lambda c: c.with_line(number, specified_as=as_what, procedure_description=None)

    def described(case: Case) -> Case:
        return case.with_line(number, procedure_description="another service")

    return Question(
        f"service {number}",
        CriterionName.GENETIC_MODIFICATION_DESCRIBED,
        f"which service is line {number}?",
        f"claim: specified_as or procedure_description of line {number}",
        (
            Answer(
                "genetic modification of donor lymphocytes",
                Leaning.UNMET,
                specified(SpecifiedAs.GENETIC_MODIFICATION),
            ),
            Answer(
                "collection or cryopreservation of donor lymphocytes",
                Leaning.MET,
                specified(SpecifiedAs.COLLECTION),
            ),
            Answer("none that the guideline speaks of", Leaning.ASIDE, described),
        ),
    )


_Ask = Callable[[Case, int, str], Question]
_ASKED_FOR: dict[CriterionName, _Ask] = {
    CriterionName.TRANSPLANT_PERFORMED_BEFORE_INFUSION: _performed_before,
    CriterionName.TRANSPLANT_ALLOGENEIC: _allogeneic,
    CriterionName.TRANSPLANT_FOR_HEMATOLOGIC_MALIGNANCY: _malignancy,
    CriterionName.TRANSPLANT_MEDICALLY_NECESSARY: _necessary,
    CriterionName.SAME_DONOR: _donor,
}
