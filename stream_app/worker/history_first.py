"""Claims wait until the history that was there before them is on file.

When partitions are assigned, history may lie unread: the tables are made anew, or the worker was
gone for long. A claim decided beside it could be approved by one half of its member's history, and
an approval is not taken back when the other half comes. So the history of a partition is taken in
first, up to where its topic ended when the partition was sought. What comes later is late history.
"""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from faust.types import TP

from stream_app.worker.ledger import Ledger


class HistoryFirst:
    """Which partitions of claims are held back. The consumer thread's alone.

    Args:
        claims_topic: what is held back.
        history_topic: what is waited for; a member has the same partition in both.
    """

    def __init__(self, claims_topic: str, history_topic: str) -> None:
        self._claims_topic = claims_topic
        self._history_topic = history_topic
        self._held: dict[TP, tuple[TP, int]] = {}

    def histories(self, partitions: Iterable[TP]) -> list[TP]:
        """Those of the partitions that are waited for."""
        return [tp for tp in partitions if tp.topic == self._history_topic]

    def sought(self, positions: Mapping[TP, int], ends: Mapping[TP, int]) -> None:
        """A seek has put partitions at `positions`; those of histories go on to `ends`."""
        self._held = {
            TP(self._claims_topic, tp.partition): (tp, end)
            for tp, end in ends.items()
            if positions[tp] < end
        }

    def held(self, ledger: Ledger) -> AbstractSet[TP]:
        """The partitions of claims whose history is not all done."""
        for claims, (history, end) in list(self._held.items()):
            partition = ledger.get(history)
            if partition is not None and partition.mark >= end:
                del self._held[claims]
        return self._held.keys()
