"""The report's numbers as sentences, and what its words mean."""

from collections.abc import Iterator, Mapping, Sequence

from stream_app.domain.decision import Outcome
from stream_app.replay.compared import Cause
from stream_app.replay.diff_model import JobFacts, Report, Transition

OUTCOMES: Mapping[Outcome | None, str] = {
    Outcome.APPROVE: "approve",
    Outcome.DENY: "deny",
    Outcome.PEND: "pend",
    None: "none",
}
CAUSES: Mapping[Cause, str] = {
    Cause.POLICY: "policy",
    Cause.HISTORY: "history",
    Cause.UNDECIDED: "undecided",
    Cause.NOT_DECIDABLE: "not decidable",
}
CAUSES_MEAN: Mapping[Cause, str] = {
    Cause.POLICY: (
        "With what was known when the claim was decided, this version of the guideline, these "
        "settings or this software decide otherwise."
    ),
    Cause.HISTORY: (
        "What is on file of the member's transplants is not what it was when the claim was decided."
    ),
    Cause.UNDECIDED: "No decision on the claim was found, or on an earlier version of it only.",
    Cause.NOT_DECIDABLE: (
        "The claim was decided, and now it would not be: it is void, or the guideline does not "
        "apply to it."
    ),
}

_NOUNS = {
    Outcome.APPROVE: ("an approval", "approval", "approvals"),
    Outcome.DENY: ("a denial", "denial", "denials"),
    Outcome.PEND: ("a pend", "pended claim", "pended claims"),
}
_VERBS = {
    Outcome.APPROVE: "be approved",
    Outcome.DENY: "be denied",
    Outcome.PEND: "pend",
}


def share(part: int, whole: int) -> str:
    """A percentage that is never rounded to nothing or to all."""
    if part in {0, whole}:
        return "100\u00a0%" if part else "0\u00a0%"
    percent = 100 * part / whole
    if part and percent < 0.1:
        return "under\u00a00.1\u00a0%"
    if part < whole and percent > 99.9:
        return "over\u00a099.9\u00a0%"
    return f"{percent:.1f}\u00a0%"


def headline(report: Report) -> str:
    """What was found, in one sentence."""
    if not report.compared:
        return "No claim was found within what was asked for"
    claims = count(report.compared, "claim")
    if not report.changed:
        return f"Of {claims}, none would be decided otherwise"
    return (
        f"Of {claims}, {report.changed:,} ({share(report.changed, report.compared)}) "
        "would be decided otherwise"
    )


def kinds(transitions: Sequence[Transition]) -> Iterator[tuple[Transition, str]]:
    """Each kind of change that there is, the most frequent first, in words."""
    for cell in sorted(transitions, key=lambda cell: -cell.changed):
        if cell.changed:
            yield cell, _kind(cell)


def _kind(cell: Transition) -> str:
    number = cell.changed
    if cell.before is None:
        claims = "claim without a decision" if number == 1 else "claims without a decision"
        verb = "change" if cell.after is None else _VERBS[cell.after]
        return f"{claims} would {verb}"
    noun = _NOUNS[cell.before][1 if number == 1 else 2]
    if cell.after is None:
        return f"{noun} would no longer be decided"
    if cell.after is cell.before:
        return f"{noun} would stay so, for other reasons"
    return f"{noun} would {_VERBS[cell.after]}"


def count(number: int, noun: str) -> str:
    """1 claim, 2 claims."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def asked(facts: JobFacts) -> Iterator[tuple[str, str]]:
    """What the job was asked to do, in words."""
    asked_for = facts.selection
    source = "in-scope claims" if facts.source == "in-scope" else "all claims, scanned"
    yield "Claims read from", f"{facts.topic} ({source})"
    start = asked_for.start or "the beginning"
    end = asked_for.end or "what there was when the job began"
    yield "Within", f"from {start} to {end}"
    yield "Of these", "; ".join(_narrowed(facts)) or "all claims"
    if facts.claims_moved_on:
        left_out = count(facts.claims_moved_on, "claim")
        yield "Left out", f"{left_out} whose event within these bounds stands no longer"
    yield "Compared with", "the last decision of each claim on " + ", ".join(facts.decision_topics)
    yield "Guideline", _policy(facts)
    yield (
        "Transplant history",
        "as it is on file now"
        if facts.history_as_of is None
        else f"as it was known at {facts.history_as_of}",
    )


def _narrowed(facts: JobFacts) -> Iterator[str]:
    asked_for = facts.selection
    if asked_for.members:
        yield f"those of {count(asked_for.members, 'member')} named"
    if asked_for.claims:
        yield f"{count(asked_for.claims, 'claim')} named"
    if asked_for.decisions:
        yield "decided before: " + " or ".join(asked_for.decisions)
    if asked_for.reasons:
        yield "for the reason " + " or ".join(asked_for.reasons)


def _policy(facts: JobFacts) -> str:
    versions = ", ".join(each.version for each in facts.policy_versions)
    match facts.policy:
        case "pinned":
            return f"version {versions}, whatever the date of service"
        case "draft":
            return f"a draft that is not in force (versions {versions})"
        case "in-force":
            return f"the version in force on each date of service ({versions})"
