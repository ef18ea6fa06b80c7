"""`cg-trans-03 verify`: redo decisions from their records."""

import asyncio
import sys
from collections.abc import Iterable, Iterator, Sequence

import click
import msgspec

from stream_app.adjudicate.history import read_history
from stream_app.adjudicate.lines import STANDARD, InputFile, InputLine, open_input, whole
from stream_app.cli.options import settings_option
from stream_app.domain.claim import Claim
from stream_app.errors import MalformedEvent, UsageError
from stream_app.logs import set_up_logging
from stream_app.pipeline.decide import Decider
from stream_app.pipeline.decode import decode_claim
from stream_app.policy.load import load_applicability, load_policies
from stream_app.replay.verify import (
    NotADecision,
    Recorded,
    State,
    Verdict,
    read_recorded,
    states_at,
    verify,
)
from stream_app.replay.verify_events import fetch
from stream_app.settings import Settings

_EXIT_DIFFERS = 3


class _Case(msgspec.Struct, frozen=True):
    """One decision, and what it is redone from."""

    claim: Claim | None
    states: Sequence[State]


@click.command("verify")
@click.argument("decisions", metavar="DECISIONS")
@click.option(
    "--history",
    metavar="FILE",
    help="Histories of decisions that 'adjudicate' made from files. Of others Kafka's are taken.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a decision.")
@settings_option
def command(decisions: str, history: str | None, settings: Settings, as_json: bool) -> None:
    r"""Redo decisions from their records, and say the same or what differs.

    DECISIONS is a file with one decision event, or with one a line; - is standard input. The
    claim event is fetched from where the decision says that it lies (or, where retention has
    taken it, its copy in the in-scope topic), the member's transplant history is taken as it was
    known when the decision was made, and the claim is decided by the settings and the policy of
    this command. The same decision_id means that nothing it rests on is another.

    A history record bears the platform's time, not that of its being taken in. Where the id is
    that of a history somewhat earlier or later, it is the same decision, and the line says so.

    No member and no claim is named in what is printed.

    \b
    Exit codes: 0 all the same; 3 something differs, or cannot be redone any more;
    2 a usage or file error; 1 it failed.

    \b
    Examples:
      cg-trans-03 verify decision.json
      kafka-console-consumer.sh ... --topic cg-trans-03.deny | cg-trans-03 verify -
      cg-trans-03 verify decisions.jsonl --history history.jsonl --json
    """
    if decisions == history == STANDARD:
        raise click.UsageError("decisions and history cannot both come from standard input")
    policies = load_policies(settings.policy_dir)
    decider = Decider(policies, load_applicability(settings.applicability_file), settings.decision)
    set_up_logging("ERROR", settings.log_format)
    recorded = _recorded(decisions)
    held = {version.version for version in policies.versions}
    same = 0
    for each, case in zip(recorded, _cases(recorded, history, settings), strict=True):
        verdict = verify(each, case.claim, case.states, decider, held)
        same += verdict.same
        click.echo(msgspec.json.encode(verdict) if as_json else _line(verdict))
    if len(recorded) > 1 and not as_json:
        click.echo(
            f"{len(recorded):,} decisions: {same:,} the same, {len(recorded) - same:,} not",
            err=True,
        )
    sys.exit(0 if same == len(recorded) else _EXIT_DIFFERS)


def _recorded(name: str) -> list[Recorded]:
    with open_input(name) as file:
        lines = list(file.lines())
        if not lines:
            raise UsageError(f"{name}: is empty; it must hold a decision event as JSON")
        try:
            first = msgspec.json.decode(lines[0].value)
        except msgspec.DecodeError:
            # One event, laid out over several lines.
            text = b"\n".join(line.value for line in lines)
            lines, first = [InputLine(lines[0].number, text, len(text), len(text))], None
        if isinstance(first, list):
            raise UsageError(f"{name}: holds a JSON array; \"jq -c '.[]'\" makes one event a line")
        return [_read(name, line) for line in lines]


def _read(name: str, line: InputLine) -> Recorded:
    try:
        return read_recorded(line.value)
    except NotADecision as fault:
        raise UsageError(f"{name}: line {line.number}: {fault}") from None


def _cases(
    recorded: Sequence[Recorded], history: str | None, settings: Settings
) -> Iterator[_Case]:
    """What each decision is redone from, in their order."""
    from_files = [each for each in recorded if each.source.topic is None]
    if from_files and history is None:
        raise UsageError(
            "a decision was made from files; name the histories that it was made with (--history)"
        )
    if history is not None and not from_files:
        raise UsageError("--history is for decisions that were made from files, and none was")
    known = _files(history) if history is not None else {}
    lines = _lines(from_files)
    in_kafka = [each for each in recorded if each.source.topic is not None]
    fetched = asyncio.run(fetch(settings, in_kafka)) if in_kafka else None
    for each in recorded:
        if each.source.topic is None or fetched is None:
            claim = lines.get((each.source.file or "", each.source.line or 0))
            state = known.get(each.member_id, State(()))
            yield _Case(claim if each.is_of(claim) else None, [state])
        else:
            yield _Case(fetched.claim_of(each), states_at(fetched.history_of(each), each.at))


def _files(history: str) -> dict[str, State]:
    with open_input(history) as file:
        members = read_history(file, lambda _letter: None)
    return {member_id: State(known.on_file()) for member_id, known in members.items()}


def _lines(recorded: Iterable[Recorded]) -> dict[tuple[str, int], Claim]:
    """The claims at these lines of files, as many as are there."""
    wanted: dict[str, set[int]] = {}
    for each in recorded:
        wanted.setdefault(each.source.file or "", set()).add(each.source.line or 0)
    found: dict[tuple[str, int], Claim] = {}
    for name, numbers in wanted.items():
        if name == STANDARD:
            continue  # it has gone by
        with open_input(name) as file:
            found |= {
                (name, line.number): claim
                for line in _at(file, numbers)
                if (claim := _claim(line)) is not None
            }
    return found


def _at(file: InputFile, numbers: set[int]) -> Iterator[InputLine]:
    last = max(numbers)
    for line in file.lines():
        if line.number in numbers:
            yield line
        if line.number >= last:
            return


def _claim(line: InputLine) -> Claim | None:
    try:
        return decode_claim(whole(line))
    except MalformedEvent:
        return None


def _line(verdict: Verdict) -> str:
    if not verdict.same:
        text = "; ".join(difference.text for difference in verdict.differences)
        return f"differs  {verdict.decision_id}  {text}"
    notes = []
    if verdict.without_ms:
        notes.append(
            f"without history that had come in up to {verdict.without_ms / 1000:,.3f} s before"
        )
    if verdict.with_ms:
        notes.append(f"with history that came in up to {verdict.with_ms / 1000:,.3f} s after")
    note = f"  decided {' and '.join(notes)}" if notes else ""
    return f"same     {verdict.decision_id}{note}"
