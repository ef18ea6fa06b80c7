"""`python -m benchmarks.metrics_cost`: what share of the work on the hot paths is counting it.

No Kafka and no clock race between two builds, whose noise is larger than what is looked for: every
call of a metric during one batch is noted, then the batch and the noted calls are timed by
themselves. The share is an upper bound, since reading from and writing to Kafka is left out of the
batch.
"""

import asyncio
import gc
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import orjson
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase

from stream_app.metrics import BatchHistogram
from stream_app.pipeline.decide import Decider
from stream_app.pipeline.decode import decode_history
from stream_app.pipeline.enrich import MemberHistory
from stream_app.policy.load import load_policies
from stream_app.settings import Settings
from stream_app.worker.adjudicate_app import Adjudicate
from stream_app.worker.batch import Batch
from stream_app.worker.claim_scan import ClaimScan
from stream_app.worker.ledger import PartitionLedger
from stream_app.worker.scan import Fetched, RawRecord

_ROUNDS = 15
_LIMIT = 0.02
_TEXT = random.Random(1)
_METHODS = (
    (MetricWrapperBase, "labels"),
    (Counter, "inc"),
    (Gauge, "set"),
    (Histogram, "observe"),
    (BatchHistogram, "observe_all"),
)
Calls = list[Callable[[], object]]


@contextmanager
def noted(calls: Calls) -> Iterator[None]:
    """Note every call of a metric, and let it through."""

    def noting(method: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            calls.append(lambda: method(*args, **kwargs))
            return method(*args, **kwargs)

        return call

    before = [getattr(kind, name) for kind, name in _METHODS]
    for (kind, name), method in zip(_METHODS, before, strict=True):
        setattr(kind, name, noting(method))
    try:
        yield
    finally:
        for (kind, name), method in zip(_METHODS, before, strict=True):
            setattr(kind, name, method)


def share(what: str, work: Callable[[], object]) -> float:
    """Time a batch and the metrics' part of it; the least of several rounds counts."""
    work()
    calls: Calls = []
    with noted(calls):
        work()
    whole = least(work)
    part = least(lambda: [call() for call in calls])
    print(
        f"{what:<28} {1e6 * whole:9.0f} us a batch, {len(calls):4} calls of metrics "
        f"{1e6 * part:7.1f} us: {part / whole:6.2%}"
    )
    return part / whole


def least(work: Callable[[], object]) -> float:
    gc.disable()
    times = []
    for _ in range(_ROUNDS):
        before = time.process_time()
        work()
        times.append(time.process_time() - before)
    gc.enable()
    return min(times)


def claim(number: int, code: str) -> bytes:
    """A claim of about 900 bytes, as those of the other measurements."""
    line = {"line_number": 1, "procedure_code": code, "service_date": "2025-01-20"}
    return orjson.dumps(
        {
            "event_id": f"event-{number}",
            "occurred_at": "2025-03-01T00:00:00Z",
            "claim_id": f"claim-{number}",
            "member_id": f"member-{number % 500}",
            "diagnoses": ["C92.01"],
            "service_lines": [line | {"donor_id": "D-1"}],
            "filler": "".join(_TEXT.choices("0123456789abcdef", k=640)),
        }
    )


def scanning(in_scope_of: int) -> Callable[[], object]:
    """The first hop's way past 4,000 claims, as one fetch brings them."""
    data = b""
    for first in range(0, 4_000, 250):
        builder = DefaultRecordBatchBuilder(2, 3, 0, -1, -1, -1, 1 << 20)
        for number in range(250):
            hit = (first + number) % in_scope_of == in_scope_of - 1
            value = claim(first + number, "38242" if hit else "99213")
            builder.append(number, 0, b"key", value, [])
        batch = builder.build()
        batch[:8] = first.to_bytes(8, "big")
        data += bytes(batch)
    scan = ClaimScan("claims", "batch", 0.0001, lambda _: None)
    return lambda: scan.scan(Fetched("claims", 0, 0, 4_000, data))


class _Table:
    def __init__(self, rows: dict[bytes, bytes]) -> None:
        self._rows = rows

    def read(self, _: int, key: bytes) -> bytes | None:
        return self._rows.get(key)

    async def write(self, *_: object) -> None: ...


class _Outbox:
    async def send(self, *_: object, **__: object) -> None: ...

    async def acknowledged(self) -> list[Any]:
        return []


def deciding() -> Callable[[], object]:
    """The second hop's way through 500 claims, each of a member with a transplant on file."""
    rows = {f"member-{number}".encode(): _history(number) for number in range(500)}
    app: Any = SimpleNamespace(new_outbox=_Outbox, hop=SimpleNamespace(tracer=None))
    history: Any = _Table(rows)
    claims: Any = _Table({})
    adjudicate = Adjudicate(app, Settings(), Decider(load_policies()), history, claims)
    now = int(time.time() * 1000)
    records = [
        RawRecord("in-scope", 0, number, now, 0, b"", claim(number, "38242"), ())
        for number in range(500)
    ]
    span = PartitionLedger(0).read(0, 500)
    batch = Batch("in-scope", 0, span, records)
    return lambda: asyncio.run(adjudicate.batch(batch))


def _history(number: int) -> bytes:
    event = {
        "event_id": "H",
        "occurred_at": "2025-01-01T00:00:00Z",
        "member_id": f"member-{number}",
        "transplant_id": f"T-{number}",
        "transplant": {
            "type": "allogeneic",
            "transplant_date": "2024-06-01",
            "indication": "C92.00",
            "medically_necessary": True,
            "donor_id": "D-1",
        },
    }
    row = MemberHistory()
    row.apply(decode_history(orjson.dumps(event)))
    return row.to_bytes()


def main() -> None:
    """Print the shares; fail where one is at the limit or above."""
    shares = [
        share("scan, 1 in 10,000 in scope", scanning(10_000)),
        share("scan, 1 in 100 in scope", scanning(100)),
        share("decide, all in scope", deciding()),
    ]
    if max(shares) >= _LIMIT:
        raise SystemExit(f"metrics cost {max(shares):.2%}; the limit is {_LIMIT:.0%}")


if __name__ == "__main__":
    main()
