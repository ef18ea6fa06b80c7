"""How far the tables are from being recovered, by Faust's own account."""

from typing import Any


def remaining_records(tables: Any) -> dict[str, int]:
    """Changelog offsets still to be read, by table.

    Args:
        tables: Faust's table manager. Its offsets move with every batch read of a changelog; the
            ends are those at the start of the recovery.
    """
    recovery = tables.recovery
    left = recovery.active_remaining()
    return {
        table.name: sum(max(0, left[tp]) for tp in list(recovery.actives_for_table.get(table, ())))
        for table in list(tables.values())
    }


def is_connected(consumer: Any) -> bool:
    """Whether a broker is connected to this (Faust's) consumer."""
    reader = getattr(getattr(consumer, "_thread", None), "_consumer", None)
    connections = () if reader is None else list(reader._client._conns.values())
    return any(connection.connected() for connection in connections)
