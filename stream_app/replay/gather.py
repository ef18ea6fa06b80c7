"""What is read: which claims stand, what came in of their members, what was decided.

Everything is read from its beginning, whatever the bounds: which event of a claim stands, and what
was decided of it last, may lie outside of them.
"""

import struct
from collections.abc import Callable

import msgspec
from msgspec import Struct

from stream_app.domain.decision import Outcome
from stream_app.domain.instant import Instant, parse_instant
from stream_app.errors import MalformedEvent
from stream_app.pipeline.decode import decode_claim
from stream_app.pipeline.enrich import standing_key
from stream_app.pipeline.handover import HEADER as REPLAY_HEADER
from stream_app.pipeline.scope import may_be_in_scope
from stream_app.replay.compared import ComparedDecision, ComparedLine
from stream_app.replay.history import address_of, heard
from stream_app.replay.job_file import JobFile
from stream_app.replay.question import Question
from stream_app.replay.reading import Chunk
from stream_app.worker.batch import Record
from stream_app.worker.provenance import SOURCE_HEADER, header

_EPOCH = 2**40
_encode = msgspec.msgpack.Encoder().encode
_ORDER = struct.Struct(">QQB")

Gatherer = Callable[[Chunk], None]
"""Takes a chunk within a transaction that also holds how far it goes."""


def sortable(version: int, instant: Instant, rest: str) -> bytes:
    """Bytes that stand to each other as (version, instant, rest) do."""
    head = _ORDER.pack(version, instant.minute + _EPOCH, instant.second)
    return head + f"{instant.fraction}\0{rest}".encode()


class Original(Struct, frozen=True, array_like=True):
    """A claim's record as it lies in the source: what is handed over is made of it."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes | None], ...]


def _original(record: Record, value: bytes) -> Original:
    return Original(record.offset, record.timestamp, record.key, value, tuple(record.headers))


class Claims:
    """Keeps of each claim_id the event that stands, and its bytes where the job asks for it."""

    _SQL = """
        INSERT INTO claims
            (claim_id, standing, chosen, met, member_id, partition, offset, source, original)
        VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT (claim_id) DO UPDATE SET
            standing = excluded.standing, chosen = excluded.chosen,
            met = max(met, excluded.met), member_id = excluded.member_id,
            partition = excluded.partition, offset = excluded.offset,
            source = excluded.source, original = excluded.original
        WHERE excluded.standing > standing OR (excluded.standing = standing AND NOT ?9)
    """
    # An equal event that comes later takes the place of the first, as it does with the owner of
    # the claim; but not a copy that a replay has handed over.

    def __init__(self, job: JobFile, question: Question, topic: str) -> None:
        self._job, self._question, self._topic = job, question, topic
        self._is_core = question.source == "core"

    def __call__(self, chunk: Chunk) -> None:
        question, is_core = self._question, self._is_core
        wanted_claims, wanted_members = question.claims, question.members
        rows: list[tuple[object, ...]] = []
        malformed = 0
        for record in chunk.records:
            value = record.value or b""
            if is_core and not may_be_in_scope(value):
                continue
            try:
                claim = decode_claim(value)
            except MalformedEvent:
                malformed += 1
                continue
            if claim is None or (wanted_claims and claim.claim_id not in wanted_claims):
                continue
            chosen = (
                not wanted_members or claim.member_id in wanted_members
            ) and question.bounds.hold(chunk.partition, record.offset, record.timestamp)
            rows.append(
                (
                    claim.claim_id,
                    sortable(*standing_key(claim)),
                    chosen,
                    claim.member_id,
                    chunk.partition,
                    record.offset,
                    self._source(chunk.partition, record),
                    _encode(_original(record, value)) if chosen else None,
                    not is_core and header(record, REPLAY_HEADER) is not None,
                )
            )
        self._job.db.executemany(self._SQL, rows)
        self._job.count("records_unreadable", malformed)

    def _source(self, partition: int, record: Record) -> str:
        source = None if self._is_core else header(record, SOURCE_HEADER)
        if source is not None:
            return source.decode()
        return f"{self._topic}:{partition}:{record.offset}"

    def done(self) -> None:
        """Drop what is not asked for."""
        db = self._job.db
        (moved_on,) = db.execute("SELECT count(*) FROM claims WHERE met AND NOT chosen").fetchone()
        self._job.count("moved_on", moved_on)
        db.execute("DELETE FROM claims WHERE NOT chosen")
        db.execute("CREATE INDEX members ON claims (member_id)")


class Histories:
    """Keeps the history events of the members whose claims are asked for."""

    # The first of two records of one event counts, as it does with the owner of the member.
    _TAKE = """
        INSERT OR IGNORE INTO events
        SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM claims WHERE member_id = ?1)
    """
    _DROP = "DELETE FROM events WHERE member_id = ?1 AND transplant_id = ?2 AND event_id = ?3"
    _ERASE = "DELETE FROM events WHERE member_id = ?"

    def __init__(self, job: JobFile) -> None:
        self._job = job

    def __call__(self, chunk: Chunk) -> None:
        execute = self._job.db.execute
        for record in chunk.records:
            address = address_of(record.key)
            if address is None:
                continue
            if address.transplant_id is None:
                execute(self._ERASE, (address.member_id,))
            elif record.value is None:
                execute(self._DROP, address)
            elif (found := heard(record.timestamp, record.value)) is not None:
                execute(self._TAKE, (*address, _encode(found)))


class _Reason(Struct):
    code: str


class _Line(Struct):
    line_number: int
    procedure_code: str
    decision: Outcome
    policy_version: str | None
    reasons: tuple[_Reason, ...]


class _Decision(Struct):
    """A decision event, as much of it as is compared."""

    decision_id: str
    decision: Outcome
    claim_id: str
    claim_version: int
    lines: tuple[_Line, ...]
    supersedes: str | None
    evaluated_at: str


_decoder = msgspec.json.Decoder(_Decision)


class Decisions:
    """Keeps of each claim_id the decision that stands.

    That is the one of the highest version, then the latest; of two in one batch of the worker the
    one that supersedes the other.
    """

    _SQL = """
        INSERT INTO decisions
        SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM claims WHERE claim_id = ?1)
        ON CONFLICT (claim_id) DO UPDATE SET
            standing = excluded.standing, decision_id = excluded.decision_id,
            supersedes = excluded.supersedes, decision = excluded.decision
        WHERE excluded.standing > standing
            OR (excluded.standing = standing AND excluded.supersedes = decision_id)
    """

    def __init__(self, job: JobFile) -> None:
        self._job = job

    def __call__(self, chunk: Chunk) -> None:
        rows: list[tuple[object, ...]] = []
        unreadable = 0
        for record in chunk.records:
            try:
                event = _decoder.decode(record.value or b"")
            except msgspec.DecodeError:
                # The shadow topic has drift as well, which tells of no decision that was made.
                unreadable += 1
                continue
            evaluated_at = parse_instant(event.evaluated_at)
            if evaluated_at is None:
                unreadable += 1
                continue
            rows.append(
                (
                    event.claim_id,
                    sortable(event.claim_version, evaluated_at, f"{record.timestamp:020}"),
                    event.decision_id,
                    event.supersedes,
                    _encode(_compared(event)),
                )
            )
        self._job.db.executemany(self._SQL, rows)
        self._job.count("decisions_unreadable", unreadable)


def _compared(event: _Decision) -> ComparedDecision:
    return ComparedDecision(
        decision_id=event.decision_id,
        decision=event.decision,
        claim_version=event.claim_version,
        lines=tuple(
            [
                ComparedLine(
                    line.line_number,
                    line.procedure_code,
                    line.decision,
                    line.policy_version,
                    tuple([reason.code for reason in line.reasons]),
                )
                for line in event.lines
            ]
        ),
        evaluated_at=event.evaluated_at,
    )
