"""The gate: no stream record is read before the seek of its generation has finished.

Faust resumes the stream partitions before it seeks them (`faust/tables/recovery.py`,
`on_recovery_completed` and `_resume_streams`), and a fetch that waits through a rebalance wakes
up in the next generation. Either way records are handed out that no agent gets to see while
the commit goes past them. The gate closes with the first word of a rebalance and opens when
both are true: the current generation's own seek is finished, and Faust says that the
rebalance is over.
"""

from threading import Lock

from faust.types import TP


class Gate:
    """Shared by Faust's main thread and its consumer thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._sought: tuple[int, frozenset[TP]] | None = None
        self._readable: frozenset[TP] = frozenset()
        self._is_open = False
        self.closings = 0
        """How often it was closed: a seek that was begun before the last time counts no more."""

    @property
    def readable(self) -> frozenset[TP]:
        """The stream partitions that may be read now; a snapshot.

        Whoever waits between asking and using must compare by identity (`is`) afterwards:
        another object means that the gate has moved.
        """
        return self._readable

    @property
    def is_open(self) -> bool:
        """Whether a generation's seek and rebalance are both over."""
        return self._is_open

    def close(self) -> None:
        """A rebalance begins, or the worker stops: nothing may be read, nothing is sought."""
        with self._lock:
            self._sought = None
            self._readable = frozenset()
            self._is_open = False
            self.closings += 1

    def sought(self, generation: int, partitions: frozenset[TP]) -> None:
        """The seek of `generation` is finished: `partitions` stand where they must."""
        with self._lock:
            self._sought = (generation, partitions)

    def open(self, generation: int) -> bool:
        """The rebalance of `generation` is over. False if its seek did not finish."""
        with self._lock:
            if self._sought is None or self._sought[0] != generation:
                return False
            self._readable = self._sought[1]
            self._is_open = True
            return True
