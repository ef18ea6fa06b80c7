"""What the count of the tables says, whatever the store, and whatever happens meanwhile."""

import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import REGISTRY
from rocksdict import Options, Rdict

from stream_app.domain.claim import Claim
from stream_app.domain.decision import Outcome
from stream_app.domain.instant import Instant
from stream_app.pipeline.remember import LastDecision, MemberClaims, RememberedClaim, Source
from stream_app.worker import census as census_module
from stream_app.worker.census import Census

HEARD = 1_000
NOW = HEARD * 60 + 90.0


def row(*outcomes: Outcome, heard: int = HEARD) -> bytes:
    claims = MemberClaims()
    for number, outcome in enumerate(outcomes):
        claim = Claim("e", Instant(0, 0), f"C{number}", "M", ())
        decision = LastDecision("id", outcome, (("CODE",),))
        claims.remember(RememberedClaim(claim, Source("t", 0, 0), heard, None, decision))
    return claims.to_bytes()


class InMemory:
    """Faust's store, as far as it is looked at."""

    def __init__(self, _: Path) -> None:
        self.data = SimpleNamespace(data={}, _key_partition={})

    def put(self, partition: int, key: bytes, value: bytes) -> None:
        self.data.data[key] = value
        self.data._key_partition[key] = partition

    def drop(self, partition: int) -> None:
        for key in [k for k, p in self.data._key_partition.items() if p == partition]:
            del self.data.data[key], self.data._key_partition[key]


class OnDisk:
    """The same, over databases of the real thing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = SimpleNamespace(_dbs={}, offset_key=b"__faust\0offset__")

    def put(self, partition: int, key: bytes, value: bytes) -> None:
        if partition not in self.data._dbs:
            db = Rdict(str(self.folder / str(partition)), Options(raw_mode=True))
            db.put(self.data.offset_key, b"41")
            self.data._dbs[partition] = db
        self.data._dbs[partition].put(key, value)

    def drop(self, partition: int) -> None:
        self.data._dbs.pop(partition).close()


class World:
    def __init__(self, kind: Callable[[Path], Any], folder: Path, unique: str) -> None:
        self.history, self.claims = kind(folder / "h"), kind(folder / "c")
        self.history.name, self.claims.name = f"history-{unique}", f"claims-{unique}"
        self.owned: frozenset[int] | None = frozenset({0, 1})
        self.now = NOW
        self.seconds = 0.0
        self.census = Census(
            self.history,
            self.claims,
            lambda: self.owned,
            shadow=False,
            now=lambda: self.now,
            clock=lambda: self.seconds,
        )

    def count(self) -> None:
        """Until a whole walk is through, after a rest."""
        self.seconds += 60
        self.census.work()

    def gauge(self, name: str, table: Any = None) -> float:
        labels = {} if table is None else {"table": table.name}
        value = REGISTRY.get_sample_value(f"cg_trans_03_{name}", labels)
        return math.nan if value is None else value


@pytest.fixture(params=[InMemory, OnDisk], ids=["memory", "rocksdb"])
def world(request: pytest.FixtureRequest, tmp_path: Path, unique: str) -> World:
    (tmp_path / "h").mkdir()
    (tmp_path / "c").mkdir()
    return World(request.param, tmp_path, unique)


def test_nothing_is_claimed_when_nothing_was_counted_yet(world: World) -> None:
    world.owned = None
    world.count()
    assert math.isnan(world.gauge("pended_claims"))
    assert math.isnan(world.gauge("oldest_pend_seconds"))
    assert math.isnan(world.gauge("table_rows", world.claims))


def test_rows_bytes_and_pends_are_exact_when_counted(world: World) -> None:
    some = {
        b"a": row(Outcome.PEND, Outcome.DENY, Outcome.PEND),
        b"b": row(Outcome.APPROVE),
        b"c": row(Outcome.PEND, heard=HEARD - 5),
    }
    for number, (key, value) in enumerate(some.items()):
        world.claims.put(number % 2, key, value)
    for number in range(100):
        world.history.put(number % 2, b"%d" % number, b"pend")
    world.count()
    assert world.gauge("table_rows", world.claims) == 3
    assert world.gauge("table_bytes", world.claims) == 3 + sum(map(len, some.values()))
    assert world.gauge("table_rows", world.history) == 100
    assert world.gauge("table_bytes", world.history) == 10 + 2 * 90 + 4 * 100
    assert world.gauge("pended_claims") == 3
    assert world.gauge("oldest_pend_seconds") == 5 * 60 + 90
    world.now += 7
    world.census.age()
    assert world.gauge("oldest_pend_seconds") == 5 * 60 + 97


def test_another_workers_copies_are_left_out_when_counted(world: World) -> None:
    """The sum over the workers is to be all of them, and standby copies are held twice."""
    world.claims.put(0, b"mine", row(Outcome.PEND))
    world.claims.put(7, b"theirs", row(Outcome.PEND, heard=1))
    world.count()
    assert world.gauge("pended_claims") == 1
    assert world.gauge("oldest_pend_seconds") == 90
    assert world.gauge("table_rows", world.claims) == 1


def test_all_is_gone_when_the_last_partition_moves_away(world: World) -> None:
    world.claims.put(0, b"a", row(Outcome.PEND))
    world.count()
    world.owned = None
    world.count()
    assert world.gauge("pended_claims") == 1, "a rebalance alone moves nothing"
    world.owned = frozenset()
    world.count()
    assert world.gauge("pended_claims") == 0
    assert world.gauge("oldest_pend_seconds") == 0
    assert world.gauge("table_rows", world.claims) == 0


def test_a_decided_pend_is_no_longer_counted_when_counted_again(world: World) -> None:
    world.claims.put(0, b"a", row(Outcome.PEND))
    world.count()
    world.claims.put(0, b"a", row(Outcome.APPROVE))
    world.census.work()
    assert world.gauge("pended_claims") == 1, "it rests between two walks"
    world.count()
    assert world.gauge("pended_claims") == 0
    assert world.gauge("oldest_pend_seconds") == 0


def test_work_is_cut_into_pieces_when_there_is_much_of_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(500):
        world.claims.put(0, b"%03d" % number, row(Outcome.PEND))
    monkeypatch.setattr(census_module, "WORK_SECONDS", 0.0)
    world.count()
    pieces = 1
    while math.isnan(world.gauge("pended_claims")):
        world.census.work()
        pieces += 1
    assert pieces > 10
    assert world.gauge("pended_claims") == 500


def test_the_count_goes_on_when_rows_and_partitions_go_in_the_middle(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(200):
        world.claims.put(number % 2, b"%03d" % number, row(Outcome.PEND))
        world.history.put(number % 2, b"%03d" % number, b"h")
    monkeypatch.setattr(census_module, "WORK_SECONDS", 0.0)
    world.count()
    world.census.work()
    world.claims.put(0, b"new", row(Outcome.PEND))
    world.claims.drop(1)
    world.history.drop(1)
    while math.isnan(world.gauge("pended_claims")):
        world.census.work()
    assert 100 <= world.gauge("pended_claims") <= 101


def test_the_count_begins_anew_when_partitions_move(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(200):
        world.claims.put(number % 2, b"%03d" % number, row(Outcome.PEND))
    monkeypatch.setattr(census_module, "WORK_SECONDS", 0.0)
    world.count()
    world.owned = frozenset({1})
    while math.isnan(world.gauge("pended_claims")):
        world.census.work()
    assert world.gauge("pended_claims") == 100


def test_a_row_that_cannot_be_read_is_no_pend_and_no_end_when_counted(world: World) -> None:
    world.claims.put(0, b"a", b"\xa4pend but no row")
    world.claims.put(0, b"b", row(Outcome.PEND))
    world.count()
    assert world.gauge("pended_claims") == 1
    assert world.gauge("table_rows", world.claims) == 2
