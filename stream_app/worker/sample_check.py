"""A second look at a few skipped claims: would the scan overlook what it must not?

The scan reads bytes. A producer that starts to send another encoding, codes as something else or
no JSON at all would be passed over in silence; the sample is decoded and judged as `adjudicate`
would, beside the hot path, and what it finds is counted by kind and alarmed.
"""

import queue
import threading

from stream_app import metrics
from stream_app.errors import MalformedEvent
from stream_app.pipeline.decode import check_claim
from stream_app.worker.scan import RawRecord

_WAITING = 1_000


class SampleCheck:
    """Judges samples on a thread of its own; drops them when it cannot keep up."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[list[RawRecord]] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="sample-check", daemon=True).start()

    def submit(self, samples: list[RawRecord]) -> None:
        """Hand over samples; never waits."""
        if self._queue.qsize() < _WAITING:
            self._queue.put(samples)

    def _run(self) -> None:
        while True:
            for record in self._queue.get():
                metrics.SAMPLES.labels(judge(record.value)).inc()


def judge(value: bytes | None) -> str:
    """`ok`, `in_scope` (the scan was wrong), or the reason code of what is malformed."""
    if value is None:
        return "no_value"
    try:
        return "in_scope" if check_claim(value) else "ok"
    except MalformedEvent as fault:
        return fault.reason.value
