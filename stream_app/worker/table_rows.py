"""Walking over the rows of a table while it is written: a few at a time, nothing held meanwhile."""

from collections.abc import Iterator
from typing import Any

from stream_app.worker.tables import MemberTable

Row = tuple[int, bytes, bytes]
"""Partition, key and value."""

_CHUNK_ROWS = 32
_CHUNK_BYTES = 65_536


def chunks(table: MemberTable, partitions: frozenset[int]) -> Iterator[list[Row]]:
    """The rows of these partitions, as they are when the walk comes to them.

    A partition may leave in the middle of it: what is left of it is then left out.
    """
    if hasattr(table.data, "_dbs"):
        for partition in sorted(partitions):
            yield from _on_disk(table, partition)
    else:
        yield from _in_memory(table, partitions)


def _in_memory(table: MemberTable, partitions: frozenset[int]) -> Iterator[list[Row]]:
    store: Any = table.data
    # The keys alone are copied, and at once: the table changes between two chunks.
    keys = list(store.data)
    for start in range(0, len(keys), _CHUNK_ROWS):
        rows: list[Row] = []
        for key in keys[start : start + _CHUNK_ROWS]:
            value = store.data.get(key)
            partition = store._key_partition.get(key)
            if value is not None and partition in partitions:
                rows.append((partition, key, value))
        yield rows


def _on_disk(table: MemberTable, partition: int) -> Iterator[list[Row]]:
    store: Any = table.data
    start = b""
    while (db := store._dbs.get(partition)) is not None:
        rows: list[Row] = []
        # A new look each time: an iterator that is kept would keep deleted files, too, and outlive
        # its database.
        found = db.iter()
        found.seek(start)
        size = steps = 0
        while found.valid() and steps < _CHUNK_ROWS and size < _CHUNK_BYTES:
            key, value = bytes(found.key()), bytes(found.value())
            steps += 1
            size += len(value)
            if key != store.offset_key:  # Faust's own note of how far it has read
                rows.append((partition, key, value))
            start = key + b"\0"
            found.next()
        if not steps:
            return
        yield rows
