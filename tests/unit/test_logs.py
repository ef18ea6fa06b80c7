"""One JSON object a line, whatever is logged, and silence where others would tell too much."""

import json
import logging
import sys
from collections.abc import Iterator

import pytest

from stream_app.logs import JsonFormatter, Sparing, set_up_logging


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def _line(message: str, *args: object, exc_info: bool = False) -> str:
    record = logging.LogRecord(
        "stream_app.x",
        logging.WARNING,
        __file__,
        1,
        message,
        args,
        sys.exc_info() if exc_info else None,
    )
    return JsonFormatter().format(record)


def test_line_is_one_json_object_when_logged() -> None:
    line = _line("%d records\nof %s", 3, "t")
    assert "\n" not in line
    entry = json.loads(line)
    assert set(entry) == {"time", "level", "logger", "message"}
    assert entry["message"] == "3 records\nof t"
    assert entry["level"] == "WARNING"


def test_line_is_one_json_object_when_an_exception_is_logged() -> None:
    try:
        int("no")
    except ValueError:
        line = _line("failed", exc_info=True)
    assert "\n" not in line
    assert "ValueError: invalid literal" in json.loads(line)["exception"]


@pytest.mark.parametrize("odd", ["\ud800", "\x00", "\u2028", "ä"])
def test_line_is_not_lost_when_its_text_is_odd(odd: str) -> None:
    """A lone surrogate (a file name, a header) is no UTF-8: the line must still come out."""
    assert json.loads(_line("text %s end", odd))["message"].endswith(" end")


@pytest.mark.parametrize(
    "name", ["aiokafka", "aiokafka.consumer.fetcher", "faust", "mode", "kafka", "opentelemetry"]
)
def test_talkative_packages_are_not_heard_below_info_when_debug_is_asked_for(name: str) -> None:
    set_up_logging("DEBUG", "json")
    assert not logging.getLogger(name).isEnabledFor(logging.DEBUG)
    assert logging.getLogger(name).isEnabledFor(logging.INFO)
    assert logging.getLogger("stream_app.worker.hop").isEnabledFor(logging.DEBUG)


def test_line_carries_places_and_trace_and_nothing_else_when_given() -> None:
    record = logging.LogRecord("x", logging.INFO, __file__, 1, "m", (), None)
    record.__dict__.update(topic="t", partition=0, offset=0, trace_id=None, member_id="M-1")
    entry = json.loads(JsonFormatter().format(record))
    assert entry.keys() == {"time", "level", "logger", "message", "topic", "partition", "offset"}


def test_a_flood_of_lines_is_cut_and_what_was_cut_is_told_when_it_is_over() -> None:
    sparing = Sparing(lines=2, seconds=10)

    def line(at: float) -> logging.LogRecord:
        record = logging.LogRecord("x", logging.WARNING, __file__, 1, "m", (), None)
        record.created = at
        return record

    assert [sparing.filter(line(at)) for at in (0, 1, 2, 9)] == [True, True, False, False]
    after = line(10)
    assert sparing.filter(after)
    assert after.left_out == 2
    later = line(20)
    assert sparing.filter(later)
    assert not hasattr(later, "left_out")


def test_others_follow_when_less_is_asked_for() -> None:
    set_up_logging("ERROR", "json")
    assert not logging.getLogger("aiokafka").isEnabledFor(logging.WARNING)
