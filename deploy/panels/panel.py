"""What one panel of a dashboard is."""

from typing import NamedTuple


class Panel(NamedTuple):
    """One panel. `$W` in an expression stands for the dashboard's label filters."""

    title: str
    description: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    """Expression and legend."""
    kind: str = "timeseries"
    width: int = 8
