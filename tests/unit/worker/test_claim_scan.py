"""Where a fetch is scanned."""

import pytest

from stream_app.worker.claim_scan import ClaimScan
from stream_app.worker.scan import Fetched
from tests.property.scan_batches import CODECS, Rec, fetched, v2_batch

IN_SCOPE = b'{"service_lines":[{"procedure_code":"38242"}],"noise":"%b"}' % (b"0" * 900)


def fetch_of(batches: int, records: int) -> Fetched:
    """A fetch of so many batches of so many claims in scope, as it comes uncompressed."""
    log = b"".join(
        v2_batch([Rec(IN_SCOPE)] * records, number * records, codec=CODECS["none"])[0]
        for number in range(batches)
    )
    return fetched(log)


@pytest.mark.parametrize(
    ("batches", "records", "waits"),
    [(200, 1, False), (1, 200, True), (1, 100, False), (20, 40, True)],
    ids=["small batches", "one large batch", "small fetch", "large batches"],
)
async def test_fetch_is_scanned_where_it_came_when_a_thread_of_its_own_does_not_pay(
    batches: int, records: int, waits: bool
):
    scan = ClaimScan("t", "batch", sample_rate=0, sink=lambda _records: None, threads=2)
    answer = scan.begin(fetch_of(batches, records))
    # What another thread has done reaches this one only when the loop turns.
    assert answer.done() is not waits
    assert [record.offset for record in await answer] == list(range(batches * records))
