"""The fast scan finds exactly what the predicate lets through, on every partition there can be.

"Never a false negative" and "the position always advances exactly" are two of its clauses; the
third is that the counts are exact. Judged against the generated records themselves, and against
aiokafka's own reader.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_app.pipeline.scope import may_be_in_scope
from stream_app.worker.scan import (
    BatchScanner,
    PlainScanner,
    RawRecord,
    Sampler,
    ScanResult,
    read_all,
)
from tests.property.scan_batches import PARTITION, TOPIC, Log, Seen
from tests.property.scan_strategies import logs

SCANNERS = [BatchScanner(), BatchScanner(Sampler(rate=1, per_second=1e9)), PlainScanner()]
IDS = ["fast", "fast-sampling", "plain"]


def as_seen(records: list[RawRecord]) -> list[Seen]:
    assert all((one.topic, one.partition) == (TOPIC, PARTITION) for one in records)
    return [
        Seen(one.offset, one.timestamp, one.timestamp_type, one.key, one.value, one.headers)
        for one in records
    ]


def in_scope(seen: list[Seen]) -> list[Seen]:
    return [one for one in seen if one.value is not None and may_be_in_scope(one.value)]


@pytest.mark.parametrize("scanner", SCANNERS, ids=IDS)
@settings(max_examples=400)
@given(logs(), st.booleans(), st.booleans(), st.data())
def test_scan_finds_what_the_predicate_finds_when_started_anywhere(
    scanner, log: Log, read_committed: bool, check_crcs: bool, data
):
    """From any position of any partition: the same records, counts and position."""
    first = log.starts[0][0]
    position = data.draw(st.integers(first, max(first, log.next_offset - 1)))
    visible = log.visible(position, read_committed=read_committed)

    result = scanner.scan(log.fetch(position, read_committed=read_committed, check_crcs=check_crcs))

    assert as_seen(result.records) == in_scope(visible)
    assert result.seen == len(visible)
    assert (
        result.batches
        == SCANNERS[0].scan(log.fetch(position, read_committed=read_committed)).batches
    )
    assert (result.from_offset, result.to_offset) == (position, log.next_offset)
    skipped = {one.offset: one for one in visible}
    for sample in as_seen(result.samples):
        assert skipped[sample.offset] == sample
        assert sample not in in_scope(visible)


@settings(max_examples=300)
@given(logs(), st.booleans(), st.data())
def test_every_record_is_read_when_a_topic_is_not_scanned(log: Log, read_committed: bool, data):
    """From any position; old formats, compacted gaps, markers and odd header names included."""
    first = log.starts[0][0]
    position = data.draw(st.integers(first, max(first, log.next_offset - 1)))
    visible = log.visible(position, read_committed=read_committed)
    records = read_all(log.fetch(position, read_committed=read_committed))
    assert [one.offset for one in records] == [one.offset for one in visible]
    assert [(one.timestamp, one.key, one.value, tuple(one.headers)) for one in records] == [
        (one.timestamp, one.key, one.value, one.headers) for one in visible
    ]


@given(logs(), st.booleans(), st.data())
def test_scan_and_aiokafka_agree_when_bytes_are_cut_off(log: Log, read_committed: bool, data):
    """A cut last batch is left for the next fetch, wherever the cut is."""
    start = log.starts[0][0]
    whole = log.fetch(start, read_committed=read_committed)
    cut = data.draw(st.integers(0, len(whole.data)))
    fetch = type(whole)(
        TOPIC,
        PARTITION,
        start,
        _end(log, cut, start),
        whole.data[:cut],
        whole.aborted,
        read_committed,
    )
    fast, plain = (scanner.scan(fetch) for scanner in (SCANNERS[0], SCANNERS[2]))
    assert essence(fast) == essence(plain)


@given(logs(), st.booleans(), st.data())
def test_scan_finds_everything_once_when_restarted_again_and_again(
    log: Log, read_committed: bool, data
):
    """Scans that take up where the last one ended add up, even inside a batch."""
    first = log.starts[0][0]
    stops = sorted(
        data.draw(st.lists(st.integers(first, max(first, log.next_offset - 1)), max_size=4))
    )
    found: list[Seen] = []
    for start, stop in zip([first, *stops], [*stops, log.next_offset], strict=True):
        result = SCANNERS[0].scan(log.fetch(start, read_committed=read_committed))
        found += [one for one in as_seen(result.records) if one.offset < stop]
    assert found == in_scope(log.visible(first, read_committed=read_committed))


def essence(result: ScanResult) -> tuple[object, ...]:
    return (result.from_offset, result.to_offset, result.seen, result.wire_bytes, result.records)


def _end(log: Log, cut: int, start: int) -> int:
    """The offset behind the last batch that lies wholly before the cut."""
    ends = [*[(offset, at) for offset, at in log.starts[1:]], (log.next_offset, len(log.data))]
    reached = [offset for offset, at in ends if at <= cut]
    return reached[-1] if reached else start
