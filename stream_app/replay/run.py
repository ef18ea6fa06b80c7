"""A job from its beginning, or from where it was, to its end."""

import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from math import ceil
from operator import itemgetter
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer

from stream_app import metrics
from stream_app.pipeline.remember import Source
from stream_app.replay.compare import Comparison, Standing
from stream_app.replay.compared import Compared, ComparedDecision
from stream_app.replay.emit import HandOver, Pace, concerns_owner, may_have_been_decided
from stream_app.replay.gather import Claims, Decisions, Gatherer, Histories, Original
from stream_app.replay.history import Heard
from stream_app.replay.job_file import JobFile, Phase, now
from stream_app.replay.progress import Progress
from stream_app.replay.question import Basis, Question, decision_topics, source_topic
from stream_app.replay.reading import kept_since, read, reader, whole
from stream_app.settings import Settings

CLAIMS_AT_ONCE = 250

_CLAIMS = """
    SELECT number, claims.source, claims.original, claims.member_id, decisions.decision
    FROM claims LEFT JOIN decisions USING (claim_id)
    WHERE number > ? ORDER BY number LIMIT ?
"""
_CHANGED = """
    SELECT number, row, original FROM compared JOIN claims USING (number)
    WHERE changed AND NOT handed_over AND number > ? ORDER BY number LIMIT ?
"""
_EVENTS = """
    SELECT member_id, heard FROM events
    WHERE member_id IN (SELECT value FROM json_each(?)) ORDER BY member_id
"""


class Job:
    """One job.

    Args:
        settings: the cluster and its topics.
        question: what is asked.
        basis: what is decided by.
        file: the job's state.
        progress: is told how far it has come.
        rate: how many claims a second may be decided, or handed over; None: any number.
    """

    def __init__(
        self,
        settings: Settings,
        question: Question,
        basis: Basis,
        file: JobFile,
        progress: Progress,
        rate: float | None,
    ) -> None:
        self._settings, self._question, self._file = settings, question, file
        self._progress, self._pace = progress, Pace(rate)
        # What a second brings is booked by its end.
        self._at_once = CLAIMS_AT_ONCE if rate is None else min(CLAIMS_AT_ONCE, ceil(rate))
        self._comparison = Comparison(basis.decider, question.as_of)

    async def run(self) -> None:
        """Do what is left to do."""
        file, settings = self._file, self._settings
        topic = source_topic(self._question, settings)
        # Histories before decisions: what is known of a member now, the worker has had time to
        # decide by. The other way round each event in flight would pass for a change.
        if file.phase in (Phase.CLAIMS, Phase.HISTORY, Phase.DECISIONS):
            async with reader(settings) as consumer:
                if file.phase is Phase.CLAIMS:
                    claims = Claims(file, self._question, topic)
                    await self._gather(consumer, "claims", (topic,), claims)
                    with file.writing():
                        claims.done()
                        file.note("phase", Phase.HISTORY)
                if file.phase is Phase.HISTORY:
                    await self._gather(
                        consumer, "history", (settings.history_topic,), Histories(file)
                    )
                    with file.writing():
                        file.note("phase", Phase.DECISIONS)
                await self._gather(
                    consumer, "decisions", decision_topics(settings), Decisions(file)
                )
                # Only now: what is deleted while decisions are read counts as deleted.
                now_ms = time.time_ns() // 1_000_000
                kept = await kept_since(consumer, decision_topics(settings), now_ms)
                with file.writing():
                    file.note("decisions_kept_since", str(kept))
                    file.note("phase", Phase.COMPARE)
        if file.phase is Phase.COMPARE:
            await self._compare()

    async def hand_over(self) -> None:
        """Give the claims that their owners would decide otherwise to them."""
        file = self._file
        (total, done) = file.db.execute(
            "SELECT count(*), coalesce(sum(handed_over), 0) FROM compared WHERE changed"
        ).fetchone()
        kept = int(file.fact("decisions_kept_since", "0"))
        last, owner = 0, HandOver(self._settings, file.replay_id, self._pace)
        with file.writing():
            file.note("handed_over", file.fact("handed_over", "0"))
        with self._progress.phase("handing over", total, done) as advance:
            async with owner:
                while rows := file.db.execute(_CHANGED, (last, self._at_once)).fetchall():
                    last, too_large, unsure = rows[-1][0], 0, 0
                    for _, row, claim in rows:
                        compared, original = _row.decode(row), _original.decode(claim)
                        if not concerns_owner(compared):
                            continue
                        if may_have_been_decided(compared, original.timestamp, kept):
                            unsure += 1
                            continue
                        too_large += not await owner.send(compared, original)
                    sent = await owner.acknowledged()
                    with file.writing():
                        file.db.executemany(
                            "UPDATE compared SET handed_over = 1 WHERE number = ?",
                            [(number,) for number, *_ in rows],
                        )
                        file.count("handed_over", sent)
                        file.count("too_large", too_large)
                        file.count("unsure", unsure)
                    advance(len(rows))

    async def _gather(
        self, consumer: AIOKafkaConsumer, what: str, topics: Sequence[str], take: Gatherer
    ) -> None:
        file = self._file
        for topic in topics:
            if file.left(topic) is None:
                spans = await whole(consumer, topic)
                with file.writing():
                    file.begin(topic, spans)
        total = file.extent(topics)
        left = {topic: file.left(topic) or [] for topic in topics}
        done = total - sum(span.end - span.start for spans in left.values() for span in spans)
        with self._progress.phase(f"reading {what}", total, done) as advance:
            for topic, spans in left.items():
                positions = {span.partition: span.start for span in spans}
                async for chunk in read(consumer, topic, spans):
                    with file.writing():
                        take(chunk)
                        file.reached(topic, chunk.partition, chunk.position)
                        file.count(f"{what}_read", len(chunk.records))
                    metrics.REPLAY_RECORDS.inc(len(chunk.records))
                    advance(chunk.position - positions[chunk.partition])
                    positions[chunk.partition] = chunk.position

    async def _compare(self) -> None:
        file = self._file
        (total,) = file.db.execute("SELECT count(*) FROM claims").fetchone()
        last = int(file.fact("compared_to", "0"))
        (done,) = file.db.execute(
            "SELECT count(*) FROM claims WHERE number <= ?", (last,)
        ).fetchone()
        with self._progress.phase("deciding", total, done) as advance:
            while rows := file.db.execute(_CLAIMS, (last, self._at_once)).fetchall():
                last = rows[-1][0]
                for _ in rows:
                    await self._pace.turn()
                found = [
                    (number, row)
                    for number, standing in zip(
                        map(itemgetter(0), rows), self._standing(rows), strict=True
                    )
                    if self._question.asks_for(standing.before)
                    and (row := self._comparison.compare(standing)) is not None
                ]
                with file.writing():
                    file.db.executemany(
                        "INSERT INTO compared (number, changed, row) VALUES (?, ?, ?)",
                        [(n, row.changed, msgspec.msgpack.encode(row)) for n, row in found],
                    )
                    file.note("compared_to", str(last))
                _count(row for _, row in found)
                advance(len(rows))
        with file.writing():
            file.note("phase", Phase.DONE)
            file.note("finished_at", now())

    def _standing(self, rows: Sequence[tuple[Any, ...]]) -> Iterator[Standing]:
        members = msgspec.json.encode(sorted({row[3] for row in rows})).decode()
        events = {
            member_id: [_heard.decode(heard) for _, heard in group]
            for member_id, group in groupby(
                self._file.db.execute(_EVENTS, (members,)), key=itemgetter(0)
            )
        }
        for _, source, original, member_id, decision in rows:
            topic, partition, offset = source.rsplit(":", 2)
            yield Standing(
                _original.decode(original).value,
                Source(topic, int(partition), int(offset)),
                events.get(member_id, ()),
                None if decision is None else _before.decode(decision),
            )


_original = msgspec.msgpack.Decoder(Original)
_heard = msgspec.msgpack.Decoder(Heard)
_before = msgspec.msgpack.Decoder(ComparedDecision)
_row = msgspec.msgpack.Decoder(Compared)


def rows_of(file: JobFile, *, changed: bool = False) -> Iterator[Compared]:
    """What a job has compared, one by one: all, or what changed."""
    where = "WHERE changed" if changed else ""
    for (row,) in file.db.execute(f"SELECT row FROM compared {where} ORDER BY number"):  # noqa: S608
        yield _row.decode(row)


def _count(rows: Iterable[Compared]) -> None:
    for row in rows:
        metrics.REPLAY_CLAIMS.inc()
        if row.changed:
            before, after = (
                "none" if side is None else side.decision.value for side in (row.before, row.after)
            )
            metrics.REPLAY_CHANGES.labels(before, after).inc()
