"""What a job leaves in its folder: report.json, changes.csv, report.html. For its owner's eyes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from stream_app import __version__
from stream_app.replay.csv_out import write_csv
from stream_app.replay.diff import report as count
from stream_app.replay.diff_model import JobFacts, Report
from stream_app.replay.job_file import JobFile
from stream_app.replay.page import page
from stream_app.replay.question import Basis, Question, decision_topics, source_topic
from stream_app.replay.run import rows_of
from stream_app.settings import Settings

JSON, CSV, PAGE = "report.json", "changes.csv", "report.html"

_OWNER_ONLY = 0o600


def write_outcome(
    folder: Path, file: JobFile, question: Question, basis: Basis, settings: Settings
) -> Report:
    """Counts what was found and writes it down, each file whole or not at all."""
    report = count(rows_of(file), _facts(file, question, basis, settings))
    folder.mkdir(parents=True, exist_ok=True)
    with _written(folder / JSON) as out:
        out.write(report.to_json().decode())
    with _written(folder / CSV) as out:
        write_csv(rows_of(file, changed=True), out)
    with _written(folder / PAGE) as out:
        out.write(page(report))
    return report


def _facts(file: JobFile, question: Question, basis: Basis, settings: Settings) -> JobFacts:
    handed_over = file.fact("handed_over")
    return JobFacts(
        replay_id=file.replay_id,
        started_at=file.fact("started_at"),
        finished_at=file.fact("finished_at"),
        software_version=__version__,
        source=question.source,
        topic=source_topic(question, settings),
        decision_topics=decision_topics(settings),
        selection=question.selection(),
        history_as_of=question.history,
        policy=basis.kind,
        policy_versions=basis.versions,
        settings=basis.settings,
        records_read=file.count("claims_read"),
        records_unreadable=file.count("records_unreadable"),
        claims_moved_on=file.count("moved_on"),
        handed_over=int(handed_over) if handed_over else None,
    )


@contextmanager
def _written(path: Path) -> Iterator[TextIO]:
    part = path.with_name(f".{path.name}.part")
    descriptor = os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, _OWNER_ONLY)
    # Line ends as they are given: CSV has its own.
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as out:
        yield out
    part.replace(path)
