"""How far behind a worker says it is, and when it says that it is stuck."""

from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

import pytest
from faust.types import TP
from prometheus_client import REGISTRY

from stream_app.worker.gate import Gate
from stream_app.worker.ledger import Ledger
from stream_app.worker.progress import STALL_SECONDS, Progress, Waiting
from stream_app.worker.unready import REBALANCE_SECONDS, RECOVERY_SECONDS


class Recovery:
    """Faust's, as far as it is looked at."""

    def __init__(self) -> None:
        self.left: Counter[TP] = Counter()
        self.actives_for_table: dict[Any, set[TP]] = {}

    def active_remaining(self) -> Counter[TP]:
        return self.left


class Tables(dict[str, Any]):
    """Faust's table manager with one table of two changelog partitions."""

    CHANGELOG = (TP("changelog", 0), TP("changelog", 1))

    def __init__(self, recovery: Recovery) -> None:
        table = _Table("claims")
        super().__init__(claims=table)
        self.recovery = recovery
        recovery.actives_for_table[table] = set(self.CHANGELOG)


class _Table:
    def __init__(self, name: str) -> None:
        self.name = name


class OnePartition:
    """A worker with one partition whose end and clock the test moves."""

    def __init__(self, topic: str) -> None:
        self.now = 1_000.0
        self.end = 0
        self.tp = TP(topic, 0)
        self.ledger = Ledger()
        self.ledger.start(self.tp, 0, None)
        hop = SimpleNamespace(name=f"hop-of-{topic}", ledger=self.ledger, gate=Gate())
        self.gate = hop.gate
        self.gate.sought(1, frozenset({self.tp}))
        self.gate.open(1)
        self.recovery = Recovery()
        self.connected = True
        app = SimpleNamespace(hop=hop, consumer=self._consumer(), tables=Tables(self.recovery))
        app.started = True
        app = cast("Any", app)
        self.progress = Progress([app], clock=lambda: self.now)

    def _consumer(self) -> Any:
        """Faust's, with aiokafka's inside, as far as it is looked at."""
        assignment = SimpleNamespace(
            tps={self.tp}, state_value=lambda tp: SimpleNamespace(highwater=self.end)
        )
        connection = SimpleNamespace(connected=lambda: self.connected)
        reader = SimpleNamespace(
            _subscription=SimpleNamespace(subscription=SimpleNamespace(assignment=assignment)),
            _client=SimpleNamespace(_conns={0: connection}),
        )
        return SimpleNamespace(_thread=SimpleNamespace(_consumer=reader))

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


def test_what_is_left_to_recover_is_told_by_table(worker: OnePartition) -> None:
    first, second = Tables.CHANGELOG
    worker.recovery.left.update({first: 30, second: 12})
    worker.look(after=1)
    left = REGISTRY.get_sample_value("cg_trans_03_recovery_remaining_records", {"table": "claims"})
    assert left == 42


def test_liveness_fails_when_a_recovery_reads_nothing_for_long(worker: OnePartition) -> None:
    worker.gate.close()
    worker.ledger.clear()
    worker.recovery.left[Tables.CHANGELOG[0]] = 30
    worker.look(after=1)
    worker.look(after=RECOVERY_SECONDS - 1)
    worker.recovery.left[Tables.CHANGELOG[0]] = 29
    worker.look(after=1)
    worker.look(after=RECOVERY_SECONDS)
    assert worker.progress.live() is None, "it read on in between"
    worker.look(after=1)
    fault = worker.progress.live() or ""
    assert "29 changelog records are left" in fault
    assert fault.startswith("hop-of-")


def test_liveness_holds_when_a_long_recovery_reads_on(worker: OnePartition) -> None:
    worker.gate.close()
    worker.ledger.clear()
    for left in range(40, 1, -1):
        worker.recovery.left[Tables.CHANGELOG[0]] = left
        worker.look(after=RECOVERY_SECONDS - 1)
        assert worker.progress.live() is None


def test_liveness_fails_when_a_rebalance_never_ends(worker: OnePartition) -> None:
    worker.gate.close()
    worker.ledger.clear()
    worker.look(after=1)
    for _ in range(3):
        worker.gate.close()  # it begins anew, and anew
        worker.look(after=REBALANCE_SECONDS / 3)
    assert worker.progress.live() is None
    worker.look(after=1)
    assert "no partitions for" in (worker.progress.live() or "")
    worker.gate.sought(2, frozenset())
    worker.gate.open(2)
    worker.look(after=1)
    assert worker.progress.live() is None


def test_liveness_holds_when_no_broker_is_there_to_rebalance_with(worker: OnePartition) -> None:
    """Whoever is started anew finds no broker either."""
    worker.gate.close()
    worker.ledger.clear()
    worker.connected = False
    for _ in range(5):
        worker.look(after=REBALANCE_SECONDS)
    assert worker.progress.live() is None
    worker.connected = True
    worker.look(after=1)
    worker.look(after=REBALANCE_SECONDS)
    assert worker.progress.live() is None
    worker.look(after=1)
    assert worker.progress.live() is not None


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
