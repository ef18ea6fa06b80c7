"""Where partitions end, asked without trusting that they are still assigned."""

from typing import Any, cast

from faust.types import TP


def end_of(consumer: Any, tp: TP) -> int | None:
    """The end of a partition, as far as the fetches have told; None where they have not.

    aiokafka's own `highwater` asserts that the partition is assigned. The ledger's word for that
    is a moment old, and the consumer thread changes its assignment whenever it likes: so one look
    at one assignment, which is never changed once it is made.

    Args:
        consumer: Faust's.
        tp: a partition that may have been another worker's for a moment.
    """
    reader = getattr(getattr(consumer, "_thread", None), "_consumer", None)
    subscription = None if reader is None else reader._subscription.subscription
    assignment = None if subscription is None else subscription.assignment
    if assignment is None or tp not in assignment.tps:
        return None
    return cast("int | None", assignment.state_value(tp).highwater)
