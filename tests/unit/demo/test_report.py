import io

import pytest
from rich.console import Console

from stream_app.demo.check import Finding, check
from stream_app.demo.numbers import Numbers
from stream_app.demo.page import Page
from stream_app.demo.report import dead_letters, decisions, findings
from stream_app.demo.screen import Flow, Screen
from stream_app.demo.words import late, verdict
from tests.unit.demo.worlds import perfect, small_acts

ACTS = small_acts()


@pytest.fixture
def page():
    return Page(Console(file=io.StringIO(), width=80, markup=False, highlight=False))


def printed(page):
    return page.console.file.getvalue()


def test_a_report_is_plain_and_at_most_80_columns_wide_when_there_is_no_terminal(page):
    tally = perfect(ACTS)

    decisions(page, tally, ACTS)
    late(page, ACTS, tally)
    dead_letters(page, tally)
    findings(page, check(ACTS, tally))

    text = printed(page)
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text
    assert not any(line.endswith(" ") for line in text.splitlines())
    assert "GENETIC_MODIFICATION_NOT_MEDICALLY_NECESSARY" in text


def test_late_history_is_told_of_in_counts(page):
    late(page, ACTS, perfect(ACTS))
    assert "got another decision" in " ".join(printed(page).split())


@pytest.mark.parametrize(("holds", "word"), [(True, "All of it holds"), (False, "does not hold")])
def test_the_last_word_follows_the_findings(page, holds, word):
    verdict(page, [Finding(holds=yes, what="one", found="1") for yes in (True, holds)])

    assert word in printed(page)


def test_progress_is_a_short_line_now_and_then_when_there_is_no_terminal(page, monkeypatch):
    monkeypatch.setattr("stream_app.demo.screen.PLAIN_EVERY_SECONDS", 0.0)
    flow = Flow(200_000, 200_000, 10.0, Numbers(200_000, 200, 180, 43))

    with Screen(page).flow() as line:
        line.show(flow)

    assert printed(page).strip() == (
        "fed 200,000  read 200,000  in scope 200  decided 180  dead 43  20,000/s"
    )
    assert len(printed(page).rstrip("\n")) <= 80


def test_a_command_is_not_broken_when_it_is_long(page):
    page.command("cat " + "x" * 200)

    assert len(printed(page).splitlines()) == 1
