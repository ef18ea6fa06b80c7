"""The last word on a batch that failed: where it lies and whose trace it is, not what it holds."""

from aiokafka.errors import KafkaError
from mode import get_logger

from stream_app import metrics
from stream_app.worker.batch import Batch
from stream_app.worker.trace_context import trace_id_of

logger = get_logger(__name__)


def tell_of_failure(hop: str, batch: Batch, failure: Exception) -> None:
    """Count it where it is the producer's, and name the claim's trace where there is only one."""
    if isinstance(failure, KafkaError):
        metrics.PRODUCER_ERRORS.labels(hop).inc()
    logger.error(
        "%s: a batch of %d record(s) failed with %s",
        hop,
        len(batch.records),
        type(failure).__name__,
        extra={
            "hop": hop,
            "topic": batch.topic,
            "partition": batch.partition,
            "offset": batch.span.start,
            "trace_id": trace_id_of(batch.records[0]) if len(batch.records) == 1 else None,
        },
    )
