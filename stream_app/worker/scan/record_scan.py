"""Record by record: aiokafka's reader, and our own for what that cannot read.

Kafka lets any bytes be the name of a header. aiokafka reads names as UTF-8 and raises over any
other, at every attempt anew, so that one such record would hold its partition up for ever.
"""

from collections.abc import Sequence

from stream_app.worker.batch import Record
from stream_app.worker.scan.batch_walk import BatchWalk
from stream_app.worker.scan.fetched import Fetched, ScanResult
from stream_app.worker.scan.plain_scan import may_matter, readers, scan_plain
from stream_app.worker.scan.record_batch import BatchHeader
from stream_app.worker.scan.sampling import Sampler


class RecordWalk(BatchWalk):
    """Reads every record by ourselves; what is no text in a header's name is replaced."""

    def _scan_batch(self, header: BatchHeader, body: bytes, result: ScanResult) -> None:
        self._scan_each(header, self._inflater.payload(header, body), result)


class PlainScanner:
    """Scans as `BatchScanner` does, record by record."""

    def __init__(self, sampler: Sampler | None = None) -> None:
        self._sampler = sampler or Sampler(rate=0)
        self._own: RecordWalk | None = None

    def scan(self, fetched: Fetched) -> ScanResult:
        """Find the records of a fetch that may be in scope. Raises as `BatchScanner.scan` does."""
        try:
            return scan_plain(fetched, self._sampler)
        except UnicodeDecodeError:
            self._own = self._own or RecordWalk(self._sampler, may_matter)
            return self._own.scan(fetched)


def read_all(fetched: Fetched) -> Sequence[Record]:
    """Every record of a fetch, whatever is in it. Raises as `BatchScanner.scan` does."""
    try:
        return [record for reader in readers(fetched) for record in reader]
    except UnicodeDecodeError:
        return RecordWalk(Sampler(rate=0), lambda _value: True).scan(fetched).records
