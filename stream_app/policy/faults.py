"""What is wrong with a data file, collected, so that one run reports all of it."""

from typing import NamedTuple

from stream_app.errors import UsageError


class Fault(NamedTuple):
    """One thing that is wrong, and where."""

    file: str
    line: int
    """1-based; 0 where the fault is the file's as a whole."""
    field: str
    """Path of keys and indexes: `diagnosis_ranges[2].first`; empty for the whole file."""
    problem: str

    @property
    def text(self) -> str:
        """One line for a person."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        return (
            f"{place}: {self.field}: {self.problem}" if self.field else f"{place}: {self.problem}"
        )


class PolicyError(UsageError):
    """Policy or applicability data cannot be used; holds every fault found."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = tuple(sorted(faults))
        super().__init__("\n".join(fault.text for fault in self.faults))


class FaultList(list[Fault]):
    """Faults found so far."""

    def raise_if_any(self) -> None:
        """End the loading here unless all is well.

        Raises:
            PolicyError: some fault was found.
        """
        if self:
            raise PolicyError(self)
