"""The cases of tests/cases: facts in, outcome and reasons out. Their README tells the format."""

from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Literal

import msgspec
import pytest
from ruamel.yaml import YAML

from stream_app.domain.claim import Claim, ClaimFrequency, ServiceLine, SpecifiedAs
from stream_app.domain.codes import dotted
from stream_app.domain.decision import Decision, LineDecision
from stream_app.domain.history import Transplant, TransplantStatus, TransplantType
from stream_app.domain.instant import Instant
from stream_app.domain.vocabulary import ReasonCode
from stream_app.pipeline.decide import Decider
from stream_app.pipeline.fields import diagnosis
from stream_app.policy.applicability import Applicability, ApplicabilityRow
from stream_app.policy.load import load_policies
from stream_app.rules.settings import DecisionSettings

FOLDER = Path(__file__).parents[2] / "cases"
POLICIES = load_policies()
Unset = msgspec.UnsetType


class LineFacts(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    line_number: int | None = None
    procedure_code: str = "38242"
    service_date: date = date(2025, 3, 10)
    service_date_end: date | None = None
    diagnoses: tuple[str, ...] = ("C92.10",)
    procedure_description: str | None = None
    specified_as: SpecifiedAs | None = None
    donor_id: str | None = "D1"


class TransplantFacts(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    transplant_id: str | None = None
    type: TransplantType | None = TransplantType.ALLOGENEIC
    status: TransplantStatus | None = TransplantStatus.PERFORMED
    conditioning: str | None = "myeloablative"
    transplant_date: date | None = date(2024, 6, 1)
    indication: str | None = "C92.10"
    medically_necessary: bool | None = True
    donor_id: str | None = "D1"


class ClaimFacts(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    line_of_business: str | None = None
    plan_id: str | None = None
    state: str | None = None
    frequency: ClaimFrequency = ClaimFrequency.ORIGINAL


class Row(ApplicabilityRow, forbid_unknown_fields=True, frozen=True):
    pass


class Settings(DecisionSettings, forbid_unknown_fields=True, frozen=True):
    pass


class Case(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    case: str
    decision: Literal["approve", "deny", "pend", "none"]
    line: LineFacts | Unset = msgspec.UNSET
    lines: list[LineFacts] | Unset = msgspec.UNSET
    transplant: TransplantFacts | Unset = msgspec.UNSET
    transplants: list[TransplantFacts] | Unset = msgspec.UNSET
    claim: ClaimFacts = ClaimFacts()
    settings: Settings = Settings()
    applicability: list[Row] = []
    adopted_by_default: bool = True
    reasons: list[ReasonCode] | Unset = msgspec.UNSET
    version: str | Unset | None = msgspec.UNSET
    adjustment: str | Unset = msgspec.UNSET
    status: str | Unset = msgspec.UNSET
    facts: dict[str, bool | Literal["unknown"]] = {}
    findings: dict[str, str] = {}
    outcomes: dict[int, list[str]] | Unset = msgspec.UNSET

    def decide(self) -> Decision | None:
        given = self.lines or [] if self.line is msgspec.UNSET else [self.line]
        if self.line is msgspec.UNSET and self.lines is msgspec.UNSET:
            given = [LineFacts()]
        on_file = self.transplants if self.transplants is not msgspec.UNSET else [self.transplant]
        claim = Claim(
            event_id="event",
            occurred_at=Instant(0, 0),
            claim_id="claim",
            member_id="member",
            lines=tuple(_line(facts, number) for number, facts in enumerate(given, 1)),
            **msgspec.structs.asdict(self.claim),
        )
        applicability = Applicability(tuple(self.applicability), self.adopted_by_default)
        return decider(applicability, self.settings).decide(
            claim, [_transplant(t, n) for n, t in enumerate(on_file, 1)]
        )


@lru_cache
def decider(applicability: Applicability, settings: DecisionSettings) -> Decider:
    return Decider(POLICIES, applicability, settings)


def _line(facts: LineFacts, number: int) -> ServiceLine:
    fields = msgspec.structs.asdict(facts)
    fields["line_number"] = facts.line_number or number
    fields["diagnoses"] = tuple(diagnosis(code) for code in facts.diagnoses)
    return ServiceLine(**fields)


def _transplant(facts: TransplantFacts | Unset, number: int) -> Transplant:
    if isinstance(facts, Unset):
        facts = TransplantFacts()
    fields = msgspec.structs.asdict(facts)
    fields["transplant_id"] = facts.transplant_id or f"T{number}"
    return Transplant(**fields)


def load(path: Path) -> list[Case]:
    class File(msgspec.Struct, forbid_unknown_fields=True):
        subject: str
        cases: list[Case]

    return msgspec.convert(YAML(typ="safe", pure=True).load(path), File).cases


CASES = {
    f"{path.stem}: {case.case}": case
    for path in sorted(FOLDER.glob("*.yaml"))
    for case in load(path)
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_case(case: Case) -> None:
    decision = case.decide()
    if case.decision == "none":
        assert decision is None
        return
    assert decision is not None
    assert decision.decision == case.decision
    if case.outcomes is not msgspec.UNSET:
        assert {
            line.line_number: [line.decision, *(reason.code for reason in line.reasons)]
            for line in decision.lines
        } == case.outcomes
    else:
        (line,) = decision.lines
        check_line(case, line)


def check_line(case: Case, line: LineDecision) -> None:
    if case.reasons is not msgspec.UNSET:
        assert [reason.code for reason in line.reasons] == case.reasons
    if case.version is not msgspec.UNSET:
        assert line.policy_version == case.version
    if case.adjustment is not msgspec.UNSET:
        assert line.adjustment is not None
        codes = (line.adjustment.group, line.adjustment.carc, *line.adjustment.rarc)
        assert " ".join(codes) == case.adjustment
    if case.status is not msgspec.UNSET:
        assert line.claim_status is not None
        assert line.claim_status.category == case.status
    truths = {
        criterion.criterion: "unknown" if criterion.value is None else criterion.value
        for criterion in line.criteria
    }
    assert {name: truths.get(name) for name in case.facts} == case.facts
    diagnoses = [
        found
        for criterion in line.criteria
        if criterion.criterion == "diagnosis_listed"
        for found in criterion.evidence["diagnoses"]
    ]
    findings = {found["code"]: found["finding"] for found in diagnoses}
    assert {code: findings.get(code) for code in case.findings} == case.findings
    assert len(findings) == len(diagnoses), "each code is shown once"


def test_every_reason_code_is_reached_by_some_case() -> None:
    reached = {
        reason.code
        for case in CASES.values()
        if (decision := case.decide()) is not None
        for line in decision.lines
        for reason in line.reasons
    }
    assert reached == {code.value for code in ReasonCode}


def test_no_two_cases_share_a_sentence() -> None:
    sentences = [case.case for path in FOLDER.glob("*.yaml") for case in load(path)]
    assert len(sentences) == len(set(sentences))
    assert len(sentences) >= 120


def test_a_case_with_an_unknown_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "misspelt.yaml"
    path.write_text("subject: s\ncases:\n  - {case: c, decision: pend, reason: [DONOR_UNKNOWN]}\n")
    with pytest.raises(msgspec.ValidationError, match="reason"):
        load(path)


def test_evidence_spells_codes_as_printed() -> None:
    decision = Case(case="", decision="approve").decide()
    assert decision is not None
    evidence = next(c for c in decision.lines[0].criteria if c.criterion == "diagnosis_listed")
    assert evidence.evidence["diagnoses"][0]["code"] == dotted(diagnosis("c9210"))
