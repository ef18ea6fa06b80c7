"""Plain words for criteria, their evidence and X12 codes. All of them our own."""

from collections.abc import Callable, Mapping
from typing import Any

from stream_app.domain.decision import Criterion
from stream_app.domain.vocabulary import CriterionName as Name

Evidence = Mapping[str, Any]

CRITERIA: Mapping[str, str] = {
    Name.GUIDELINE_ADOPTED: "guideline adopted for this claim",
    Name.POLICY_VERSION_IN_FORCE: "a version was in force",
    Name.NOTHING_TAKES_PRECEDENCE: "nothing takes precedence",
    Name.GENETIC_MODIFICATION_SPECIFIED: "specified as genetic modification",
    Name.SPECIFICATION_CONSISTENT: "specification fits code and description",
    Name.GENETIC_MODIFICATION_DESCRIBED: "described as genetic modification",
    Name.DIAGNOSIS_LISTED: "a listed diagnosis on the line",
    Name.TRANSPLANT_PERFORMED_BEFORE_INFUSION: "performed before the infusion",
    Name.TRANSPLANT_ALLOGENEIC: "allogeneic",
    Name.TRANSPLANT_FOR_HEMATOLOGIC_MALIGNANCY: "for a hematologic malignancy",
    Name.TRANSPLANT_MEDICALLY_NECESSARY: "medically necessary",
    Name.SAME_DONOR: "same donor",
    Name.QUALIFYING_TRANSPLANT: "some transplant meets all of it",
    Name.TRANSPLANT_NOT_CANCELLED: "not cancelled",
    Name.NO_DONOR_MISMATCH: "not known to be another donor's",
}

NEUTRAL = frozenset({Name.GENETIC_MODIFICATION_SPECIFIED, Name.GENETIC_MODIFICATION_DESCRIBED})
"""Criteria whose falsehood speaks for nothing and against nothing."""

GROUPS: Mapping[str, str] = {
    "CO": "falls to the provider under its contract",
    "OA": "falls to neither side as yet",
}
CARCS: Mapping[str, str] = {
    "16": "something on the claim is missing or wrong",
    "50": "found not medically necessary",
    "133": "held until a person has looked at it",
    "146": "a diagnosis code that did not exist on the day of service",
    "167": "no diagnosis that the service is covered for",
    "252": "records are needed before it can be decided",
}
RARCS: Mapping[str, str] = {
    "M51": "check the procedure code",
    "M76": "check the diagnosis code",
    "M127": "send the medical record",
    "N130": "the plan's guideline tells of the restriction",
    "N350": "say what the unlisted code stands for",
    "N674": "another service has to come first",
}
CATEGORIES: Mapping[str, str] = {
    "P1": "in process, something is asked for",
    "P2": "a person reviews it",
}

_FINDINGS = {
    "listed": "listed in {range}",
    "beside_listed_range": "valid, in a listed category, outside the range as printed",
    "unlisted_hematologic_malignancy": "a hematologic malignancy, not listed",
    "invalid_on_service_date": "not a valid code on that day",
    "not_listed": "not listed",
}


def clean(value: object) -> str:
    """A value as text that cannot steer a terminal: control characters become U+FFFD."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(value))


def evidence(criterion: Criterion) -> str:
    """What was looked at, in a phrase."""
    return clean(_EVIDENCE[criterion.criterion](criterion.evidence))


def _given(value: object, otherwise: str = "not given") -> str:
    return otherwise if value is None else str(value)


def _adopted(found: Evidence) -> str:
    parts = [("line of business", "line_of_business"), ("plan", "plan_id"), ("state", "state")]
    return ", ".join(f"{word} {_given(found[key])}" for word, key in parts)


def _in_force(found: Evidence) -> str:
    return f"{_given(found['policy_version'], 'none')} on {found['service_date']}"


def _precedence(found: Evidence) -> str:
    return ", ".join(found["takes_precedence"]).replace("_", " ") or "nothing configured"


def _specified(found: Evidence) -> str:
    return f"code {found['procedure_code']}, specified_as {_given(found['specified_as'])}"


def _described(found: Evidence) -> str:
    return f"description: {_given(found['procedure_description'])}"


def _consistent(found: Evidence) -> str:
    return f"{_specified(found)}, {_described(found)}"


def _diagnoses(found: Evidence) -> str:
    return "; ".join(
        f"{each['code']} {_FINDINGS[each['finding']].format(range=each['range'])}"
        for each in found["diagnoses"]
    )


def _performed(found: Evidence) -> str:
    end = found["service_date_end"]
    service = f"service {found['service_date']}" + (f" to {end}" if end else "")
    status = _given(found["status"], "no status")
    return f"{status}, {_given(found['transplant_date'], 'no date')}; {service}"


def _necessary(found: Evidence) -> str:
    words = {True: "determined so", False: "determined not to be", None: "not determined"}
    return words[found["medically_necessary"]]


def _donors(found: Evidence) -> str:
    presumed = ", presumed the same" if found.get("presumed_same") else ""
    return (
        f"transplant {_given(found['transplant_donor_id'])}, "
        f"lymphocytes {_given(found['lymphocyte_donor_id'])}{presumed}"
    )


def _qualifying(found: Evidence) -> str:
    count = found["transplants_on_file"]
    closest = found["closest"]
    return f"{count} on file" + (f", {closest} decides" if closest and count > 1 else "")


_EVIDENCE: Mapping[str, Callable[[Evidence], str]] = {
    Name.GUIDELINE_ADOPTED: _adopted,
    Name.POLICY_VERSION_IN_FORCE: _in_force,
    Name.NOTHING_TAKES_PRECEDENCE: _precedence,
    Name.GENETIC_MODIFICATION_SPECIFIED: _specified,
    Name.SPECIFICATION_CONSISTENT: _consistent,
    Name.GENETIC_MODIFICATION_DESCRIBED: _described,
    Name.DIAGNOSIS_LISTED: _diagnoses,
    Name.TRANSPLANT_PERFORMED_BEFORE_INFUSION: _performed,
    Name.TRANSPLANT_ALLOGENEIC: lambda found: f"type {_given(found['type'])}",
    Name.TRANSPLANT_FOR_HEMATOLOGIC_MALIGNANCY: (
        lambda found: f"indication {_given(found['indication'])}"
    ),
    Name.TRANSPLANT_MEDICALLY_NECESSARY: _necessary,
    Name.SAME_DONOR: _donors,
    Name.QUALIFYING_TRANSPLANT: _qualifying,
    Name.TRANSPLANT_NOT_CANCELLED: lambda found: f"status {_given(found['status'])}",
    Name.NO_DONOR_MISMATCH: _donors,
}
