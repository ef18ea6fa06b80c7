"""Handing claims over to their owner, who alone may decide them: copies on the in-scope topic.

The worker's second hop owns a member's claims. It decides each copy against its own tables and by
what is in force there, tells what that changes with this job's id, and is silent otherwise, so that
handing a claim over twice does no harm. A job books claims as handed over once `acknowledged` has
returned, and not before.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from stream_app import metrics
from stream_app.errors import CgTrans03Error
from stream_app.pipeline.handover import HandedOver
from stream_app.pipeline.remember import LastDecision
from stream_app.replay.compared import Compared, ComparedDecision
from stream_app.settings import Settings
from stream_app.worker.batch import Record
from stream_app.worker.credentials import client_options
from stream_app.worker.outbox import Outbox, partition_of_member
from stream_app.worker.provenance import SOURCE_HEADER, without_ours

logger = logging.getLogger(__name__)

_LONGEST_GATHERED_S = 1.0

Sleep = Callable[[float], Awaitable[None]]
Clock = Callable[[], float]


def concerns_owner(compared: Compared) -> bool:
    """Whether a claim is one to be handed over: its owner would decide it otherwise.

    What would get no decision any more is not: none is ever taken back without another in its
    place.
    """
    return compared.changed and compared.after is not None


def may_have_been_decided(compared: Compared, timestamp: int, kept_since: int) -> bool:
    """Whether a claim without a decision may have had one that was deleted meanwhile.

    It is not handed over: the owner may have forgotten the claim, too, and would deny what was
    approved once.

    Args:
        compared: what the job found.
        timestamp: of the claim's record, in milliseconds since the epoch: it was decided no sooner.
        kept_since: from when on all decisions are kept, the same.
    """
    return compared.before is None and timestamp < kept_since


def standing_of(decision: ComparedDecision, *, shadow: bool) -> LastDecision:
    """A decision that was read from its topic, as its owner would remember it."""
    lines = sorted(decision.lines, key=lambda line: line.line_number)
    return LastDecision(
        decision.decision_id,
        decision.decision,
        tuple(line.reasons for line in lines),
        decision.claim_version,
        shadow,
    )


class Pace:
    """So many a second and no more, evenly; None is as fast as it goes.

    What is sent in a row is best delivered by the second, too: see `is_due`.

    Args:
        rate: claims a second.
        clock: seconds, that never go back.
        sleep: waits for so many seconds.
    """

    def __init__(
        self, rate: float | None, clock: Clock = time.monotonic, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._interval = 0.0 if rate is None else 1 / rate
        self._clock, self._sleep = clock, sleep
        self._next = 0.0
        self._delivered = clock()

    async def turn(self) -> None:
        """Wait until the next one may go."""
        now = self._clock()
        if now < self._next:
            await self._sleep(self._next - now)
        # Time in which nothing was sent is lost: there is no burst to make up for it.
        self._next = max(self._next, now) + self._interval

    def is_due(self) -> bool:
        """Whether what was gathered has to go out, or the even pace would end in bursts."""
        now = self._clock()
        if self._interval == 0 or now - self._delivered < _LONGEST_GATHERED_S:
            return False
        self._delivered = now
        return True


class HandOver:
    """Sends copies of claim events to their owner. Use as an asynchronous context manager.

    Args:
        settings: the cluster, the in-scope topic, whether shadow decisions were compared with.
        replay_id: of the job, a UUID.
        pace: how fast; what it bounds is what the worker has to decide beside live claims.
    """

    def __init__(self, settings: Settings, replay_id: str, pace: Pace | None = None) -> None:
        self._settings = settings
        self._replay_id = replay_id
        self._pace = pace or Pace(None)
        self._producer: AIOKafkaProducer | None = None
        self._outbox: Outbox | None = None
        self._sent = 0

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            CgTrans03Error: the cluster does not answer, or its in-scope topic is not laid out as
                the settings say: claims would reach a worker that does not own their members.
        """
        settings = self._settings
        self._producer = AIOKafkaProducer(
            **client_options(settings),
            client_id="cg-trans-03-replay",
            acks="all",
            enable_idempotence=True,
            compression_type=settings.producer_compression,
            max_batch_size=settings.producer_batch_bytes,
            max_request_size=settings.max_request_bytes,
        )
        self._outbox = Outbox(self._producer, settings.max_request_bytes)
        try:
            await self._producer.start()
            _check(settings, len(await self._producer.partitions_for(settings.in_scope_topic)))
        except BaseException as failure:
            await self._producer.stop()
            if isinstance(failure, KafkaError):
                raise self._not_reached(failure) from None
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._producer is not None:
            await self._producer.stop()

    async def send(self, compared: Compared, original: Record) -> bool:
        """Send one claim to its owner, when its turn has come.

        Args:
            compared: what the job found.
            original: the claim event as it lies in the in-scope or the core topic: a copy that an
                earlier job handed over will do.

        Returns:
            False where the copy would be larger than a record may be; nothing was sent then.
        """
        settings = self._settings
        before = compared.before
        standing = None if before is None else standing_of(before, shadow=settings.shadow)
        handed_over = HandedOver(self._replay_id, standing, settings.shadow)
        source = f"{compared.topic}:{compared.partition}:{compared.offset}".encode()
        await self._pace.turn()
        outbox = self._ready()
        try:
            if self._pace.is_due():
                await outbox.acknowledged()
            await outbox.send(
                settings.in_scope_topic,
                key=compared.member_id.encode(),
                value=original.value,
                headers=[
                    *without_ours(original.headers),
                    (SOURCE_HEADER, source),
                    handed_over.to_header(),
                ],
                partition=partition_of_member(compared.member_id, settings.partitions),
                timestamp_ms=_passed_on(original.timestamp),
            )
        except MessageSizeTooLargeError:
            return _is_too_large(source)
        except KafkaError as failure:
            raise self._not_reached(failure) from None
        self._sent += 1
        return True

    async def acknowledged(self) -> int:
        """Wait for the broker's word on all that was sent since the last call; how many it was.

        Raises:
            CgTrans03Error: the broker refused some; all of them are to be sent again.
        """
        try:
            await self._ready().acknowledged()
        except KafkaError as failure:
            raise self._not_reached(failure) from None
        sent, self._sent = self._sent, 0
        metrics.REPLAY_HANDED_OVER.inc(sent)
        return sent

    def _ready(self) -> Outbox:
        assert self._outbox is not None, "not entered"
        return self._outbox

    def _not_reached(self, failure: KafkaError) -> CgTrans03Error:
        return CgTrans03Error(
            f"claims could not be handed over by way of {self._settings.in_scope_topic} at "
            f"{self._settings.bootstrap_servers} ({type(failure).__name__})"
        )


def _is_too_large(source: bytes) -> bool:
    logger.error("too large to be handed over: the claim at %s", source.decode())
    return False


def _check(settings: Settings, partitions: int) -> None:
    if partitions != settings.partitions:
        raise CgTrans03Error(
            f"{settings.in_scope_topic}: has {partitions} partitions, the setting `partitions` "
            f"says {settings.partitions}; run `cg-trans-03 topics check`"
        )


def _passed_on(timestamp_ms: int) -> int | None:
    """The original's time, as of every in-scope copy; none that a broker would refuse."""
    return min(timestamp_ms, int(time.time() * 1000)) if timestamp_ms >= 0 else None
