"""The fast path over the core topic: record batches are searched before records are parsed.

raw_fetch     the bytes of a fetch, out of aiokafka's fetcher
chunked_reader  receives a fetch without copying it twice
batch_walk    which batches of a fetch hold data, and what becomes of the others
transactions  markers and aborted transactions, which nobody is to see
batch_scan    the fast scan
plain_scan    the same by aiokafka's own reader, record by record
record_scan   the same, and our own reader where aiokafka's fails; every other topic
search        the predicate over a whole payload
record_batch  the wire format
inflate       its codecs
sampling      which of the skipped records are looked at
fetched       what goes in and what comes out
"""

from stream_app.worker.scan.batch_scan import BatchScanner
from stream_app.worker.scan.fetched import Fetched, RawRecord, ScanResult
from stream_app.worker.scan.raw_fetch import RawFetches
from stream_app.worker.scan.record_scan import PlainScanner, read_all
from stream_app.worker.scan.sampling import Sampler

__all__ = [
    "BatchScanner",
    "Fetched",
    "PlainScanner",
    "RawFetches",
    "RawRecord",
    "Sampler",
    "ScanResult",
    "read_all",
]
