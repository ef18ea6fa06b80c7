"""Progress: silent at first, then how far, how fast, how long still; nothing but numbers."""

import io

import pytest
from rich.console import Console

from stream_app import metrics
from stream_app.replay.progress import Progress


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def printed(clock: Clock, *steps: tuple[float, int], terminal: bool = False, done: int = 0) -> str:
    """What is printed when, at each time, so much more is done of 1,000."""
    out = io.StringIO()
    progress = Progress(Console(file=out, force_terminal=terminal, width=100), clock)
    with progress.phase("deciding", 1_000, done) as advance:
        for at, more in steps:
            clock.now = at
            advance(more)
    return out.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_nothing_is_said_when_all_is_over_within_two_seconds(clock, terminal):
    assert printed(clock, (0.5, 500), (1.9, 500), terminal=terminal) == ""


def test_a_line_says_rate_and_time_left_when_there_is_no_terminal(clock):
    line = "deciding: 300 of 1,000 (30%), 100/s, 0:00:07 left\n"
    assert printed(clock, (3.0, 300)) == line


def test_lines_come_every_five_seconds_when_there_is_no_terminal(clock):
    text = printed(clock, *((2.0 + tenth / 2, 10) for tenth in range(25)))
    assert len(text.splitlines()) == 3


def test_rate_counts_this_run_only_when_an_earlier_one_was_killed(clock):
    assert "500 of 1,000 (50%), 25/s" in printed(clock, (4.0, 100), done=400)


def test_a_bar_is_drawn_when_there_is_a_terminal(clock):
    assert "300/1000" in printed(clock, (3.0, 300), terminal=True)


def test_nothing_breaks_when_there_is_nothing_to_do(clock):
    out = io.StringIO()
    with Progress(Console(file=out), clock).phase("deciding", 0):
        clock.now = 9.0
    assert out.getvalue() == ""


@pytest.mark.parametrize("phases", [4, 5])
def test_the_metric_ends_at_one_when_all_phases_are_over(clock, phases: int):
    progress = Progress(Console(file=io.StringIO()), clock, phases=phases)
    seen = []
    for _ in range(phases):
        with progress.phase("deciding", 10) as advance:
            clock.now += 1
            advance(5)
            seen.append(metrics.REPLAY_PROGRESS._value.get())
        seen.append(metrics.REPLAY_PROGRESS._value.get())
    assert seen == sorted(seen)
    assert seen[-1] == 1
