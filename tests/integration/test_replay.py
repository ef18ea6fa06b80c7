"""Replays beside a real broker: what they find is what deciding by hand finds, killed or not."""

import asyncio
import random
import re
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import orjson
import pytest
import pytest_asyncio

from stream_app.domain.claim import Claim
from stream_app.errors import MalformedEvent
from stream_app.pipeline.decide import Decider
from stream_app.pipeline.decode import decode_claim, decode_history
from stream_app.pipeline.enrich import MemberHistory, standing_key
from stream_app.policy.load import load_policies
from stream_app.synthetic.population import Stream
from tests.integration.conftest import MakeSystem
from tests.integration.events import Member, claim, history, instant, new_member
from tests.integration.harness import System, Worker, eventually
from tests.integration.load import Load

# Many commands one after the other, each of which starts up: a busy machine takes a while.
pytestmark = pytest.mark.timeout(600)
in_module = pytest.mark.asyncio(loop_scope="module")

Transitions = Counter[tuple[str | None, str | None]]


class Past(NamedTuple):
    """A system whose worker has decided a population, and is gone."""

    system: System
    load: Load


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def past(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Past]:
    word = f"it-replay-{random.SystemRandom().getrandbits(40):x}"
    system = await System.create(kafka, word, tmp_path_factory.mktemp(word))
    try:
        load = Load.of(system, Decider(load_policies()), seed=11, claims=400, incidence=0.9)
        worker = await system.start()
        # Histories first: else an approval may have been given that history came to contradict.
        await load.feed_histories()
        await load.feed_claims()
        await system.settled()
        assert await worker.stop() == 0
        yield Past(system, load)
    finally:
        await system.close()


async def replay(system: System, *arguments: str, **extra: str) -> tuple[int, str]:
    """Run the command to its end; its exit code and all that it printed."""
    process = system.launch("replay", *arguments, **extra)
    await eventually(lambda: not process.running, "the replay ends", or_else=process.tail)
    # No worker: that it ended by itself is no fault.
    system.workers.remove(process)
    return process.process.wait(), process.log


def report_of(folder: Path) -> Any:
    return orjson.loads((folder / "report.json").read_bytes())


def found(folder: Path) -> Transitions:
    """From which outcome to which the report says claims went, those that stayed included."""
    return Counter(
        {
            (each["before"], each["after"]): each["claims"]
            for each in report_of(folder)["transitions"]
            if each["claims"]
        }
    )


def by_hand(load: Load, pinned: str) -> Transitions:
    """The same, by deciding each claim that stands by the policy in force and by one version."""
    policies = load_policies()
    (version,) = (each for each in policies.versions if each.version == pinned)
    version = msgspec.structs.replace(version, effective_from=date.min, effective_through=None)
    deciders = Decider(policies), Decider(msgspec.structs.replace(policies, versions=(version,)))
    members: dict[str, MemberHistory] = {}
    standing: dict[str, Claim] = {}
    for event in load.events:
        try:
            if event.stream is Stream.HISTORY:
                told = decode_history(event.value)
                members.setdefault(told.member_id, MemberHistory()).apply(told)
            elif (heard := decode_claim(event.value)) is not None:
                known = standing.get(heard.claim_id)
                if known is None or standing_key(heard) > standing_key(known):
                    standing[heard.claim_id] = heard
        except MalformedEvent:
            continue
    counts: Transitions = Counter()
    for each in standing.values():
        on_file = members.get(each.member_id, MemberHistory()).on_file()
        before, after = (decider.decide(each, on_file) for decider in deciders)
        if before or after:
            counts[before and before.decision.value, after and after.decision.value] += 1
    return counts


@in_module
async def test_nothing_is_found_and_nothing_touched_when_nothing_changed(
    past: Past, tmp_path: Path
) -> None:
    system, s = past.system, past.system.settings
    groups = {group: await system.committed(group) for group in (s.scope_group, s.adjudicate_group)}
    ends = await system.ends(*system.output_topics, s.in_scope_topic, s.history_drift_topic)
    code, printed = await replay(system, "--job", str(tmp_path))
    report = report_of(tmp_path)
    assert (code, report["changed"], report["irreproducible"]) == (0, 0, 0), printed
    assert report["compared"] == len(past.load.truth.decided - voided(past.load))
    assert groups == {group: await system.committed(group) for group in groups}
    assert ends == await system.ends(*{tp.topic for tp in ends})


def voided(load: Load) -> set[str]:
    """Claims that were decided and then taken back by the platform: nothing to compare."""
    return {
        claim_id
        for claim_id, each in load.truth.standing.items()
        if each.outcome is None and claim_id in load.truth.decided
    }


@in_module
@pytest.mark.parametrize("version", ["2023-06-28", "2024-10-01"])
async def test_changes_are_those_found_by_hand_when_a_version_is_pinned(
    past: Past, tmp_path: Path, version: str
) -> None:
    code, printed = await replay(past.system, "--job", str(tmp_path), "--policy-version", version)
    expected = by_hand(past.load, version)
    assert code == 3, printed
    assert found(tmp_path) == expected
    changed = sum(count for (before, after), count in expected.items() if before != after)
    assert report_of(tmp_path)["changed"] >= changed > 0
    assert {each["cause"]: each["claims"] for each in report_of(tmp_path)["causes"]} == {
        "policy": report_of(tmp_path)["changed"],
        "history": 0,
        "undecided": 0,
        "not_decidable": 0,
    }


@in_module
async def test_core_topic_gives_what_the_in_scope_topic_gives_when_read_instead(
    past: Past, tmp_path: Path
) -> None:
    asked = ("--policy-version", "2024-10-01")
    for source in ("core", "in-scope"):
        await replay(past.system, "--job", str(tmp_path / source), "--source", source, *asked)
    one, other = (report_of(tmp_path / source) for source in ("core", "in-scope"))
    assert one["changes"] == other["changes"]
    assert found(tmp_path / "core") == found(tmp_path / "in-scope")


@in_module
async def test_no_claim_is_decided_twice_when_the_job_is_killed_again_and_again(
    past: Past, tmp_path: Path
) -> None:
    system, job, whole = past.system, tmp_path / "killed", tmp_path / "whole"
    asked = ("--policy-version", "2024-10-01", "--rate", "80")
    booked: dict[int, bytes] = {}
    kills = 0
    while True:
        process = system.launch("replay", "--job", str(job), *asked)

        await eventually(lambda it=process: asyncio.to_thread(has_decided, it), "it decides")
        if not process.running:
            break
        await process.kill()
        kills += 1
        with closing(sqlite3.connect(job / "job.sqlite")) as file:
            now = dict(file.execute("SELECT number, row FROM compared"))
        # What was booked stays as it was; that nothing is booked twice the key sees to.
        assert booked.items() <= now.items()
        assert len(now) > len(booked)
        booked = now
    assert process.process.wait() == 3, process.log
    assert kills > 1
    await replay(system, "--job", str(whole), "--policy-version", "2024-10-01")
    one, other = report_of(job), report_of(whole)
    for report in (one, other):
        for name in ("replay_id", "started_at", "finished_at"):
            del report["job"][name]
    assert one == other
    assert (job / "changes.csv").read_bytes() == (whole / "changes.csv").read_bytes()


def has_decided(process: Worker) -> bool:
    """Whether it booked a claim, or ended without."""
    if not process.running:
        return True
    if process.port is None:
        return False
    said = process.get("/metrics")[1]
    return re.search(r"^cg_trans_03_replay_claims_total [1-9]", said, re.MULTILINE) is not None


@in_module
async def test_reading_goes_on_where_it_was_when_killed_before_anything_is_decided(
    past: Past, tmp_path: Path
) -> None:
    system = past.system
    for attempt in range(3):
        process = system.launch("replay", "--job", str(tmp_path / "job"))
        await asyncio.sleep(1.0 + attempt)
        await process.kill()
    code, printed = await replay(system, "--job", str(tmp_path / "job"))
    await replay(system, "--job", str(tmp_path / "whole"))
    assert code == 0, printed
    one, other = report_of(tmp_path / "job"), report_of(tmp_path / "whole")
    assert found(tmp_path / "job") == found(tmp_path / "whole")
    assert one["job"]["records_read"] == other["job"]["records_read"]


@in_module
async def test_only_claims_asked_for_are_compared_when_selected(past: Past, tmp_path: Path) -> None:
    system = past.system
    await replay(system, "--job", str(tmp_path / "all"))
    everything = found(tmp_path / "all")
    denied = await selected(system, tmp_path / "deny", "--decision", "deny")
    assert denied == everything["deny", "deny"] > 0
    two = await selected(system, tmp_path / "two", "--decision", "deny", "--decision", "pend")
    assert two == everything["deny", "deny"] + everything["pend", "pend"]
    reason = await selected(system, tmp_path / "reason", "--reason", "HISTORY_NOT_FOUND")
    assert 0 < reason <= everything["pend", "pend"]
    ids = sorted(past.load.truth.decided - voided(past.load))[:5]
    (tmp_path / "ids.txt").write_text("\n".join([*ids, "", "nobody"]), encoding="utf-8")
    assert await selected(system, tmp_path / "ids", "--claim", f"@{tmp_path}/ids.txt") == 5
    assert await selected(system, tmp_path / "none", "--claim", "nobody") == 0
    assert await selected(system, tmp_path / "old", "--to", "2001-01-01") == 0
    assert await selected(system, tmp_path / "far", "--from", "999999999") == 0


async def selected(system: System, folder: Path, *asked: str) -> int:
    code, printed = await replay(system, "--job", str(folder), *asked)
    assert code == 0, printed
    compared: int = report_of(folder)["compared"]
    return compared


@in_module
async def test_no_id_is_printed_when_a_job_runs(past: Past, tmp_path: Path) -> None:
    _, printed = await replay(
        past.system, "--job", str(tmp_path), "--policy-version", "2024-10-01", "--rate", "100"
    )
    assert re.search(r"deciding: [\d,]+ of [\d,]+ \(\d+%\), [\d,]+/s, \S+ left", printed)
    members = {
        decode_history(event.value).member_id
        for event in past.load.of_stream(Stream.HISTORY)
        if event.key not in past.load.truth.malformed_history
    }
    assert not [each for each in {*members, *past.load.truth.standing} if each in printed]


@in_module
async def test_folder_is_refused_when_it_holds_a_job_that_was_asked_something_else(
    past: Past, tmp_path: Path
) -> None:
    await replay(past.system, "--job", str(tmp_path), "--claim", "nobody")
    code, printed = await replay(past.system, "--job", str(tmp_path), "--decision", "deny")
    assert code == 2
    assert "asked something else (--claim, --decision)" in printed
    assert "Traceback" not in printed


@pytest.mark.asyncio
async def test_two_times_are_told_apart_when_history_came_in_late(
    make_system: MakeSystem, tmp_path: Path
) -> None:
    """By what was known first the claim pends; that is so however often it is asked today."""
    system = await make_system()
    await system.start()
    member = new_member()
    await system.claims(claim(member))
    (first,) = await system.decided(member.claim_id)
    await system.histories(history(member))
    await system.decided(member.claim_id, 2)
    between = first.event["evaluated_at"].replace("+00:00", "Z")
    assert (await replay(system, "--job", str(tmp_path / "now")))[0] == 0
    code, printed = await replay(
        system, "--job", str(tmp_path / "then"), "--history", "as-of", between
    )
    assert code == 3, printed
    assert found(tmp_path / "then") == Counter({("approve", "pend"): 1})
    causes = {each["cause"]: each["claims"] for each in report_of(tmp_path / "then")["causes"]}
    assert causes["history"] == 1
    (change,) = report_of(tmp_path / "then")["changes"]
    assert change["decision_id_after"] == first.event["decision_id"]


@pytest.mark.asyncio
async def test_event_that_stands_is_the_one_compared_when_a_claim_has_several(
    make_system: MakeSystem, tmp_path: Path
) -> None:
    system = await make_system()
    await system.start()
    replaced, void, late = new_member(), new_member(), new_member()
    await system.histories(*(history(each) for each in (replaced, void, late)))
    await system.settled()
    await feed_one_by_one(
        system,
        replaced,
        claim(replaced),
        claim(replaced, claim_version=2, claim_frequency_code="7", diagnoses=["E11.9"]),
    )
    await feed_one_by_one(
        system,
        void,
        claim(void),
        claim(void, occurred_at=instant(5), claim_frequency_code="8"),
    )
    await feed_one_by_one(
        system, late, claim(late, occurred_at=instant(9)), claim(late, diagnoses=["E11.9"])
    )
    code, printed = await replay(system, "--job", str(tmp_path / "all"))
    assert code == 0, printed
    assert found(tmp_path / "all") == Counter({("deny", "deny"): 1, ("approve", "approve"): 1})
    # The first offset of the replaced claim lies within, the event that stands does not.
    partition, last = max(
        (out.record.partition, out.record.offset)
        for out in await system.read(system.settings.in_scope_topic)
        if out.record.key == replaced.member_id.encode()
    )
    code, printed = await replay(
        system, "--job", str(tmp_path / "cut"), "--claim", replaced.claim_id,
        "--to", f"{partition}:{last}",
    )  # fmt: skip
    assert code == 0
    assert report_of(tmp_path / "cut")["compared"] == 0
    assert "1 more have an event within the bounds that stands no longer" in printed


async def feed_one_by_one(system: System, _member: Member, *events: dict[str, Any]) -> None:
    for event in events:
        await system.claims(event)
        await system.settled()


@pytest.mark.asyncio
async def test_second_run_finds_nothing_when_the_first_was_handed_over(
    make_system: MakeSystem, tmp_path: Path
) -> None:
    system = await make_system()
    worker = await system.start()
    members = [new_member() for _ in range(3)]
    await system.histories(*map(history, members))
    await system.settled()
    for member in members:
        event = claim(member)
        del event["service_lines"][0]["donor_id"]
        await system.claims(event)
        await system.decided(member.claim_id)
    await worker.stop()
    presuming = {"CG_TRANS_03_MISSING_DONOR": "presume_same"}
    await system.start(**presuming)
    dry, again = str(tmp_path / "dry"), str(tmp_path / "again")
    assert await ended(system, "--job", dry, **presuming) == 3
    assert len(await system.decisions()) == 3, "a dry run sent something"
    assert await ended(system, "--job", dry, "--emit", "--rate", "100", **presuming) == 3
    assert report_of(tmp_path / "dry")["job"]["handed_over"] == 3
    for member in members:
        first, second = await system.decided(member.claim_id, 2)
        assert (first.event["decision"], second.event["decision"]) == ("pend", "approve")
        assert second.event["trigger"] == "replay"
        assert second.event["replay_id"] == report_of(tmp_path / "dry")["job"]["replay_id"]
        assert second.event["supersedes"] == first.event["decision_id"]
    assert await ended(system, "--job", dry, "--emit", **presuming) == 3
    assert report_of(tmp_path / "dry")["job"]["handed_over"] == 3, "handed over twice"
    assert await ended(system, "--job", again, "--emit", **presuming) == 0
    assert report_of(tmp_path / "again")["job"]["handed_over"] == 0
    await system.settled()
    assert len(await system.decisions()) == 6


async def ended(system: System, *arguments: str, **extra: str) -> int:
    """The exit code of the command with these settings."""
    return (await replay(system, *arguments, **extra))[0]
