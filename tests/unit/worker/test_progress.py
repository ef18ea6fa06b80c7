"""How far behind a worker says it is, and when it says that it is stuck."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from faust.types import TP
from prometheus_client import REGISTRY

from stream_app.worker.gate import Gate
from stream_app.worker.ledger import Ledger
from stream_app.worker.progress import STALL_SECONDS, Progress, Waiting


class OnePartition:
    """A worker with one partition whose end and clock the test moves."""

    def __init__(self, topic: str) -> None:
        self.now = 1_000.0
        self.end = 0
        self.tp = TP(topic, 0)
        self.ledger = Ledger()
        self.ledger.start(self.tp, 0, None)
        hop = SimpleNamespace(name=f"hop-of-{topic}", ledger=self.ledger, gate=Gate())
        consumer = SimpleNamespace(highwater=lambda tp: self.end)
        app = cast("Any", SimpleNamespace(hop=hop, consumer=consumer))
        self.progress = Progress([app], clock=lambda: self.now)

    def look(self, *, after: float) -> None:
        self.now += after
        self.progress.look()

    def gauge(self, name: str) -> float | None:
        return REGISTRY.get_sample_value(name, {"topic": self.tp.topic, "partition": "0"})

    def do_all(self) -> None:
        ledger = self.ledger[self.tp]
        ledger.read(ledger.next, self.end).finish()


@pytest.fixture
def worker(unique: str) -> OnePartition:
    return OnePartition(unique)


def test_the_oldest_record_sets_the_age_when_more_arrive(worker: OnePartition) -> None:
    worker.look(after=1)
    worker.end = 10
    worker.look(after=1)
    worker.end = 20
    worker.look(after=30)
    assert worker.gauge("cg_trans_03_waiting_seconds") == 30
    assert worker.gauge("cg_trans_03_lag_records") == 20


def test_the_age_is_that_of_what_is_left_when_a_part_is_done(worker: OnePartition) -> None:
    worker.end = 10
    worker.look(after=1)
    worker.end = 20
    worker.look(after=30)
    worker.ledger[worker.tp].read(0, 10).finish()
    worker.look(after=5)
    assert worker.gauge("cg_trans_03_waiting_seconds") == 5


def test_nothing_waits_when_all_is_done(worker: OnePartition) -> None:
    worker.end = 10
    worker.look(after=50)
    worker.do_all()
    worker.look(after=1)
    assert worker.gauge("cg_trans_03_waiting_seconds") == 0
    assert worker.progress.live() is None


def test_liveness_fails_when_records_wait_and_none_is_done(worker: OnePartition) -> None:
    worker.look(after=1)
    worker.end = 10
    worker.look(after=1)
    worker.look(after=STALL_SECONDS - 1)
    assert worker.progress.live() is None
    worker.now += 2
    assert "nothing got done" in (worker.progress.live() or "")


def test_liveness_holds_when_nothing_waits_for_long(worker: OnePartition) -> None:
    for _ in range(5):
        worker.look(after=STALL_SECONDS)
    assert worker.progress.live() is None


def test_a_partition_is_no_longer_told_of_when_it_moves_away(worker: OnePartition) -> None:
    worker.end = 10
    worker.look(after=1)
    worker.ledger.forget([worker.tp])
    worker.look(after=1)
    assert worker.gauge("cg_trans_03_waiting_seconds") is None
    assert worker.gauge("cg_trans_03_lag_records") is None


def test_an_age_is_never_too_young_when_many_ends_were_seen() -> None:
    """Memory is bounded; what is thinned out may only make a record look older."""
    waiting = Waiting()
    for second in range(1, 2_001):
        assert waiting.since(0, second * 10, float(second)) == 1.0
    assert len(waiting._ends) < 600
    since = waiting.since(9_999, 20_000, 2_001.0)
    assert since is not None
    assert 900 < since <= 1_000
