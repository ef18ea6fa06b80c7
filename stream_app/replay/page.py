"""The report as one HTML page that stands alone: no request, no dependency, nothing to install."""

from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from stream_app.domain.decision import Outcome
from stream_app.policy.load import load_policies
from stream_app.replay import page_plots, page_words
from stream_app.replay.diff_model import Report, Transition

_HERE = Path(__file__).parent
_OUTCOMES: tuple[Outcome | None, ...] = (*Outcome, None)
MOST_REASON_ROWS = 15


def page(report: Report) -> str:
    """The page; everything that comes from data is escaped."""
    style, script = _text("page.css"), _text("page.js")
    return (
        _environment()
        .get_template("page.html.jinja")
        .render(
            report=report,
            job=report.job,
            headline=page_words.headline(report),
            kinds=list(page_words.kinds(report.transitions)),
            asked=list(page_words.asked(report.job)),
            matrix=_matrix(report),
            months=page_plots.columns(report.months),
            lines_of_business=page_plots.rows(report.lines_of_business),
            reasons=report.reasons[:MOST_REASON_ROWS],
            reasons_left=report.reasons[MOST_REASON_ROWS:],
            most_lines=max((row.lines for row in report.reasons), default=0),
            most_cause=max((row.claims for row in report.causes), default=0),
            directions=_DIRECTIONS,
            outcomes=page_words.OUTCOMES,
            causes=page_words.CAUSES,
            causes_mean=page_words.CAUSES_MEAN,
            texts=_reason_texts(),
            # By their hashes: what slipped through the escaping would still not run.
            style=Markup(style),  # noqa: S704 - our own files
            script=Markup(script),  # noqa: S704
            style_hash=_hash(style),
            script_hash=_hash(script),
        )
    )


_DIRECTIONS = {
    "to_approve": "now approve",
    "to_deny": "now deny",
    "to_pend": "now pend",
    "other_reasons": "same outcome, other reasons",
    "to_none": "no decision now",
}


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = "{:,}".format
    environment.filters["share"] = page_words.share
    environment.filters["count"] = page_words.count
    environment.filters["instant"] = _instant
    return environment


@cache
def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


@cache
def _reason_texts() -> dict[str, str]:
    """One sentence for every reason code this software knows."""
    return {code.value: row.reason.text for code, row in load_policies().reasons.items()}


def _hash(content: str) -> str:
    return b64encode(sha256(content.encode()).digest()).decode()


def _instant(moment: str) -> str:
    """2026-11-21T06:00:05.123Z as people write it; anything else as it is."""
    if moment[10:11] == "T" and moment.endswith(("Z", "+00:00")):
        return f"{moment[:10]} {moment[11:16]} UTC"
    return moment


def _matrix(report: Report) -> list[dict[str, Any]]:
    """Rows by what was decided, each with its cells by what would be, and a total."""
    cells: dict[tuple[Outcome | None, Outcome | None], Transition] = {
        (cell.before, cell.after): cell for cell in report.transitions
    }
    return [
        {
            "before": before,
            "cells": [cells[before, after] for after in _OUTCOMES],
            "total": sum(cells[before, after].claims for after in _OUTCOMES),
            "now": sum(cells[other, before].claims for other in _OUTCOMES),
        }
        for before in _OUTCOMES
    ]
