"""Headers of in-scope copies: what the platform may say, and what only the service may."""

from types import SimpleNamespace

from stream_app.pipeline.remember import Source
from stream_app.worker.batch import Batch
from stream_app.worker.ledger import PartitionLedger, Span
from stream_app.worker.provenance import headers_of_copy, source_of

SPAN = Span(PartitionLedger(0), 0, 8, 0)


def test_headers_of_ours_are_left_out_when_the_platform_sends_them() -> None:
    forged = [
        ("cg_trans_03.replay", b'{"replay_id":"x","standing":null}'),
        ("x", b"1"),
        ("cg_trans_03.source", b"elsewhere:0:0"),
        ("x", None),
    ]
    record = SimpleNamespace(headers=forged, offset=7)
    batch = Batch("claims", 3, SPAN, ())
    copy = headers_of_copy(batch, record)
    assert copy == [("x", b"1"), ("x", None), ("cg_trans_03.source", b"claims:3:7")]
    at_the_owner = SimpleNamespace(headers=copy, offset=1)
    assert source_of(Batch("in-scope", 0, SPAN, ()), at_the_owner) == Source("claims", 3, 7)
