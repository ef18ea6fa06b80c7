"""An explanation for a person: coloured on a terminal, plain text elsewhere."""

from collections.abc import Iterator
from itertools import groupby

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from stream_app.domain.claim import Claim, ServiceLine
from stream_app.domain.decision import GUIDELINE, Criterion, LineDecision, Outcome
from stream_app.explain.explanation import Aside, Explanation, Status
from stream_app.explain.missing import Change, Changes
from stream_app.explain.words import (
    CARCS,
    CATEGORIES,
    CRITERIA,
    GROUPS,
    NEUTRAL,
    RARCS,
    clean,
    evidence,
)

_COLOURS = {Outcome.APPROVE: "green", Outcome.DENY: "red", Outcome.PEND: "yellow"}
_SHOWN = 4
"""Alternatives shown of one outcome; --json has them all."""

_UNDECIDED = {
    Status.OUT_OF_SCOPE: (
        "OUT OF SCOPE",
        (
            "No line has code 38242 or 86999, and none has specified_as. The service counts such "
            "a claim, checks nothing else about it and sends nothing."
        ),
    ),
    Status.VOID: (
        "VOID",
        "Frequency code 8: the claim is withdrawn. It stands void, without a decision.",
    ),
    Status.NOT_APPLICABLE: (
        "NOT APPLICABLE",
        "The guideline applies to no line of this claim, so that there is no decision.",
    ),
}


class Writer:
    """Puts explanations into words for one console."""

    def __init__(self, console: Console) -> None:
        self._console = console
        unicode = console.encoding.lower().startswith("utf")
        yes, no = ("✓", "✗") if unicode else ("+", "-")
        self._marks = {True: (yes, "green"), False: (no, "red"), None: ("?", "yellow")}

    def write(self, explanation: Explanation) -> None:
        """Prints the whole explanation."""
        for part in self._parts(explanation):
            self._console.print(part)

    def _parts(self, explanation: Explanation) -> Iterator[RenderableType]:
        claim, decision = explanation.claim, explanation.decision
        if claim is not None:
            yield _head(claim)
        if explanation.error is not None:
            yield Text.assemble(("MALFORMED", "bold red"), f"  {explanation.error}")
            yield Text("The worker sends such an event to the dead-letter topic, undecided.")
        elif decision is None or claim is None:
            title, words = _UNDECIDED[explanation.status]
            yield Text(title, "bold")
            yield Text(words)
        else:
            yield Text.assemble(_outcome(decision.decision), f"  by {GUIDELINE}")
            lines = {line.line_number: line for line in claim.lines}
            for line in decision.lines:
                yield Text()
                yield from self._line(line, lines[line.line_number])
                yield from _changes(line.decision, explanation.by_line[line.line_number], "line")
            if len(decision.lines) > 1 and decision.decision is Outcome.PEND:
                yield Text()
                yield Text(f"The claim: {len(decision.lines)} lines decided", "bold")
                yield from _changes(decision.decision, explanation.of_claim, "claim")
        for aside in explanation.asides:
            yield Text()
            yield from _aside(aside)

    def _line(self, line: LineDecision, billed: ServiceLine) -> Iterator[RenderableType]:
        days = str(billed.service_date)
        if billed.service_date_end and billed.service_date_end != billed.service_date:
            days += f" to {billed.service_date_end}"
        version = f"version {line.policy_version}" if line.policy_version else "no version in force"
        title = f"Line {line.line_number}, code {line.procedure_code}, {days}, {version}: "
        yield Text.assemble((title, "bold"), _outcome(line.decision))
        for reason in line.reasons:
            yield _indent(Text(f"{reason.text}"))
            yield _indent(Text(f"{reason.code}; section: {reason.section}", "dim"), 4)
        yield _indent(self._criteria(line))
        codes = Table.grid(padding=(0, 2))
        for name, words in _codes(line):
            codes.add_row(name, words)
        if codes.row_count:
            yield _indent(codes)

    def _criteria(self, line: LineDecision) -> Group:
        table = Table.grid(padding=(0, 1), collapse_padding=True)
        table.add_column(no_wrap=True, width=1)
        table.add_column(min_width=40)
        table.add_column()
        for transplant_id, facts in groupby(line.criteria, _transplant_of):
            if transplant_id is not None:
                table.add_row("", Text(clean(f"transplant {transplant_id}"), "dim"), "")
            for fact in facts:
                table.add_row(*self._criterion(fact, indented=transplant_id is not None))
        return Group(table)

    def _criterion(self, fact: Criterion, *, indented: bool) -> tuple[Text, Text, Text]:
        mark, colour = self._marks[fact.value]
        style = "dim" if fact.criterion in NEUTRAL and fact.value is False else colour
        words = CRITERIA[fact.criterion]
        return Text(mark, style), Text(f"  {words}" if indented else words), Text(evidence(fact))


def _head(claim: Claim) -> Text:
    words = f"Claim {claim.claim_id}, version {claim.claim_version}, member {claim.member_id}"
    return Text(clean(words), "bold")


def _outcome(outcome: Outcome | None) -> tuple[str, str]:
    if outcome is None:
        return "NO DECISION", "bold"
    return outcome.value.upper(), f"bold {_COLOURS[outcome]}"


def _transplant_of(criterion: Criterion) -> str | None:
    transplant_id = criterion.evidence.get("transplant_id")
    return None if transplant_id is None else str(transplant_id)


def _codes(line: LineDecision) -> Iterator[tuple[Text, Text]]:
    """On a pend the adjustment is a hint for the request that follows, and says so."""
    if line.adjustment is not None:
        adjustment = line.adjustment
        named = [
            (adjustment.group, GROUPS.get(adjustment.group)),
            (f"CARC {adjustment.carc}", CARCS.get(adjustment.carc)),
            *((f"RARC {rarc}", RARCS.get(rarc)) for rarc in adjustment.rarc),
        ]
        words = "; ".join(f"{code}: {meaning}" if meaning else code for code, meaning in named)
        yield Text("835 hint" if line.decision is Outcome.PEND else "835", "dim"), Text(words)
    if line.claim_status is not None:
        category = line.claim_status.category
        yield Text("277", "dim"), Text(f"{category}: {CATEGORIES.get(category, 'see X12')}")


def _changes(outcome: Outcome, changes: Changes, what: str) -> Iterator[RenderableType]:
    if outcome is not Outcome.PEND:
        yield _indent(Text(f"No missing fact would change this {what}: what is known decides it."))
        return
    if changes.found:
        yield _indent(Text(f"The fewest missing facts that would change this {what}:"))
    elif changes.complete:
        yield _indent(Text(f"No missing fact would change this {what}: a person decides it."))
    for to, group in groupby(sorted(changes.found, key=_target), lambda change: change.to):
        alternatives = list(group)
        for index, change in enumerate(alternatives[:_SHOWN]):
            lead = Text.assemble(_outcome(to), " if") if index == 0 else Text("or if")
            yield _indent(_facts(lead, change), 4)
        if len(alternatives) > _SHOWN:
            yield _indent(Text(f"or {len(alternatives) - _SHOWN} more (see --json)", "dim"), 4)
    if not changes.complete:
        yield _indent(Text("So much is unknown that not every set was tried.", "dim"))


def _target(change: Change) -> int:
    order: list[Outcome | None] = [Outcome.APPROVE, Outcome.DENY, None]
    return order.index(change.to)


def _facts(lead: Text, change: Change) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(min_width=14)
    table.add_column()
    for fact in change.facts:
        words = Text.assemble(
            clean(fact.question.asks), " ", (clean(fact.answer.says), "bold"),
            (f"  ({fact.question.field})", "dim"),
        )  # fmt: skip
        table.add_row(lead, words)
        lead = Text("and")
    return table


def _aside(aside: Aside) -> Iterator[RenderableType]:
    line = aside.line
    yield Text(f"Line {line.line_number}, code {line.procedure_code}: NOT APPLICABLE", "bold")
    yield _indent(
        Text(
            "Its description speaks of a service that the guideline does not."
            if aside.adopted
            else "The plan has not adopted the guideline on that date."
        )
    )


def _indent(part: RenderableType, by: int = 2) -> Padding:
    return Padding(part, (0, 0, 0, by))
