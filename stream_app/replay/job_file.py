"""The file of a job: what it was asked, what it has read, how far it is. Memory stays flat.

What is written and how far it got are one transaction, so that a job that was killed goes on where
it was, and nothing is booked twice. The file holds claims and histories: it is its owner's alone.
"""

import os
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Self

import msgspec

from stream_app.errors import CgTrans03Error, UsageError
from stream_app.replay.reading import Span

NAME = "job.sqlite"
_OWNER_ONLY = 0o600
_LAYOUT = "1"

_SCHEMA = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE spans (
    topic TEXT, partition INTEGER, start INTEGER, end INTEGER, position INTEGER,
    PRIMARY KEY (topic, partition)
) WITHOUT ROWID;
-- Of every claim_id the event that stands, and whether that one lies within the bounds.
CREATE TABLE claims (
    number INTEGER PRIMARY KEY, claim_id TEXT UNIQUE, standing BLOB, chosen INTEGER,
    met INTEGER, member_id TEXT, partition INTEGER, offset INTEGER, source TEXT, original BLOB
);
CREATE TABLE events (
    member_id TEXT, transplant_id TEXT, event_id TEXT, heard BLOB,
    PRIMARY KEY (member_id, transplant_id, event_id)
) WITHOUT ROWID;
-- Of every claim_id the decision that stands.
CREATE TABLE decisions (
    claim_id TEXT PRIMARY KEY, standing BLOB, decision_id TEXT, supersedes TEXT, decision BLOB
) WITHOUT ROWID;
CREATE TABLE compared (
    number INTEGER PRIMARY KEY, changed INTEGER, handed_over INTEGER DEFAULT 0, row BLOB
);
"""


class Phase(StrEnum):
    """What a job does next."""

    CLAIMS = "claims"
    HISTORY = "history"
    DECISIONS = "decisions"
    COMPARE = "compare"
    DONE = "done"


class JobFile:
    """A job's state. Every write happens within `writing`.

    Args:
        folder: made where it is not there.
        parameters: what makes the job the one that it is, by name.
        replay_id: a UUID; by default a new one, or the job's own where it has begun.

    Raises:
        UsageError: the folder holds another job, or cannot be used.
    """

    @classmethod
    def new(cls, parent: Path, parameters: Mapping[str, str]) -> Self:
        """Begin a job in a folder named after it."""
        replay_id = str(uuid.uuid4())
        return cls(parent / replay_id, parameters, replay_id)

    def __init__(
        self, folder: Path, parameters: Mapping[str, str], replay_id: str | None = None
    ) -> None:
        self.folder = folder
        path = folder / NAME
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, _OWNER_ONLY))
            self.db = sqlite3.connect(path, isolation_level=None, timeout=1)
            self._open(parameters, replay_id or str(uuid.uuid4()))
        except sqlite3.OperationalError as failure:
            if "locked" in str(failure):
                raise UsageError(f"{folder}: another process works on this job") from None
            raise UsageError(f"{path}: cannot be used: {failure}") from None
        except sqlite3.DatabaseError:
            raise UsageError(f"{path}: is no job file; name another folder by --job") from None
        except OSError as failure:
            raise UsageError(f"{folder}: cannot be used: {failure.strerror}") from None

    def _open(self, parameters: Mapping[str, str], replay_id: str) -> None:
        # Killed or not, what is committed is in the log. Nobody else may write in the meantime.
        self.db.execute("PRAGMA locking_mode = EXCLUSIVE")
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = NORMAL")
        self.db.execute("PRAGMA cache_size = -32000")
        self.db.execute("PRAGMA temp_store = FILE")
        wanted = msgspec.json.encode(parameters, order="sorted").decode()
        with self.writing():
            if self.db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None:
                for statement in _SCHEMA.split(";"):
                    self.db.execute(statement)
                self.note("layout", _LAYOUT)
                self.note("parameters", wanted)
                self.note("replay_id", replay_id)
                self.note("started_at", now())
                self.note("phase", Phase.CLAIMS)
        if self.fact("layout") != _LAYOUT:
            raise UsageError("the job is of another version of this software; begin a new one")
        if self.fact("parameters") != wanted:
            known = msgspec.json.decode(self.fact("parameters"), type=dict[str, str])
            others = [name for name, value in parameters.items() if known.get(name) != value]
            raise UsageError(
                f"the folder holds a job that was asked something else ({', '.join(others)}); "
                "name another folder by --job"
            )

    def close(self) -> None:
        """Let others at it."""
        self.db.close()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction: all of it or nothing.

        Raises:
            CgTrans03Error: it cannot be written.
        """
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.db.execute("COMMIT")
        except sqlite3.OperationalError as failure:
            self._undo()
            raise CgTrans03Error(f"the job file cannot be written: {failure}") from None
        except BaseException:
            self._undo()
            raise

    def _undo(self) -> None:
        if self.db.in_transaction:
            self.db.execute("ROLLBACK")

    # -- facts --------------------------------------------------------------------------

    def fact(self, name: str, default: str = "") -> str:
        """What was noted under a name."""
        found = self.db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return default if found is None else str(found[0])

    def note(self, name: str, value: str) -> None:
        """Note something, in the place of what was."""
        self.db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def count(self, name: str, number: int = 0) -> int:
        """A number that grows, as it is now; by `number` more from here on."""
        total = int(self.fact(name, "0")) + number
        if number:
            self.note(name, str(total))
        return total

    @property
    def replay_id(self) -> str:
        """Made when the job began."""
        return self.fact("replay_id")

    @property
    def phase(self) -> Phase:
        """What is to be done next."""
        return Phase(self.fact("phase"))

    # -- how far topics have been read --------------------------------------------------

    def begin(self, topic: str, spans: Iterable[Span]) -> None:
        """Fix how much of a topic is read: what comes in later is not seen."""
        rows = [(topic, span.partition, span.start, span.end, span.start) for span in spans]
        self.db.executemany("INSERT INTO spans VALUES (?, ?, ?, ?, ?)", rows)

    def left(self, topic: str) -> list[Span] | None:
        """What is still to be read; None: not begun."""
        rows = self.db.execute(
            "SELECT partition, position, end FROM spans WHERE topic = ?", (topic,)
        ).fetchall()
        return [Span(*row) for row in rows] or None

    def reached(self, topic: str, partition: int, position: int) -> None:
        """All before a position is read and written."""
        self.db.execute(
            "UPDATE spans SET position = ? WHERE topic = ? AND partition = ?",
            (position, topic, partition),
        )

    def extent(self, topics: Sequence[str]) -> int:
        """How many offsets the spans of these topics have."""
        marks = ",".join("?" * len(topics))
        (found,) = self.db.execute(
            f"SELECT coalesce(sum(end - start), 0) FROM spans WHERE topic IN ({marks})",  # noqa: S608
            topics,
        ).fetchone()
        return int(found)


def now() -> str:
    """This moment, RFC 3339."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
