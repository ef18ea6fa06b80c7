"""A system under test: topics of its own, workers as processes, and what came out of them.

The worker is always a process of its own, started as users start it, so that it can be stopped
and killed; nothing of it is looked at but its topics, its offsets, its port and its log. Waits
are bounded only so that a hang ends; no test passes or fails by how long something took.
"""

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Self

import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.structs import ConsumerRecord
from prometheus_client.parser import text_string_to_metric_families

from stream_app.settings import Settings
from stream_app.worker.topics import create_topics

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 90.0
"""Seconds until a wait is taken for a hang."""

Headers = Sequence[tuple[str, bytes]]


class Sent(NamedTuple):
    """Where a record that we produced came to lie."""

    topic: str
    partition: int
    offset: int


async def eventually(
    holds: Callable[[], Any] | Callable[[], Awaitable[Any]],
    what: str,
    *,
    patience: float = PATIENCE,
    or_else: Callable[[], str] = str,
) -> Any:
    """Wait until `holds` is true and return what it gave."""
    deadline = time.monotonic() + patience
    while True:
        found = holds()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience:.0f} s in vain until {what}\n{or_else()}")
        await asyncio.sleep(0.05)


class Worker:
    """One worker process."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        guard = shutil.which("setpriv")
        # The kernel ends the worker when the test run dies, even by SIGKILL.
        prefix = [guard, "--pdeathsig", "KILL", "--"] if guard else []
        self._log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [*prefix, sys.executable, *command],
                env=dict(env),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def log(self) -> str:
        """Everything it wrote so far, both streams."""
        return self._log.read_text(errors="replace")

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Its log as JSON objects."""
        return [json.loads(line) for line in self.log.splitlines() if line.startswith("{")]

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    @property
    def port(self) -> int | None:
        found = re.search(r"metrics and health on [\w.]+:(\d+)", self.log)
        return None if found is None else int(found[1])

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        """Ask the health port."""
        assert self.port is not None
        try:
            url = f"http://127.0.0.1:{self.port}{path}"
            request = urllib.request.Request(url, headers=headers)
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()
        except OSError as failure:
            return 0, str(failure)

    def metrics(self) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
        """Every sample by name and labels, without the common prefix."""
        found: dict[str, dict[tuple[tuple[str, str], ...], float]] = defaultdict(dict)
        for family in text_string_to_metric_families(self.get("/metrics")[1]):
            for sample in family.samples:
                name = sample.name.removeprefix("cg_trans_03_")
                found[name][tuple(sorted(sample.labels.items()))] = sample.value
        return found

    def total(self, name: str, **labels: str) -> float:
        """The sum of a metric over all series that carry these labels."""
        series = self.metrics().get(name, {})
        return sum(v for key, v in series.items() if set(labels.items()) <= set(key))

    async def ready(self) -> Self:
        """Wait until it has partitions and tables."""

        def is_ready() -> bool:
            assert self.running, f"the worker ended with {self.process.returncode}:\n{self.tail()}"
            return self.port is not None and self.get("/readyz")[0] == 200

        await eventually(lambda: asyncio.to_thread(is_ready), "worker is ready", or_else=self.tail)
        return self

    def tail(self) -> str:
        """What a reader of a failed test wants of the log: what went wrong, and the last lines."""
        lines = self.log.splitlines()
        wrong = [line for line in lines if '"level":"INFO"' not in line]
        return "\n".join(line[:2000] for line in [*wrong[-20:], "...", *lines[-8:]])

    async def ended(self) -> int:
        """Wait until it has ended by itself; its exit code."""
        await eventually(lambda: not self.running, "the worker ends", or_else=self.tail)
        return self.process.wait()

    async def stop(self) -> int:
        """SIGTERM, as an orchestrator would; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def kill(self) -> None:
        """SIGKILL: no last word."""
        self.process.kill()
        await asyncio.to_thread(self.process.wait)

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)


class Out(NamedTuple):
    """A record that a worker produced."""

    topic: str
    record: ConsumerRecord

    @property
    def headers(self) -> dict[str, bytes]:
        return dict(self.record.headers)

    @property
    def event(self) -> dict[str, Any]:
        decoded: dict[str, Any] = orjson.loads(self.record.value)
        return decoded


@dataclass
class System:
    """Topics and groups of one test, and the workers started on them."""

    settings: Settings
    folder: Path
    workers: list[Worker] = field(default_factory=list)
    _producer: AIOKafkaProducer | None = None
    _taps: dict[str, AIOKafkaConsumer] = field(default_factory=dict)
    _read: dict[str, list[Out]] = field(default_factory=lambda: defaultdict(list))

    # -- setting up ---------------------------------------------------------------------

    @classmethod
    async def create(
        cls,
        bootstrap_servers: str,
        word: str,
        folder: Path,
        *,
        claims_partitions: int = 3,
        history_partitions: int = 2,
        claims_config: Mapping[str, str] | None = None,
        topics: bool = True,
        **overrides: Any,
    ) -> Self:
        settings = Settings(**(settings_of(bootstrap_servers, word) | overrides))
        system = cls(settings, folder)
        if topics:
            sizes = {"max.message.bytes": str(settings.max_claim_bytes)}
            await system.make_topic(
                settings.claims_topic, claims_partitions, **(sizes | dict(claims_config or {}))
            )
            await system.make_topic(settings.history_in_topic, history_partitions, **sizes)
            await create_topics(settings)
        return system

    async def make_topic(self, name: str, partitions: int, **config: str) -> None:
        async with self._admin() as admin:
            reply = await admin.create_topics(
                [NewTopic(name, partitions, 1, topic_configs=config)], timeout_ms=30_000
            )
        assert all(code == 0 for _, code, *_ in reply.topic_errors), reply

    def env(self, **extra: str) -> dict[str, str]:
        """The environment that gives a worker these settings."""
        env = {k: v for k, v in os.environ.items() if not k.startswith("CG_TRANS_03_")}
        env.pop("KAFKA_BOOTSTRAP_SERVERS", None)
        for name in self.settings.model_fields_set:
            value = getattr(self.settings, name)
            if value is not None:
                env[f"CG_TRANS_03_{name.upper()}"] = str(value)
        return env | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"} | extra

    def launch(self, *arguments: str, module: str = "stream_app", **extra: str) -> Worker:
        """Start a process; what it is told in capitals goes into its environment."""
        log = self.folder / f"worker-{len(self.workers)}.log"
        worker = Worker(["-m", module, *arguments], self.env(**extra), log)
        self.workers.append(worker)
        return worker

    async def start(self, *roles: str, module: str = "stream_app", **extra: str) -> Worker:
        """Start a worker and wait until it is ready."""
        options = [word for role in roles for word in ("--role", role)]
        return await self.launch("worker", *options, module=module, **extra).ready()

    async def close(self) -> None:
        for worker in self.workers:
            if worker.running:
                worker.thaw()
                worker.process.kill()
            worker.process.wait()
        for tap in self._taps.values():
            await tap.stop()
        if self._producer is not None:
            await self._producer.stop()

    # -- feeding ------------------------------------------------------------------------

    async def producer(self) -> AIOKafkaProducer:
        if self._producer is None:
            self._producer = AIOKafkaProducer(
                bootstrap_servers=self.settings.bootstrap_servers, linger_ms=2
            )
            await self._producer.start()
        return self._producer

    async def feed(
        self, topic: str, events: Iterable[tuple[bytes | None, bytes | None]], headers: Headers = ()
    ) -> list[Sent]:
        """Produce records and wait until the broker has them."""
        producer = await self.producer()
        pending = [
            await producer.send(topic, key=key, value=value, headers=list(headers))
            for key, value in events
        ]
        places = await asyncio.gather(*pending)
        return [Sent(topic, place.partition, place.offset) for place in places]

    async def claims(self, *events: dict[str, Any] | bytes, headers: Headers = ()) -> list[Sent]:
        return await self.feed(
            self.settings.claims_topic, [_keyed(event, "claim_id") for event in events], headers
        )

    async def histories(self, *events: dict[str, Any] | bytes) -> list[Sent]:
        return await self.feed(
            self.settings.history_in_topic, [_keyed(event, "transplant_id") for event in events]
        )

    # -- what came out ------------------------------------------------------------------

    @property
    def output_topics(self) -> tuple[str, ...]:
        s = self.settings
        return s.approve_topic, s.deny_topic, s.pend_topic, s.dead_letter_topic

    async def read(self, *topics: str) -> list[Out]:
        """Every record of these topics from their beginning to their end, as far as it is now."""
        found: list[Out] = []
        for topic in topics:
            tap = self._taps.get(topic)
            if tap is None:
                tap = AIOKafkaConsumer(
                    bootstrap_servers=self.settings.bootstrap_servers, fetch_max_wait_ms=20
                )
                await tap.start()
                self._taps[topic] = tap
                partitions = await _partitions(tap, topic)
                tap.assign(partitions)
                await tap.seek_to_beginning()
            ends = await tap.end_offsets(tap.assignment())
            for tp, end in ends.items():
                while await tap.position(tp) < end:
                    for records in (await tap.getmany(tp, timeout_ms=200)).values():
                        self._read[topic] += [Out(topic, record) for record in records]
            found += self._read[topic]
        return found

    async def decisions(self) -> list[Out]:
        s = self.settings
        return await self.read(s.approve_topic, s.deny_topic, s.pend_topic)

    async def decisions_of(self, claim_id: str) -> list[Out]:
        """Those of one claim, in the order in which they were made."""
        outs = [out for out in await self.decisions() if out.record.key == claim_id.encode()]
        return sorted(outs, key=lambda out: (out.record.timestamp, out.record.offset))

    async def dead_letters(self) -> list[Out]:
        return await self.read(self.settings.dead_letter_topic)

    async def decided(self, claim_id: str, count: int = 1) -> list[Out]:
        """Wait for that many decisions of a claim."""

        async def enough() -> list[Out] | None:
            outs = await self.decisions_of(claim_id)
            return outs if len(outs) >= count else None

        found: list[Out] = await self.until(enough, f"{count} decision(s) of a claim are there")
        return found

    async def until(self, holds: Callable[[], Any], what: str) -> Any:
        """Wait until something holds, or a worker dies that nobody killed."""

        async def found() -> Any:
            self._alive()
            answer = holds()
            return await answer if asyncio.iscoroutine(answer) else answer

        return await eventually(found, what, or_else=self.tails)

    def tails(self) -> str:
        return "\n\n".join(f"--- worker {n}\n{w.tail()}" for n, w in enumerate(self.workers))

    # -- offsets ------------------------------------------------------------------------

    def _admin(self) -> AIOKafkaAdminClient:
        return _Admin(bootstrap_servers=self.settings.bootstrap_servers)

    async def committed(self, group: str) -> dict[TopicPartition, int]:
        async with self._admin() as admin:
            offsets = await admin.list_consumer_group_offsets(group)
        return {tp: found.offset for tp, found in offsets.items() if found.offset >= 0}

    async def ends(self, *topics: str) -> dict[TopicPartition, int]:
        async with AIOKafkaConsumer(
            bootstrap_servers=self.settings.bootstrap_servers, isolation_level="read_committed"
        ) as consumer:
            found: dict[TopicPartition, int] = {}
            for topic in topics:
                found |= await consumer.end_offsets(await _partitions(consumer, topic))
            return found

    async def settled(self, *hops: str) -> None:
        """Wait until both groups (or one) have committed to the end of all that they read."""
        s = self.settings
        groups = {
            "scope": (s.scope_group, (s.claims_topic, s.history_in_topic)),
            "adjudicate": (s.adjudicate_group, (s.in_scope_topic, s.history_topic)),
        }
        for group, topics in (groups[hop] for hop in hops or groups):

            async def at_end(group: str = group, topics: tuple[str, ...] = topics) -> bool:
                ends = {tp: end for tp, end in (await self.ends(*topics)).items() if end}
                committed = await self.committed(group)
                return all(committed.get(tp, 0) == end for tp, end in ends.items())

            await self.until(at_end, f"{group} has committed to the end")

    def _alive(self) -> None:
        """Fail at once where a worker ended by itself: waiting for it would be in vain."""
        for worker in self.workers:
            code = worker.process.poll()
            assert code in {None, 0, -signal.SIGKILL}, f"worker ended with {code}\n{worker.tail()}"


class _Admin(AIOKafkaAdminClient):
    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def settings_of(bootstrap_servers: str, word: str) -> dict[str, Any]:
    """Names that no other test uses, and times short enough for a test."""
    topics = {
        name: f"{word}.{name.removesuffix('_topic')}"
        for name in Settings.model_fields
        if name.endswith("_topic")
    }
    return topics | {
        "bootstrap_servers": bootstrap_servers,
        "scope_group": f"{word}.scope-group",
        "adjudicate_group": f"{word}.adjudicate-group",
        "partitions": 6,
        "replication_factor": 1,
        "session_timeout_seconds": 4.0,
        "commit_interval_seconds": 0.2,
        "fetch_max_wait_ms": 50,
        "metrics_port": 0,
        "log_format": "json",
        "shutdown_timeout_seconds": 10.0,
    }


def _keyed(event: dict[str, Any] | bytes, key: str) -> tuple[bytes | None, bytes]:
    if isinstance(event, bytes):
        return None, event
    return event[key].encode(), orjson.dumps(event)


async def _partitions(consumer: AIOKafkaConsumer, topic: str) -> list[TopicPartition]:
    # Asks the broker until it has heard of the topic.
    await consumer._client._wait_on_metadata(topic)
    return [TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic) or ())]
