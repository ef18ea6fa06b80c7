"""What a job keeps: one job a folder, all or nothing, the owner's eyes only."""

import contextlib
import stat
from pathlib import Path

import orjson
import pytest

from stream_app.domain.instant import Instant
from stream_app.errors import UsageError
from stream_app.replay.gather import Claims, Decisions, Histories, sortable
from stream_app.replay.job_file import NAME, JobFile, Phase
from stream_app.replay.question import Question
from stream_app.replay.reading import Chunk, Span
from stream_app.worker.scope_app import erasure_key, history_key
from tests.integration.events import Member, claim, history, instant

MEMBER = Member("M-1", "C-1", "T-1")
ASKED = {"--decision": "deny", "--member": "x"}


class Record:
    """As aiokafka delivers one."""

    def __init__(self, offset, value, *, key=None, headers=(), timestamp=0):
        self.offset, self.key, self.headers, self.timestamp = offset, key, headers, timestamp
        self.value = value if value is None else orjson.dumps(value)


@pytest.fixture
def job(tmp_path: Path):
    file = JobFile(tmp_path / "job", ASKED)
    yield file
    file.close()


def take(job: JobFile, gatherer, *records: Record) -> None:
    with job.writing():
        gatherer(Chunk(0, records, len(records)))


def standing(job: JobFile) -> list[tuple[int, int]]:
    return job.db.execute("SELECT offset, chosen FROM claims ORDER BY number").fetchall()


def test_job_goes_on_when_its_folder_is_opened_again(job, tmp_path):
    name = job.replay_id
    with job.writing():
        job.note("phase", Phase.HISTORY)
        job.begin("claims", [Span(0, 3, 9)])
        job.reached("claims", 0, 5)
    job.close()
    again = JobFile(tmp_path / "job", ASKED)
    assert (again.replay_id, again.phase, again.left("claims")) == (
        name,
        Phase.HISTORY,
        [Span(0, 5, 9)],
    )
    again.close()


def test_nothing_is_kept_when_a_chunk_fails_half_way(job):
    with job.writing():
        job.begin("claims", [Span(0, 0, 9)])
    with contextlib.suppress(RuntimeError), job.writing():
        job.reached("claims", 0, 5)
        raise RuntimeError
    assert job.left("claims") == [Span(0, 0, 9)]


def test_folder_is_refused_when_its_job_was_asked_something_else(job, tmp_path):
    job.close()
    with pytest.raises(UsageError, match=r"asked something else \(--decision\)"):
        JobFile(tmp_path / "job", ASKED | {"--decision": "pend"})


def test_folder_is_refused_while_another_process_works_on_it(job, tmp_path):
    with pytest.raises(UsageError, match="another process works on this job"):
        JobFile(tmp_path / "job", ASKED)


def test_file_is_refused_when_it_is_no_job(tmp_path):
    (tmp_path / NAME).write_text("something of mine " * 100, encoding="utf-8")
    with pytest.raises(UsageError, match="is no job file"):
        JobFile(tmp_path, ASKED)
    assert (tmp_path / NAME).read_text(encoding="utf-8").startswith("something of mine")


def test_only_the_owner_may_read_when_a_job_is_made(job):
    for path in job.folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


@pytest.mark.parametrize(
    ("first", "second", "offset"),
    [
        ({}, {"claim_version": 2}, 1),
        ({"claim_version": 10}, {"claim_version": 9}, 0),
        ({}, {"occurred_at": instant(1)}, 1),
        ({"occurred_at": instant(1)}, {}, 0),
        ({"event_id": "b"}, {"event_id": "a"}, 0),
        ({"event_id": "a"}, {"event_id": "a"}, 1),
    ],
)
def test_event_that_stands_is_kept_when_a_claim_has_two(job, first, second, offset):
    gatherer = Claims(job, Question(), "in-scope")
    take(
        job,
        gatherer,
        Record(0, claim(MEMBER, **first)),
        Record(1, claim(MEMBER, **second)),
    )
    assert standing(job) == [(offset, 1)]


def test_copy_that_was_handed_over_moves_nothing_when_it_is_read(job):
    event = claim(MEMBER)
    take(
        job,
        Claims(job, Question(), "in-scope"),
        Record(0, event),
        Record(1, event, headers=(("cg_trans_03.replay", b"{}"),)),
    )
    assert standing(job) == [(0, 1)]


def test_claim_has_moved_on_when_its_standing_event_lies_outside_the_bounds(job):
    question = Question(members=frozenset({"M-1"}))
    gatherer = Claims(job, question, "in-scope")
    moved = claim(MEMBER, claim_version=2, member_id="M-2")
    take(job, gatherer, Record(0, claim(MEMBER)), Record(1, moved))
    with job.writing():
        gatherer.done()
    assert (standing(job), job.count("moved_on")) == ([], 1)


def test_history_is_kept_as_the_owner_has_it_when_records_repeat_and_erase(job):
    take(job, Claims(job, Question(), "in-scope"), Record(0, claim(MEMBER)))
    one, two = history(MEMBER), history(MEMBER)
    stranger = history(Member("M-9", "C-9", "T-9"))

    def record(offset, event, *, value=True):
        key = history_key(event["member_id"], event["transplant_id"], event["event_id"])
        return Record(offset, event if value else None, key=key, timestamp=offset)

    def kept():
        return [row[0] for row in job.db.execute("SELECT event_id FROM events ORDER BY heard")]

    gatherer = Histories(job)
    take(job, gatherer, record(0, one), record(1, two), record(2, stranger), record(3, one))
    assert kept() == [one["event_id"], two["event_id"]]
    take(job, gatherer, record(4, one, value=False))
    assert kept() == [two["event_id"]]
    take(job, gatherer, Record(5, None, key=erasure_key("M-1")), record(6, one))
    assert kept() == [one["event_id"]]


def decision(name: str, at: str, version: int = 1, supersedes: str | None = None):
    return {
        "decision_id": name,
        "decision": "pend",
        "claim_id": "C-1",
        "claim_version": version,
        "lines": [],
        "supersedes": supersedes,
        "evaluated_at": at,
    }


EARLY, LATE = "2025-01-01T00:00:00.000+00:00", "2025-01-02T00:00:00.000+00:00"


@pytest.mark.parametrize(
    ("first", "second", "stands"),
    [
        (decision("a", EARLY), decision("b", LATE), "b"),
        (decision("a", LATE), decision("b", EARLY), "a"),
        (decision("a", LATE), decision("b", EARLY, version=2), "b"),
        (decision("a", EARLY), decision("b", EARLY, supersedes="a"), "b"),
        (decision("a", EARLY, supersedes="b"), decision("b", EARLY), "a"),
    ],
)
def test_decision_that_stands_is_kept_when_there_are_two(job, first, second, stands):
    take(job, Claims(job, Question(), "in-scope"), Record(0, claim(MEMBER)))
    take(job, Decisions(job), Record(0, first), Record(1, second))
    assert job.db.execute("SELECT decision_id FROM decisions").fetchall() == [(stands,)]


def test_drift_is_passed_over_when_it_lies_among_decisions(job):
    take(job, Decisions(job), Record(0, {"claim_id": "C-1", "standing": {}}), Record(1, None))
    assert job.count("decisions_unreadable") == 2


def test_bytes_order_as_their_parts_do_when_sorted():
    parts = [
        (1, Instant(-5, 0), "z"),
        (1, Instant(3, 0), ""),
        (1, Instant(3, 0, "5"), "b"),
        (1, Instant(3, 0, "5"), "é"),
        (1, Instant(3, 0, "51"), "a"),
        (2, Instant(0, 60), ""),
        (256, Instant(0, 0), ""),
    ]
    assert sorted(parts, key=lambda each: sortable(*each)) == sorted(parts) == parts
