"""When a hop that may not read yet is stuck, and starting it anew may help.

While the gate is closed the ledger is empty: nothing waits that could be seen to wait, and the
rule about records that are not done says nothing. So it is the way there that must move: changelog
records are read, or the group comes to an assignment.
"""

RECOVERY_SECONDS = 300.0
"""Changelog records are left and none has been read for this long."""

REBALANCE_SECONDS = 900.0
"""No partitions for this long and nothing to recover, however often the group began anew."""


class Unready:
    """One hop between the closing of its gate and the opening."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._left = 0

    def look(self, now: float, *, open_: bool, reachable: bool, left: int) -> None:
        """Take note of how far the hop is.

        Args:
            now: seconds that only grow.
            open_: whether it may read.
            reachable: whether a broker is connected. Where none is, no time passes: a worker that
                is started anew finds none either.
            left: changelog records still to be read. Any change is a step: read on, or told of
                more after a rebalance.
        """
        if open_ or not reachable:
            self._since = None
        elif self._since is None or left != self._left:
            self._since = now
        self._left = left

    def fault(self, now: float) -> str | None:
        """What is stuck, or None."""
        waited = 0.0 if self._since is None else now - self._since
        if self._left and waited > RECOVERY_SECONDS:
            return f"{self._left} changelog records are left and none was read for {waited:.0f} s"
        if not self._left and waited > REBALANCE_SECONDS:
            return f"no partitions for {waited:.0f} s"
        return None
